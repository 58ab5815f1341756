internal import ChangeLog
internal import Routing

/// What turns the state of one snapshot into that of a later one, as a filter sees it, in list order.
///
/// For a follower that has received the rows of `old` when the log no longer reaches back to it. Walks both in step:
/// O(table), a few tens of nanoseconds a route, in pieces of the caller's size.
public struct SnapshotDifference: Sendable {
    private let filter: EventFilter
    private var oldObjects: ArraySlice<StoredObject>
    private var newObjects: ArraySlice<StoredObject>
    private var oldTraffic: KeyedTraffic
    private var newTraffic: KeyedTraffic
    private var oldPeers: KeyedPeers
    private var newPeers: KeyedPeers
    private var oldRoutes: KeyedWalk
    private var newRoutes: KeyedWalk
    /// Of the key that was compared last, in order; what comes next is popped off its end.
    private var pending: [SelectedChange] = []
    /// By which the states of both are compared: the restarts were told before.
    private let devices: Devices
    private let formerImpairments: [String: [String: LinkImpairment]]
    private let impairments: [String: [String: LinkImpairment]]

    public init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        self.filter = filter
        oldObjects = filter.objects(of: old)[...]
        newObjects = filter.objects(of: new)[...]
        oldTraffic = KeyedTraffic(filter.traffic(of: old))
        newTraffic = KeyedTraffic(filter.traffic(of: new))
        oldPeers = KeyedPeers(filter.peers(of: old))
        newPeers = KeyedPeers(filter.peers(of: new))
        oldRoutes = KeyedWalk(old, filter)
        newRoutes = KeyedWalk(new, filter)
        devices = new.devices
        (formerImpairments, impairments) = (old.context.impairments, new.context.impairments)
        if filter.hardware != .none { pending = Self.restarts(from: old.devices, to: new.devices).reversed() }
    }

    /// The devices that have begun anew since, or are gone: before the routes, whose states they make void.
    private static func restarts(from old: Devices, to new: Devices) -> [SelectedChange] {
        let gone = old.all.filter { new.device($0.line) == nil }
        let begun = new.all.filter { old.device($0.line)?.generation != $0.generation }
        return (gone + begun).map { device in
            SelectedChange(operation: .restart, old: nil, new: nil, device: DeviceChange(device, new))
        }
    }

    /// The next difference, if there is one among the next `limit` keys; `isAtEnd` when there is none left at all.
    public mutating func next(limit: Int) -> (change: SelectedChange?, isAtEnd: Bool) {
        for _ in 0..<limit {
            if let change = pending.popLast() { return (change, false) }
            if !oldObjects.isEmpty || !newObjects.isEmpty {
                pending = compareObject().reversed()
            } else if oldTraffic.row != nil || newTraffic.row != nil {
                pending = compareTraffic()
            } else if oldPeers.row != nil || newPeers.row != nil {
                pending = comparePeer()
            } else if oldRoutes.hasMore || newRoutes.hasMore {
                pending = compareKey().reversed()
            } else {
                return (nil, true)
            }
        }
        return (pending.popLast(), false)
    }

    private mutating func compareObject() -> [SelectedChange] {
        let (old, new) = (oldObjects.first, newObjects.first)
        let isOld = old.map { old in new.map { !$0.comesBefore(old) } ?? true } ?? false
        let isNew = new.map { new in old.map { !$0.comesBefore(new) } ?? true } ?? false
        let before = isOld ? Self.takeList(&oldObjects) : []
        let after = isNew ? Self.takeList(&newObjects) : []
        if before.count == 1, after.count == 1, let old = before.first, let new = after.first,
            old.version == new.version
        {
            guard old.status != new.status else { return [] }
            return [SelectedChange(operation: .status, old: .object(old), new: .object(new))]
        }
        return Self.changes(from: before.map { .object($0) }, to: after.map { .object($0) })
    }

    /// The next object; of rules, all of its priority.
    private static func takeList(_ objects: inout ArraySlice<StoredObject>) -> ArraySlice<StoredObject> {
        guard let first = objects.first else { return [] }
        let list = objects.prefix { $0 === first || $0.isInList(of: first) }
        objects = objects.dropFirst(list.count)
        return list
    }

    /// A chain that went and came back is another one, at another place, behind the old one.
    private mutating func compareTraffic() -> [SelectedChange] {
        let (old, new) = (oldTraffic.row, newTraffic.row)
        let isOld = old.map { old in new.map { !($0.key < old.key) } ?? true } ?? false
        let isNew = new.map { new in old.map { !($0.key < new.key) } ?? true } ?? false
        if isOld { oldTraffic.advance() }
        if isNew { newTraffic.advance() }
        let before = isOld ? old.map { SelectedChange.Entry.traffic($0.object) } : nil
        let after = isNew ? new.map { SelectedChange.Entry.traffic($0.object) } : nil
        if let before, let after, before.version == after.version { return [] }
        let operation: ChangeOperation = before == nil ? .add : after == nil ? .delete : .replace
        return [SelectedChange(operation: operation, old: before, new: after)]
    }

    private mutating func comparePeer() -> [SelectedChange] {
        let (old, new) = (oldPeers.row, newPeers.row)
        let isOld = old.map { old in new.map { !($0.comesBefore(old)) } ?? true } ?? false
        let isNew = new.map { new in old.map { !($0.comesBefore(new)) } ?? true } ?? false
        if isOld { oldPeers.advance() }
        if isNew { newPeers.advance() }
        return Self.changes(
            from: isOld ? old.map { [.peer($0)] } ?? [] : [], to: isNew ? new.map { [.peer($0)] } ?? [] : [])
    }

    private mutating func compareKey() -> [SelectedChange] {
        let isOld = !oldRoutes.comesAfter(newRoutes)
        let isNew = !newRoutes.comesAfter(oldRoutes)
        let (old, new) = (isOld ? oldRoutes.takeKey() : [], isNew ? newRoutes.takeKey() : [])
        return Self.changes(from: old, to: new) + statusChanges(from: old, to: new)
            + hardwareChanges(from: old, to: new)
    }

    /// Of entries that are the same in both: what is wrong with their legs now.
    private func statusChanges(
        from old: [SelectedChange.Entry], to new: [SelectedChange.Entry]
    ) -> [SelectedChange] {
        guard formerImpairments != impairments, old.count == new.count else { return [] }
        return zip(old, new).compactMap { old, new in
            guard old.version == new.version, case .route(let table, _, let stored) = new else { return nil }
            let was = formerImpairments[table.namespace].flatMap { stored.info.legStatus(table.family, $0) }
            let now = impairments[table.namespace].flatMap { stored.info.legStatus(table.family, $0) }
            if was == now { return nil }
            let none = Array(repeating: LegStatus(), count: stored.info.hopCount)
            return SelectedChange(operation: .status, old: old, new: new, legs: now ?? none)
        }
    }

    /// Of entries that are the same in both: what hardware makes of them now, if the filter is told of that.
    private func hardwareChanges(
        from old: [SelectedChange.Entry], to new: [SelectedChange.Entry]
    ) -> [SelectedChange] {
        guard filter.hardware != .none, old.count == new.count else { return [] }
        return zip(old, new).compactMap { old, new in
            guard case .route(_, _, let before) = old, case .route(_, _, let after) = new,
                before.version == after.version, before.hardware !== after.hardware
            else { return nil }
            let (from, to) = (devices.state(of: before.hardware), devices.state(of: after.hardware))
            // What each device says, not only what it comes to: the next restart makes void what one of them has said.
            let tells =
                filter.hardware == .all
                ? devices.answers(in: before.hardware).map(\.answer)
                    != devices.answers(in: after.hardware).map(\.answer)
                : filter.hardware.tells(from, to)
            return tells ? SelectedChange(operation: .flags, old: old, new: new) : nil
        }
    }

    /// What turns one list of a key into another. A follower knows no places within the list, so unless one route
    /// takes the place of one other, the old ones leave and the new ones come in their order.
    private static func changes(
        from old: [SelectedChange.Entry], to new: [SelectedChange.Entry]
    ) -> [SelectedChange] {
        // An entry that went and came back has another version, which conditions and devices go by.
        let isEqual =
            old.count == new.count && zip(old, new).allSatisfy { $0.hash == $1.hash && $0.version == $1.version }
        if isEqual { return [] }
        if old.count == 1, new.count == 1 {
            return [SelectedChange(operation: .replace, old: old[0], new: new[0])]
        }
        return old.map { SelectedChange(operation: .delete, old: $0, new: nil) }
            + new.enumerated().map { index, entry in
                SelectedChange(operation: index == 0 ? .add : .append, old: nil, new: entry)
            }
    }
}

