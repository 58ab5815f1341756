/// What is to become of a packet, as an action or a whole classification says it. Numbers are those of `TC_ACT_…`.
///
/// Source: kernel include/uapi/linux/pkt_cls.h; R4-55.
public enum Verdict: Hashable, Sendable {
    /// The next proto is asked (−1).
    case `continue`
    /// It goes on its way (0).
    case pass
    /// All begins anew at the head of chain 0 (1).
    case reclassify
    case drop
    /// The next action is taken (3).
    case pipe
    /// Someone has it (4).
    case stolen
    case queued
    /// The action is taken once more (6).
    case `repeat`
    /// Another link has it (7).
    case redirect
    /// It goes up to the host's own stack, out of hardware (8).
    case trap
    /// The list of actions is taken anew from that place on, the first being 0.
    case jump(UInt32)
    /// The head of that chain is asked.
    case goto(chain: UInt32)

    private static let names: [(Verdict, String)] = [
        (.continue, "continue"), (.pass, "pass"), (.reclassify, "reclassify"), (.drop, "drop"), (.pipe, "pipe"),
        (.stolen, "stolen"), (.queued, "queued"), (.repeat, "repeat"), (.redirect, "redirect"), (.trap, "trap"),
    ]

    /// A verdict that needs no number. `ok` is `pass`, `shot` is `drop`.
    public init?(name: String) {
        let known = ["ok": "pass", "shot": "drop", "unspec": "continue"][name] ?? name
        guard let verdict = Self.names.first(where: { $0.1 == known })?.0 else { return nil }
        self = verdict
    }

    /// As `control_action.type` has it.
    public var name: String {
        switch self {
        case .jump: "jump"
        case .goto: "goto"
        default: Self.names.first { $0.0 == self }?.1 ?? ""
        }
    }
}
