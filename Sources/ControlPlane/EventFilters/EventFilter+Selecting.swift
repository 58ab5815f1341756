internal import ChangeLog
internal import Routing

extension EventFilter {
    /// Whether the filter selects anything of this change. Cheaper than `select`.
    public func selects(_ change: Change) -> Bool { select(change) != nil }

    /// What the filter sees of a change; nil if nothing. A replacement that moves an object out of the filter is a
    /// deletion to it, one that moves it in an addition.
    public func select(_ change: Change) -> SelectedChange? {
        switch change.object {
        case .object(let object): select(object, change.operation)
        case .traffic(let traffic): select(traffic, change.operation)
        case .peer(let peer): select(peer, change.operation)
        case .route(let route) where view == .routes: select(route, change.operation)
        case .route(let route): selectBest(route)
        case .hardware(let hardware): select(hardware)
        case .status(let status): select(status)
        case .listener, .operationEnd, .notice, .peerStorage: nil
        case .device(let device):
            hardware == .none ? nil : SelectedChange(operation: .restart, old: nil, new: nil, device: device)
        }
    }

    /// Whether followers with this filter are told: those who are told what hardware makes of the route.
    public func selects(_ notice: Notice) -> Bool {
        selectsRoutes && hardware != .none && selection.includes(notice.table)
            && selection.agrees(notice.table, notice.key, notice.route.info)
    }

    private func select(_ change: ObjectChange, _ operation: ChangeOperation) -> SelectedChange? {
        guard selects(change.object) else { return nil }
        return SelectedChange(
            operation: operation, old: change.old.map { .object($0) }, new: change.new.map { .object($0) })
    }

    private func select(_ change: TrafficObjectChange, _ operation: ChangeOperation) -> SelectedChange? {
        guard selects(change.kind), selection.includes(namespace: change.namespace) else { return nil }
        return SelectedChange(
            operation: operation, old: change.old.map { .traffic($0) }, new: change.new.map { .traffic($0) })
    }

    private func select(_ change: NamedPeerChange, _ operation: ChangeOperation) -> SelectedChange? {
        guard selects(.peer), selection.includes(namespace: change.namespace), selects(familyOf: change.family) else {
            return nil
        }
        return SelectedChange(
            operation: operation, old: change.old.map { .peer($0) }, new: change.new.map { .peer($0) })
    }

    private func select(_ change: RouteChange, _ operation: ChangeOperation) -> SelectedChange? {
        guard selectsRoutes, selection.includes(change.table) else { return nil }
        return make(
            operation, change.table, old: entry(change, change.key, change.old),
            new: entry(change, change.key, change.new))
    }

    private func select(_ change: HardwareChange) -> SelectedChange? {
        guard selectsRoutes, hardware.selects(change), view == .routes || change.isFirst,
            selection.includes(change.table), selection.agrees(change.table, change.key, change.new.info)
        else { return nil }
        return SelectedChange(
            operation: .flags, old: .route(change.table, change.key, change.old),
            new: .route(change.table, change.key, change.new))
    }

    private func select(_ change: RouteStatusChange) -> SelectedChange? {
        guard selectsRoutes, view == .routes || change.isFirst, selection.includes(change.table),
            selection.agrees(change.table, change.key, change.route.info)
        else { return nil }
        let entry = SelectedChange.Entry.route(change.table, change.key, change.route)
        return SelectedChange(operation: .status, old: entry, new: entry, legs: change.legs)
    }

    private func entry(_ change: RouteChange, _ key: RouteKey, _ stored: StoredRoute?) -> SelectedChange.Entry? {
        guard let stored, selection.agrees(change.table, key, stored.info) else { return nil }
        return .route(change.table, key, stored)
    }

    /// The prefix is the object: it gets a first route, another one, or none.
    private func selectBest(_ change: RouteChange) -> SelectedChange? {
        guard selectsRoutes, selection.includes(change.table) else { return nil }
        let own = (old: entry(change, change.key, change.old), new: entry(change, change.key, change.new))
        switch change.best {
        case .none: return nil
        case .own(let nextHops):
            return make(nextHops == .joined ? .append : .replace, change.table, old: own.old, new: own.new)
        case .displaced(let other):
            return make(.replace, change.table, old: entry(change, other.key, other.value), new: own.new)
        case .promoted(let other):
            return make(.replace, change.table, old: own.old, new: entry(change, other.key, other.value))
        }
    }

    private func make(
        _ operation: ChangeOperation, _ table: TableIdentity, old: SelectedChange.Entry?, new: SelectedChange.Entry?
    ) -> SelectedChange? {
        switch (old, new) {
        case (nil, nil): nil
        case (_?, nil): SelectedChange(operation: .delete, old: old, new: nil)
        case (nil, _?):
            SelectedChange(operation: operation == .replace ? .add : operation, old: nil, new: new)
        case (_?, _?): SelectedChange(operation: operation, old: old, new: new)
        }
    }
}