/// Walks chains, filters and actions with their places.
private struct KeyedTraffic: Sendable {
    private var walk: TrafficWalk
    private(set) var row: (key: TrafficKey, object: TrafficObject)?

    init(_ walk: TrafficWalk) {
        self.walk = walk
        advance()
    }

    mutating func advance() { row = walk.next().map { (TrafficKey($0, chain: walk.chain), $0) } }
}

/// Walks peers, of which the next can be looked at.
private struct KeyedPeers: Sendable {
    private var walk: PeerWalk?
    private(set) var row: PeerEntry?

    init(_ walk: PeerWalk?) {
        self.walk = walk
        advance()
    }

    mutating func advance() { row = walk?.next() }
}

extension PeerEntry {
    /// In list order.
    fileprivate func comesBefore(_ other: PeerEntry) -> Bool {
        if namespace != other.namespace { return namespace < other.namespace }
        return address != other.address && address < other.address
    }
}

/// Walks the routes that a filter selects, a key at a time. In the view of firsts, the prefix is the object: its first
/// route counts as the only one of its key, whatever its metric.
private struct KeyedWalk: Sendable {
    private let isByPrefix: Bool
    private var walk: RouteWalk?
    private var row: (table: TableIdentity, route: PlacedRoute)?

    init(_ snapshot: Snapshot, _ filter: EventFilter) {
        isByPrefix = filter.view == .best
        guard filter.selectsRoutes else { return }
        walk = RouteWalk(snapshot, filter.selection, firstsOnly: isByPrefix)
        advance()
    }

