/// One action in a list, as a packet meets it.
protocol RunnableAction {
    /// Whether it is for hardware alone.
    var isPassedOver: Bool { get }
    /// What it says to this packet; may count it.
    func run() -> Verdict
}

/// Takes a list of actions on one packet.
///
/// Source: kernel net/sched/act_api.c `tcf_action_exec`; R4-54.
enum ActionRun {
    /// Actions of one filter, jumps of one packet, and turns of one action.
    static var limit: Int { 32 }

    /// - Parameter met: is told of each action that was taken, by its place, and what it said.
    static func verdict(of actions: [some RunnableAction], _ met: (Int, Verdict) -> Void = { _, _ in }) -> Verdict {
        var (index, jumps) = (0, 0)
        var verdict = Verdict.pass
        while index < actions.count {
            if actions[index].isPassedOver {
                index += 1
                continue
            }
            guard let said = taken(actions[index], { met(index, $0) }) else { return .pass }
            verdict = said
            switch said {
            case .pipe: index += 1
            case .jump(let place):
                jumps += 1
                // Where there is nothing, and where it has gone on for too long, the packet passes.
                guard place > 0, place < actions.count, jumps < limit else { return .pass }
                index = Int(place)
            default: return said
            }
        }
        return verdict
    }

    /// Nil if it wants to be repeated for ever.
    private static func taken(_ action: some RunnableAction, _ met: (Verdict) -> Void) -> Verdict? {
        for _ in 0..<limit {
            let verdict = action.run()
            met(verdict)
            if verdict != .repeat { return verdict }
        }
        return nil
    }
}
