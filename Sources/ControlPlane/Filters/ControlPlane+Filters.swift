public import ChangeLog
public import Routing
internal import Threads
public import TrafficControl

/// Qdiscs, blocks, chains, filters and actions.
extension ControlPlane {
    /// Makes a change. Those of filters are made beside each other, as far as their kinds allow; nothing has changed if it throws.
    public func change(_ operation: TrafficOperation) throws(FIBError) -> TrafficResult {
        switch operation.action {
        case .addQdisc: return try change(within: operation)
        case .removeQdisc(let device, let kind): return try removeQdisc(device, kind, operation)
        default: break
        }
        _ = try admit(.ofWorker)
        let namespace = try namespace(operation.namespace)
        defer { committed() }
        let result = try namespace.perform(operation, []) {
            log.head
        } hasLink: { name in
            namespace.state.withLock { $0.objects[.link(name)] != nil }
        }
        checkTargets(of: operation, in: namespace)
        return result
    }

    /// In a transaction of its own.
    private func change(within operation: TrafficOperation) throws(FIBError) -> TrafficResult {
        do throws(TransactionError) {
            guard case .traffic(let result)? = try transact([.traffic(operation)]).results.first else {
                preconditionFailure("a change without its result")
            }
            return result
        } catch {
            throw error.error
        }
    }

    // MARK: Qdiscs that go

    /// First nothing comes into its blocks any more, then what is in them goes in runs, then they and the qdisc itself go (R4-74).
    private func removeQdisc(
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
    func endBlocks(of device: String, in namespace: Namespace) -> [Block] {
        guard let qdisc = namespace.state.withLock({ $0.objects[.qdisc(device)]?.qdisc }) else { return [] }
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

    /// What was on a link that is gone, or in a namespace that is; what kept it from going, if anything did.
    func removeQdisc(
        _ device: String, in namespace: Namespace, _ cause: ChangeBatch.Cause, _ patience: Patience
    ) -> FIBError? {
        do throws(FIBError) {
            let blocks = gate.withExclusive { endBlocks(of: device, in: namespace) }
            defer { for block in blocks { namespace.trafficLink.setCause(nil, of: block.identity.place) } }
            for block in blocks { namespace.trafficLink.setCause(cause, of: block.identity.place) }
            _ = try empty(blocks, in: namespace, patience)
            _ = try admit(patience)
            try commitRemoval(of: device, in: namespace.name, cause)
            return nil
        } catch {
            return error
        }
    }

    /// The qdiscs and actions of a namespace that is gone.
    func removeTraffic(
        of namespace: Namespace, _ cause: ChangeBatch.Cause, _ patience: Patience
    ) -> FIBError? {
        for qdisc in namespace.state.withLock({ $0.objects.all(.qdisc) }).compactMap(\.qdisc) {
            if let refusal = removeQdisc(qdisc.device, in: namespace, cause, patience) { return refusal }
        }
        do throws(FIBError) {
            namespace.trafficLink.setCause(cause, of: nil)
            defer { namespace.trafficLink.setCause(nil, of: nil) }
            for kind in ActionContent.kinds {
                _ = try admit(patience)
                _ = try namespace.traffic.flushActions(kind, .ending)
                committed()
            }
            return nil
        } catch {
            return error
        }
    }

    private func commitRemoval(
        of device: String, in namespace: String, _ cause: ChangeBatch.Cause
    ) throws(FIBError) {
        do throws(TransactionError) {
            // A block that others had when it was asked what goes with the qdisc may be its alone by now, and not quiet.
            let removal = TransactionOperation.traffic(
                TrafficOperation(namespace, .removeQdisc(device: device, nil)))
            _ = try commit(concerning: [removal]) { (draft) throws(TransactionError) in
                do throws(FIBError) {
                    guard let place = try draft.placeOfAny(namespace),
                        draft.touched[place].1.objects[.qdisc(device)] != nil
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

    /// Stops the process if the filters of a namespace contradict themselves, or its qdiscs. No request may be under way; for tests.
    public func _checkTraffic() {
        for namespace in namespaces.withLock({ $0 }) {
            namespace.traffic._checkInvariants()
            var bindings: [BlockIdentity.Place: Int] = [:]
            for qdisc in namespace.state.withLock({ $0.objects.all(.qdisc) }).compactMap(\.qdisc) {
                for place in qdisc.places { bindings[place, default: 0] += 1 }
            }
            let found = namespace.traffic.allBlocks.map { ($0.identity.place, $0.bindingCount) }
            precondition(bindings == Dictionary(uniqueKeysWithValues: found), "blocks \(found) of \(bindings)")
        }
    }

    // MARK: Looking

    /// The block that is meant, and where that is; of a link whose qdisc shares one, that.
    public func block(_ place: BlockIdentity.Place, in namespace: String) throws(FIBError) -> BlockIdentity.Place {
        try look(into: namespace) { (found) throws(FIBError) in try found.block(place).identity.place }
    }

    /// Half of a transaction is seen by no one. May wait for one.
    private func look<Result>(
        into name: String, _ body: (Namespace) throws(FIBError) -> Result
    ) throws(FIBError) -> Result {
        let namespace = try namespace(name)
        return try gate.withShared { () throws(FIBError) in try body(namespace) }
    }

    /// A chain, as others were told of it.
    public func chain(
        _ index: UInt32, of place: BlockIdentity.Place, in namespace: String
    ) throws(FIBError) -> (StoredChain, ChangeSequence) {
        try look(into: namespace) { (found) throws(FIBError) in
            (try found.traffic.chain(index, in: try found.block(place)), log.head)
        }
    }

    /// One filter. Throws as `tc filter get` (R4-39).
    public func filter(
        _ selector: FilterSelector, of place: BlockIdentity.Place, in namespace: String
    ) throws(FIBError) -> (TrafficObject, ChangeSequence) {
        try look(into: namespace) { (found) throws(FIBError) in
            let (proto, filter) = try found.traffic.filter(selector, in: try found.block(place))
            return (.filter(proto, filter), log.head)
        }
    }

    public func action(
        _ kind: String, _ index: UInt32, in namespace: String
    ) throws(FIBError) -> (TrafficObject, ChangeSequence) {
        try look(into: namespace) { (found) throws(FIBError) in
            (.action(namespace: namespace, try found.traffic.action(kind, index)), log.head)
        }
    }

    /// What becomes of a packet that comes into a block, or into that of a link.
    ///
    /// - Parameter counts: whether the actions count it.
    public func classify(
        _ packet: Packet, in place: BlockIdentity.Place, of namespace: String, counts: Bool
    ) throws(FIBError) -> Classification {
        try look(into: namespace) { (found) throws(FIBError) in
            try found.block(place).classify(packet, counts: counts, traces: true)
        }
    }
}