    var hasMore: Bool { row != nil }

    /// Whether the next key of `other` comes first. At its end a walk comes after everything.
    func comesAfter(_ other: KeyedWalk) -> Bool {
        guard let row else { return true }
        guard let first = other.row else { return false }
        let own = (row.table.namespace, row.table.order)
        let others = (first.table.namespace, first.table.order)
        if own != others { return own > others }
        return !isSameKey(row.route.key, first.route.key) && first.route.key < row.route.key
    }

    /// The entries of the next key.
    mutating func takeKey() -> [SelectedChange.Entry] {
        var entries: [SelectedChange.Entry] = []
        let first = row
        while let row, let first, row.table === first.table, isSameKey(row.route.key, first.route.key) {
            entries.append(.route(row.table, row.route.key, row.route.value))
            advance()
        }
        return entries
    }

    private func isSameKey(_ a: RouteKey, _ b: RouteKey) -> Bool {
        isByPrefix ? a.isSamePrefix(as: b) : a.isSameKey(as: b)
    }

    private mutating func advance() { row = walk?.next().map { (table: $0, route: $1) } }
}

extension StoredObject {
    /// In the order of `EventFilter.objects`.
    fileprivate func comesBefore(_ other: StoredObject) -> Bool {
        if isInList(of: other) { return false }
        if kind != other.kind { return key < other.key }
        if let device, let other = other.device { return device.name < other.name }
        return namespace != other.namespace ? namespace < other.namespace : key < other.key
    }

    /// Whether only their places tell them apart: two rules of one priority.
    fileprivate func isInList(of other: StoredObject) -> Bool {
        guard let rule = rule?.rule, let other = (other.namespace == namespace ? other.rule?.rule : nil) else {
            return false
        }
        return rule.family == other.family && rule.priority == other.priority
    }
}
