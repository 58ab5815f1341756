internal import ChangeLog
internal import Routing
internal import Threads
internal import TrafficControl

extension Namespace {
    /// Throws ENODEV if an action that a request makes is to give packets to a link that isn't there (R4-98). Of one that is there
    /// already nothing is asked: a filter shares it as it is (R4-95), and to make it again is refused otherwise.
    func checkTargets(of operation: TrafficOperation) throws(FIBError) {
        switch operation.action {
        case .writeAction(let draft, let replaces): try checkTarget(of: draft, isReplaced: replaces)
        case .writeFilter(_, let write): for draft in write.actions { try checkTarget(of: draft, isReplaced: false) }
        default: return
        }
    }

    private func checkTarget(of draft: ActionDraft, isReplaced: Bool) throws(FIBError) {
        guard case .mirred(let mirred)? = draft.content, !mirred.device.isEmpty else { return }
        if !isReplaced, let index = draft.index, traffic.actions[draft.kind]?.holders(index) != nil { return }
        guard state.withLock({ $0.objects[.link(mirred.device)] != nil }) else {
            throw FIBError(
                .enodev, .linkNotFound, "there is no link '\(mirred.device)' in \(name) to give packets to",
                rule: "R4-98")
        }
    }
}
