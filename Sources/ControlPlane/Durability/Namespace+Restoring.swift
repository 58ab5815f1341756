internal import ChangeLog
internal import Routing
internal import Threads
internal import TrafficControl

extension Namespace {
    /// Puts an object where it was.
    func restore(_ object: StoredObject) {
        state.withLock { state in
            state.set(object)
            if object.kind == .namespace { state.isClosing = false }
        }
        if object.kind == .namespace { traffic.setClosed(false) }
        if let settings = object.settings { paths.set(settings.paths.limits) }
        traffic.follow(from: nil, to: object)
        if case .block(let place) = object.value { bindQdiscs(to: place) }
    }

    /// Those of a checkpoint come in an order of their own: a block may come after qdiscs that give it packets.
    private func bindQdiscs(to place: BlockIdentity.Place) {
        guard let block = traffic.block(place) else { return }
        for qdisc in state.withLock({ $0.objects.all(.qdisc) }).compactMap(\.qdisc) {
            for direction in qdisc.kind.directions where qdisc.place(direction) == place {
                block.bind(Binding(qdisc.device, direction))
            }
        }
    }

    /// What the change of an object that was made anew means for routes; nil if nothing.
    func cascade(of object: ObjectChange, _ change: Change) -> UnfinishedOperation? {
        // In one that is going, the routes go anyway.
        guard object.object.kind == .link, !isClosing else { return nil }
        let others = state.withLock { $0.objects.all(.link) }.filter { $0.key != object.object.key }
        guard let cascade = LinkCascade(object, others: others) else { return nil }
        let cause = ChangeBatch.Cause(reason: LinkCascade.reason(object), sequence: change.sequence)
        return UnfinishedOperation(cascade, in: name, cause)
    }

    func remove(_ object: StoredObject) {
        state.withLock { $0.remove(object.key) }
        traffic.follow(from: object, to: nil)
    }

    /// Begins to load what `restore` will touch.
    func prefetch(_ route: RouteChange, _ stage: PrefetchStage) {
        state.withLock { state in
            guard let index = state.index(of: route.table.family, route.table.id) else { return }
            state.tables[index].table.image.prefetch(route.key, stage)
        }
    }

    /// Makes a change of one of its routes anew, as the journal has it; the change with the objects that are kept here.
    /// Nil if it doesn't fit what is there.
    func restore(_ change: Change, _ route: RouteChange) -> Change? {
        state.withLock { state in
            guard let index = try? state.indexCreating(route.table) else { return nil }
            let new = route.new?.with(state.infos)
            guard
                let old = state.tables[index].table.restore(change.operation, route.key, old: route.old?.hash, new: new)
            else { return nil }
            return Change(
                sequence: change.sequence, operation: change.operation,
                object: .route(
                    RouteChange(
                        table: state.tables[index].identity, key: route.key, old: old.value, new: new, best: route.best)
                ),
                batch: change.batch)
        }
    }
}

extension StoredRoute {
    /// The same with the one copy of its info that the namespace keeps.
    func with(_ infos: SharedInfos) -> StoredRoute {
        StoredRoute(version: version, hash: hash, info: infos.shared(info))
    }
}
