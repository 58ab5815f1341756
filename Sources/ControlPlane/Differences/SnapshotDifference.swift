internal import ChangeLog
internal import Routing

/// What turns the state of one snapshot into that of a later one, as a filter sees it, in list order.
///
/// For a follower that has received the rows of `old` when the log no longer reaches back to it. What both share is left
/// out whole: O(changes + tables + objects other than routes, filters and peers), but for namespaces in which links
/// are impaired otherwise than before, all of whose routes are looked at. In pieces of the caller's size.
public struct SnapshotDifference: Sendable {
    private var oldObjects: ArraySlice<StoredObject>
    private var newObjects: ArraySlice<StoredObject>
    private var traffic: TrafficDifference
    private var peers: PeerDifference
    private var routes: RouteDifference
    /// Of the key that was compared last, in order; what comes next is popped off its end.
    private var pending: [SelectedChange] = []

    public init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        oldObjects = filter.objects(of: old)[...]
        newObjects = filter.objects(of: new)[...]
        traffic = TrafficDifference(from: old, to: new, filter)
        peers = PeerDifference(from: old, to: new, filter)
        routes = RouteDifference(from: old, to: new, filter)
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

    /// The next difference, if it is found in about `limit` steps, of each of which there is an entry or a node to look
    /// at; `isAtEnd` when there is none left at all.
    public mutating func next(limit: Int) -> (change: SelectedChange?, isAtEnd: Bool) {
        var steps = limit
        while true {
            if let change = pending.popLast() { return (change, false) }
            guard steps > 0 else { return (nil, false) }
            if !oldObjects.isEmpty || !newObjects.isEmpty {
                steps -= 1
                pending = compareObject().reversed()
            } else if !traffic.isAtEnd {
                if let change = traffic.next(steps: &steps) { return (change, false) }
            } else if !peers.isAtEnd {
                if let change = peers.nextChange(steps: &steps) { return (change, false) }
            } else if !routes.isAtEnd {
                pending = routes.next(steps: &steps).reversed()
            } else {
                return (nil, true)
            }
        }
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
        return SelectedChange.changes(from: before.map { .object($0) }, to: after.map { .object($0) })
    }

    /// The next object; of rules, all of its priority.
    private static func takeList(_ objects: inout ArraySlice<StoredObject>) -> ArraySlice<StoredObject> {
        guard let first = objects.first else { return [] }
        let list = objects.prefix { $0 === first || $0.isInList(of: first) }
        objects = objects.dropFirst(list.count)
        return list
    }
}

extension SelectedChange {
    /// What turns one list of a key into another. A follower knows no places within the list, so unless one route
    /// takes the place of one other, the old ones leave and the new ones come in their order.
    static func changes(from old: [Entry], to new: [Entry]) -> [SelectedChange] {
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
