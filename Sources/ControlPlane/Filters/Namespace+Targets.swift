internal import ChangeLog
internal import Routing
internal import Threads
internal import TrafficControl

/// Links that filters and actions name.
extension Namespace {
    /// Throws ENODEV if a link isn't there that filters ask packets for (R4-93), or that an action is to give packets to (R4-98). Of an
    /// action that is there already nothing is asked: a filter shares it as it is (R4-95), and to make it again is refused otherwise.
    func checkLinks(of operation: TrafficOperation, _ hasLink: (String) -> Bool) throws(FIBError) {
        var named: [(device: String, rule: String)] = []
        switch operation.action {
        case .writeAction(let draft, let replaces): named = targets([draft], isReplaced: replaces)
        case .writeFilter(_, let write):
            named = targets(write.actions, isReplaced: false) + write.inputDevices.map { ($0, "R4-93") }
        default: return
        }
        for (device, rule) in named where !hasLink(device) {
            throw FIBError(.enodev, .linkNotFound, "there is no link '\(device)' in \(name)", rule: rule)
        }
    }

    private func targets(_ drafts: [ActionDraft], isReplaced: Bool) -> [(device: String, rule: String)] {
        drafts.compactMap { draft in
            guard case .mirred(let mirred)? = draft.content else { return nil }
            if !isReplaced, let index = draft.index, traffic.actions[draft.kind]?.holders(index) != nil { return nil }
            return (mirred.device, "R4-98")
        }
    }
}

extension TrafficOperation {
    /// The links that actions which it makes give packets to.
    fileprivate var targets: [String] {
        let drafts =
            switch action {
            case .writeAction(let draft, _): [draft]
            case .writeFilter(_, let write): write.actions
            default: [ActionDraft]()
            }
        return drafts.compactMap { if case .mirred(let mirred)? = $0.content { mirred.device } else { nil } }
    }
}

extension ControlPlane {
    /// A link that was there when a request looked for it may have gone before the request was done, and what follows from that as well.
    func checkTargets(of operation: TrafficOperation, in namespace: Namespace) {
        for device in operation.targets where namespace.state.withLock({ $0.objects[.link(device)] == nil }) {
            _ = forgetTarget(device, in: namespace, nil, .ofWorker)
        }
    }

    /// A link is gone: actions that gave packets to it have no target any more (R4-98).
    func forgetTarget(
        _ device: String, in namespace: Namespace, _ cause: ChangeBatch.Cause?, _ patience: Patience
    ) -> FIBError? {
        namespace.trafficLink.setCause(cause, of: nil)
        defer { namespace.trafficLink.setCause(nil, of: nil) }
        do throws(FIBError) {
            var next: UInt32? = 0
            while let index = next {
                _ = try admit(patience)
                let step = try namespace.traffic.forgetTarget(device, from: index)
                if step.count > 0 { committed() }
                next = step.next
            }
            return nil
        } catch {
            return error
        }
    }
}
