internal import Routing
internal import Synchronization
internal import Threads

extension Chain {
    /// The proto of a priority, held for who asks; or the priority for a new one.
    enum Place {
        case found(Proto)
        case free(UInt16)
    }

    /// - Parameters:
    ///   - priority: nil for one that no one said.
    ///   - type: the protocol that it must have; nil for any.
    func find(_ priority: UInt16?, _ type: EtherType?) throws(Refusal) -> Place {
        try state.withLock { (state) throws(Refusal) in
            if isFlushing.load(ordering: .acquiring) { throw .leaving }
            guard let priority else {
                if let automatic = state.automaticPriority { return .free(automatic) }
                throw .error(
                    FIBError(
                        .enospc, .filterInvalid, "no automatic priority is left in chain \(index): 32768 is taken",
                        rule: "R4-42"))
            }
            guard let proto = state.proto(priority) else { return .free(priority) }
            try check(proto, type)
            proto.hold()
            return .found(proto)
        }
    }

    private func check(_ proto: Proto, _ type: EtherType?) throws(Refusal) {
        guard let type, type != proto.identity.protocol else { return }
        let message =
            "priority \(proto.priority) of chain \(index) is for \(proto.identity.protocol.name), not \(type.name)"
        throw .error(FIBError(.einval, .filterInvalid, message, rule: "R4-21"))
    }

    /// Puts a proto in its place, or gives the one that someone else has put there meanwhile (R4-65). What it gives is held for who
    /// asks; who made the new one holds that besides.
    ///
    /// - Parameter isAutomatic: whether no one said its priority, which then is no one else's (R4-41).
    func insert(_ new: Proto, isAutomatic: Bool = false) throws(Refusal) -> Proto {
        try state.withLock { (state) throws(Refusal) in
            if isFlushing.load(ordering: .acquiring) { throw .leaving }
            if let other = state.proto(new.priority) {
                if isAutomatic { throw .again }
                try check(other, new.identity.protocol)
                other.hold()
                return other
            }
            // L3' inside L2.
            if block.destruction.withLock({ $0.contains(new.identity.place) }) { throw .leaving }
            let place = state.firstIndex(atOrAbove: new.priority)
            state.protos.insert(new, at: place)
            new.place()
            new.hold()
            changed(state, atHead: place == 0)
            return new
        }
    }

    /// Takes a proto out if it has no filters, unless someone has just put one in (R4-66).
    func removeIfEmpty(_ proto: Proto) {
        let isRemoved = state.withLock { state -> Bool in
            guard state.proto(proto.priority) === proto, proto.classifier.endIfEmpty() else { return false }
            remove(proto, &state)
            return true
        }
        if isRemoved { proto.letGo() }
    }

    /// Under L2.
    private func remove(_ proto: Proto, _ state: inout State) {
        // L3' inside L2.
        _ = block.destruction.withLock { $0.insert(proto.identity.place) }
        let place = state.firstIndex(atOrAbove: proto.priority)
        state.protos.remove(at: place)
        changed(state, atHead: place == 0)
    }

    // MARK: Taking out what has filters

    /// Takes a proto out, with the filters in it, which are then to be removed; false if someone else was first.
    func detach(_ proto: Proto) -> Bool {
        state.withLock { state in
            guard state.proto(proto.priority) === proto else { return false }
            proto.classifier.end()
            remove(proto, &state)
            state.leaving.append(proto)
            return true
        }
    }

    /// Takes out all protos; nothing comes in until all who hold the chain have let go of it (R4-69).
    func detachAll() -> [Proto] {
        state.withLock { state in
            let protos = state.protos
            isFlushing.store(true, ordering: .releasing)
            for proto in protos { proto.classifier.end() }
            block.destruction.withLock { $0.formUnion(protos.map(\.identity.place)) }
            state.leaving += protos
            state.protos = []
            changed(state, atHead: true)
            return protos
        }
    }

    /// All filters of a proto that was taken out are gone.
    func forget(_ proto: Proto) {
        state.withLock { state in state.leaving.removeAll { $0 === proto } }
        proto.letGo()
    }
}
