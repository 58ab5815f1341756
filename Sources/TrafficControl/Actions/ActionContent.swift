public import Routing

/// What an action does: its kind, and all that was said of it but for the index.
public enum ActionContent: Hashable, Sendable {
    case gact(Gact)
    case mirred(Mirred)

    /// Names of the kinds that there are.
    public static let kinds = ["gact", "mirred"]

    public var kind: String {
        switch self {
        case .gact: "gact"
        case .mirred: "mirred"
        }
    }

    /// The verdict, where nothing random decides.
    public var control: Verdict {
        switch self {
        case .gact(let gact): gact.control
        case .mirred(let mirred): mirred.control
        }
    }

    /// The chains that it may send packets to.
    var target: UInt32? { if case .goto(let chain) = control { chain } else { nil } }
}

/// The generic action: a verdict, and perhaps now and then another one.
///
/// Source: kernel net/sched/act_gact.c.
public struct Gact: Hashable, Sendable {
    /// When the other verdict is given instead.
    public struct Random: Hashable, Sendable {
        public enum Form: String, CaseIterable, Sendable {
            /// To one packet in `value`, by chance.
            case netrand
            /// To every `value`th packet.
            case determ
        }
        public let form: Form
        public let control: Verdict
        /// 1 to 10,000.
        public let value: UInt16

        /// Throws EINVAL for a verdict that leads to a chain (R4-97).
        public init(_ form: Form, _ control: Verdict, value: UInt16) throws(FIBError) {
            if case .goto = control {
                throw FIBError(
                    .einval, .actionInvalid, "what a gact does at random can't be to go to a chain", rule: "R4-97")
            }
            guard value <= 10_000 else {
                throw FIBError(.einval, .actionInvalid, "the chance of a gact is one in 1 to 10,000")
            }
            self.form = form
            self.control = control
            self.value = max(1, value)
        }
    }

    public let control: Verdict
    public let random: Random?

    public init(_ control: Verdict, random: Random? = nil) {
        self.control = control
        self.random = random
    }
}

/// Gives packets, or copies of them, to another link.
///
/// Source: kernel net/sched/act_mirred.c; R4-98.
public struct Mirred: Hashable, Sendable {
    public enum Mode: String, CaseIterable, Sendable {
        /// The packet goes on, a copy goes there.
        case mirror
        case redirect
    }
    /// Whether it comes in by the link, or leaves by it.
    public typealias Direction = BlockIdentity.Direction

    public let mode: Mode
    public let direction: Direction
    /// Name of the link; empty once it is gone.
    public let device: String
    public let control: Verdict

    /// - Parameter control: by default what `tc` gives: `pipe` for copies, `stolen` for the packet itself.
    public init(_ mode: Mode, _ direction: Direction, to device: String, _ control: Verdict? = nil) {
        self.mode = mode
        self.direction = direction
        self.device = device
        self.control = control ?? (mode == .mirror ? .pipe : .stolen)
    }
}
