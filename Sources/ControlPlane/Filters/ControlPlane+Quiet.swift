internal import ChangeLog
internal import Threads
internal import TrafficControl

/// Transactions that concern filters wait for what is on its way out of the blocks that they concern.
extension ControlPlane {
    /// Runs `body` within the exclusive gate, at a moment when nothing is on its way out of the blocks concerned.
    func whenQuiet<Result>(
        _ operations: [TransactionOperation], _ body: () throws(TransactionError) -> Result
    ) throws(TransactionError) -> Result {
        let uses = BlockUse.all(of: operations)
        while true {
            var busy: (block: Block, departed: UInt64)?
            let result = try gate.withExclusive { () throws(TransactionError) -> Result? in
                busy = uses.lazy.compactMap { self.busyBlock($0) }.first.map { ($0, $0.departed) }
                return busy == nil ? try body() : nil
            }
            if let result { return result }
            if let busy { busy.block.awaitDeparture(after: busy.departed) }
        }
    }

    /// A block that is meant and has something on its way out.
    private func busyBlock(_ use: BlockUse) -> Block? {
        guard let namespace = try? namespace(use.namespace) else { return nil }
        let places =
            switch use.name {
            case .place(let place): [place]
            case .ofQdisc(let device):
                namespace.state.withLock { $0.objects[.qdisc(device)]?.qdisc }?.places ?? []
            }
        return places.lazy.compactMap { namespace.traffic.block($0) }.first { block in
            !block.isQuiet || (block.isOnItsWayOut && use.isJoined)
        }
    }
}

/// A block that operations concern: many of them mostly the same.
private struct BlockUse: Hashable {
    enum Name: Hashable {
        case place(BlockIdentity.Place)
        /// Those that the link's qdisc gives packets to.
        case ofQdisc(String)
    }
    let namespace: String
    let name: Name
    /// Whether a qdisc is to give it packets.
    var isJoined = false

    static func all(of operations: [TransactionOperation]) -> Set<BlockUse> {
        var uses: Set<BlockUse> = []
        for case .traffic(let operation) in operations {
            let namespace = operation.namespace
            if let place = operation.place { uses.insert(BlockUse(namespace: namespace, name: .place(place))) }
            if let device = operation.device {
                uses.insert(
                    BlockUse(namespace: namespace, name: .ofQdisc(device), isJoined: !operation.newPlaces.isEmpty))
            }
            for place in operation.newPlaces {
                uses.insert(BlockUse(namespace: namespace, name: .place(place), isJoined: true))
            }
        }
        return uses
    }
}
