internal import ChangeLog
internal import Synchronization
internal import Threads

extension Traffic {
    /// Stops the process if something in it contradicts itself. No request may be under way.
    public func _checkInvariants() {
        var uses = Uses()
        let blocks = allBlocks
        for block in blocks { block.check(&uses) }
        for kind in ActionContent.kinds {
            guard let table = actions[kind] else { preconditionFailure("no table of \(kind)") }
            table._checkInvariants(bindings: uses.bindings[kind] ?? [:])
            var cursor = table.image.cursor()
            while let (_, action) = cursor.next() {
                if let chain = action.chain { uses.targets[ObjectIdentifier(chain), default: 0] += 1 }
            }
        }
        for block in blocks { block.checkTargets(uses) }
    }

    /// How often what filters and actions hold is held.
    fileprivate struct Uses {
        /// By kind and index of the action.
        var bindings: [String: [UInt32: Int]] = [:]
        var targets: [ObjectIdentifier: Int] = [:]
    }
}

extension Block {
    fileprivate func check(_ uses: inout Traffic.Uses) {
        precondition(destruction.withLock { $0.isEmpty }, "something is being destroyed still")
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
            precondition(
                holders.told.map { $0.isExplicit == holders.isExplicit && $0.template === chain.template } ?? true,
                "chain \(chain.index) was told otherwise")
            precondition(holders.all > 0, "chain \(chain.index) is held by no one")
            check(protos, of: chain, &uses)
        }
        let head = state.withLock { $0.holders[0]?.chain }?.state.withLock { $0.protos.first }
        for binding in state.withLock({ $0.bindings }) {
            precondition(binding.hasFilters == (head != nil), "'\(binding.device)' has another head of chain 0")
        }
    }

    private func check(_ protos: [Proto], of chain: Chain, _ uses: inout Traffic.Uses) {
        var previous: UInt16 = 0
        for proto in protos {
            precondition(proto.priority > previous, "priorities out of order in chain \(chain.index)")
            previous = proto.priority
            precondition(proto.holderCount == 1, "priority \(previous) is held by \(proto.holderCount)")
            let filters = proto.filters
            precondition(!filters.isEmpty, "priority \(previous) of chain \(chain.index) is empty and there")
            (proto.classifier as? Flower)?._checkInvariants()
            for action in filters.flatMap(\.content.actions) {
                uses.bindings[action.kind, default: [:]][action.index, default: 0] += 1
            }
        }
    }

    fileprivate func checkTargets(_ uses: Traffic.Uses) {
        for holders in state.withLock({ Array($0.holders.values) }) {
            precondition(
                holders.actions == uses.targets[ObjectIdentifier(holders.chain)] ?? 0,
                "chain \(holders.chain.index) is led to otherwise")
        }
    }
}
