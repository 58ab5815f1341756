internal import ChangeLog
internal import Synchronization
internal import Threads

extension Block {
    /// Stops the process if something in it contradicts itself. No request may be under way.
    ///
    /// - Parameter actions: of the namespace, which has no other block.
    public func _checkInvariants(_ actions: ActionTables) {
        precondition(destruction.withLock { $0.isEmpty }, "something is being destroyed still")
        var bindings: [String: [UInt32: Int]] = [:]
        var targets: [UInt32: Int] = [:]
        for holders in state.withLock({ Array($0.holders.values) }) {
            let chain = holders.chain
            precondition(!chain.isFlushing.load(ordering: .acquiring), "chain \(chain.index) is flushed for ever")
            let protos = chain.state.withLock { state in
                precondition(state.leaving.isEmpty, "chain \(chain.index) has protos on their way out")
                return state.protos
            }
            precondition(
                holders.visible == protos.count + (holders.isExplicit ? 1 : 0),
                "chain \(chain.index) is held by \(holders.visible), with \(protos.count) protos")
            precondition(
                (holders.visible > 0) == (holders.told != nil), "chain \(chain.index) is seen otherwise than told")
            precondition(holders.all > 0, "chain \(chain.index) is held by no one")
            var previous: UInt16 = 0
            for proto in protos {
                precondition(proto.priority > previous, "priorities out of order in chain \(chain.index)")
                previous = proto.priority
                precondition(proto.holderCount == 1, "priority \(previous) is held by \(proto.holderCount)")
                let filters = proto.filters
                precondition(!filters.isEmpty, "priority \(previous) of chain \(chain.index) is empty and there")
                (proto.classifier as? Flower)?._checkInvariants()
                for action in filters.flatMap(\.content.actions) {
                    bindings[action.kind, default: [:]][action.index, default: 0] += 1
                }
            }
        }
        for kind in ActionContent.kinds {
            guard let table = actions[kind] else { preconditionFailure("no table of \(kind)") }
            table._checkInvariants(bindings: bindings[kind] ?? [:])
            var cursor = table.image.cursor()
            while let (_, action) = cursor.next() {
                if let chain = action.chain { targets[chain.index, default: 0] += 1 }
            }
        }
        for holders in state.withLock({ Array($0.holders.values) }) {
            precondition(
                holders.actions == targets[holders.chain.index] ?? 0, "chain \(holders.chain.index) is led to otherwise"
            )
        }
    }
}
