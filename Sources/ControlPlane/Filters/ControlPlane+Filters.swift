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
        return try namespace.perform(operation, []) { log.head }
    }

    /// In a transaction of its own.
    func change(within operation: TrafficOperation) throws(FIBError) -> TrafficResult {
        do throws(TransactionError) {
            guard case .traffic(let result)? = try transact([.traffic(operation)]).results.first else {
                preconditionFailure("a change without its result")
            }
            return result
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

    /// Between the runs in which many filters go: these are told of, and what is too much for the disk is waited for. If the disk
    /// takes nothing any more, it goes on all the same: what has begun can't be left half done.
    func pauseTraffic() {
        committed()
        _ = try? admit(.ofWorker)
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
