internal import ChangeLog
internal import Routing
internal import Threads
internal import TrafficControl

/// Qdiscs and actions that go: because someone asks for it, or with their link or namespace. Nothing comes any more into a block that
/// goes, then what is in it goes in runs, then the block itself (R4-74).
extension ControlPlane {
    func removeQdisc(
        _ device: String, _ kind: Qdisc.Kind?, _ operation: TrafficOperation
    ) throws(FIBError) -> TrafficResult {
        _ = try admit(.ofWorker)
        let namespace = try namespace(operation.namespace)
        let blocks = try gate.withExclusive { () throws(FIBError) in
            try namespace.state.withLock { (state) throws(FIBError) in
                if state.isClosing { throw Self.namespaceNotFound(namespace.name) }
                let stored = try state.qdisc(device, kind)
                try operation.condition.check(stored.version, "the qdisc of '\(device)'")
            }
            return endBlocks(of: device, in: namespace)
        }
        var result: TrafficResult
        do {
            let removed = try empty(blocks, in: namespace, .ofWorker)
            result = try change(within: operation)
            result.removed += removed
        } catch {
            for block in blocks { namespace.traffic.revive(block) }
            throw error
        }
        return result
    }

    /// Within the exclusive gate: nothing comes any more into the blocks that go with the qdisc.
    ///
    /// - Parameter removal: the number with which its link went, if that is why; a later qdisc is of another link.
    func endBlocks(of device: String, in namespace: Namespace, before removal: ChangeSequence? = nil) -> [Block] {
        guard let qdisc = namespace.state.withLock({ $0.qdisc(of: device, before: removal) })?.qdisc else { return [] }
        let blocks = namespace.traffic.blocks(endingWith: qdisc)
        for block in blocks { namespace.traffic.end(block) }
        return blocks
    }

    /// Removes what is in blocks that are on their way out, in runs.
    private func empty(_ blocks: [Block], in namespace: Namespace, _ patience: Patience) throws(FIBError) -> Int {
        var count = 0
        for block in blocks {
            _ = try admit(patience)
            count += try namespace.traffic.empty(block)
            committed()
        }
        return count
    }

    // MARK: With a link

    /// What was on a link that is gone, or led to it; what kept that from going, if anything did.
    func removeTraffic(
        ofLink device: String, in namespace: Namespace, _ cause: ChangeBatch.Cause, _ patience: Patience
    ) -> FIBError? {
        removeQdisc(device, in: namespace, before: cause.sequence, cause, patience)
            ?? forgetTarget(device, in: namespace, cause, patience)
    }

    private func removeQdisc(
        _ device: String, in namespace: Namespace, before removal: ChangeSequence?, _ cause: ChangeBatch.Cause,
        _ patience: Patience
    ) -> FIBError? {
        do throws(FIBError) {
            let blocks = gate.withExclusive { endBlocks(of: device, in: namespace, before: removal) }
            defer { for block in blocks { namespace.trafficLink.setCause(nil, of: .endOf(block.identity.place)) } }
            for block in blocks { namespace.trafficLink.setCause(cause, of: .endOf(block.identity.place)) }
            _ = try empty(blocks, in: namespace, patience)
            _ = try admit(patience)
            try commitRemoval(of: device, in: namespace.name, before: removal, cause)
            return nil
        } catch {
            return error
        }
    }

    private func commitRemoval(
        of device: String, in namespace: String, before removal: ChangeSequence?, _ cause: ChangeBatch.Cause
    ) throws(FIBError) {
        do throws(TransactionError) {
            // A block that others had when it was asked what goes with the qdisc may be its alone by now, and not quiet.
            let operation = TransactionOperation.traffic(
                TrafficOperation(namespace, .removeQdisc(device: device, nil)))
            _ = try commit(concerning: [operation]) { (draft) throws(TransactionError) in
                do throws(FIBError) {
                    guard let place = try draft.placeOfAny(namespace),
                        draft.touched[place].1.qdisc(of: device, before: removal) != nil
                    else { return [] }
                    return [.traffic(try draft.removeQdisc(device, nil, .none, cause, at: place))]
                } catch {
                    throw TransactionError(index: nil, error: error)
                }
            }
        } catch {
            throw error.error
        }
    }

    /// Actions that gave packets to the link have no target any more (R4-98).
    private func forgetTarget(
        _ device: String, in namespace: Namespace, _ cause: ChangeBatch.Cause, _ patience: Patience
    ) -> FIBError? {
        namespace.trafficLink.setCause(cause, of: .removal(cause.sequence))
        defer { namespace.trafficLink.setCause(nil, of: .removal(cause.sequence)) }
        do throws(FIBError) {
            var next: UInt32? = 0
            while let index = next {
                _ = try admit(patience)
                let step = try namespace.traffic.forgetTarget(device, before: cause.sequence, from: index)
                if step.count > 0 { committed() }
                next = step.next
            }
            return nil
        } catch {
            return error
        }
    }

    // MARK: With a namespace

    /// The qdiscs and actions of a namespace that is gone.
    func removeTraffic(
        of namespace: Namespace, _ cause: ChangeBatch.Cause, _ patience: Patience
    ) -> FIBError? {
        for qdisc in namespace.state.withLock({ $0.objects.all(.qdisc) }).compactMap(\.qdisc) {
            let refusal = removeQdisc(qdisc.device, in: namespace, before: nil, cause, patience)
            if let refusal { return refusal }
        }
        do throws(FIBError) {
            namespace.trafficLink.setCause(cause, of: .removal(cause.sequence))
            defer { namespace.trafficLink.setCause(nil, of: .removal(cause.sequence)) }
            for kind in ActionContent.kinds {
                _ = try admit(patience)
                _ = try namespace.traffic.flushActions(kind, .ending, because: cause.sequence)
                committed()
            }
            return nil
        } catch {
            return error
        }
    }
}

extension Namespace.State {
    /// - Parameter removal: only one that was made before that number; nil for any.
    fileprivate func qdisc(of device: String, before removal: ChangeSequence?) -> StoredObject? {
        guard let stored = objects[.qdisc(device)] else { return nil }
        return removal.map { stored.version < $0 } ?? true ? stored : nil
    }
}
