internal import ChangeLog
internal import Routing

/// What turns the state of one snapshot into that of a later one, as a filter sees it, in list order.
///
/// For a follower that has received the rows of `old` when the log no longer reaches back to it. Walks both in step:
/// O(table), a few tens of nanoseconds a route, in pieces of the caller's size.
public struct SnapshotDifference: Sendable {
    private let filter: EventFilter
    private var oldNamespaces: ArraySlice<Snapshot.Namespace>
    private var newNamespaces: ArraySlice<Snapshot.Namespace>
    private var oldRoutes: Peekable
    private var newRoutes: Peekable

    public init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        self.filter = filter
        let shows = filter.selectsNamespaces
        oldNamespaces = shows ? old.namespaces.filter(Self.isSelected(filter))[...] : []
        newNamespaces = shows ? new.namespaces.filter(Self.isSelected(filter))[...] : []
        oldRoutes = Peekable(old, filter)
        newRoutes = Peekable(new, filter)
    }

    /// The next difference among at most `limit` rows: nil with `isAtEnd` when there is none left, nil without when
    /// these rows held none.
    public mutating func next(limit: Int) -> (change: SelectedChange?, isAtEnd: Bool) {
        for _ in 0..<limit {
            if !oldNamespaces.isEmpty || !newNamespaces.isEmpty {
                if let change = nextNamespace() { return (change, false) }
            } else if oldRoutes.row != nil || newRoutes.row != nil {
                if let change = nextRoute() { return (change, false) }
            } else {
                return (nil, true)
            }
        }
        return (nil, false)
    }

    private static func isSelected(_ filter: EventFilter) -> (Snapshot.Namespace) -> Bool {
        { $0.stored != nil && filter.selection.includes(namespace: $0.name) }
    }

    private mutating func nextNamespace() -> SelectedChange? {
        let old = oldNamespaces.first
        let new = newNamespaces.first
        let isOld = old.map { old in new.map { old.name <= $0.name } ?? true } ?? false
        let isNew = new.map { new in old.map { new.name <= $0.name } ?? true } ?? false
        if isOld { oldNamespaces.removeFirst() }
        if isNew { newNamespaces.removeFirst() }
        return SelectedChange(from: isOld ? old?.entry : nil, to: isNew ? new?.entry : nil)
    }

    private mutating func nextRoute() -> SelectedChange? {
        let old = oldRoutes.row
        let new = newRoutes.row
        let isOld = old.map { old in new.map { !precedes($0, old) } ?? true } ?? false
        let isNew = new.map { new in old.map { !precedes($0, new) } ?? true } ?? false
        if isOld { oldRoutes.advance() }
        if isNew { newRoutes.advance() }
        return SelectedChange(from: isOld ? old?.entry : nil, to: isNew ? new?.entry : nil)
    }

    /// In the view of firsts, the prefix is the object: routes of one prefix are the same one.
    private func precedes(_ a: Row, _ b: Row) -> Bool {
        let left = (a.table.namespace, a.table.order)
        let right = (b.table.namespace, b.table.order)
        if left != right { return left < right }
        if filter.view == .best, a.route.key.isSamePrefix(as: b.route.key) { return false }
        return a.route.key < b.route.key
    }

    private struct Row {
        let table: TableIdentity
        let route: PlacedRoute
        var entry: SelectedChange.Entry { .route(table, route.key, route.value) }
    }

    private struct Peekable {
        private var walk: RouteWalk?
        private(set) var row: Row?

        init(_ snapshot: Snapshot, _ filter: EventFilter) {
            guard filter.selectsRoutes else { return }
            walk = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
            advance()
        }

        mutating func advance() { row = walk?.next().map { Row(table: $0, route: $1) } }
    }
}

extension Snapshot.Namespace {
    fileprivate var entry: SelectedChange.Entry? { stored.map { .namespace(name, $0) } }
}

extension SelectedChange {
    /// Nil if both are the same entry.
    fileprivate init?(from old: Entry?, to new: Entry?) {
        if let old, let new, old.hash == new.hash { return nil }
        guard old != nil || new != nil else { return nil }
        self.init(operation: old == nil ? .add : new == nil ? .delete : .replace, old: old, new: new)
    }
}
