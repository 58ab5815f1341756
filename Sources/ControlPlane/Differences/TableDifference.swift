internal import ChangeLog
internal import Routing

/// The keys of one table whose routes may be different in two snapshots, with the routes that a filter selects there in
/// each of them; in list order.
///
/// In the view of firsts, the prefix is the object: its first route counts as the only one of its key, whatever its metric.
struct TableDifference: Sendable {
    /// The table in one of the snapshots.
    struct Side: Sendable {
        private let identity: TableIdentity
        fileprivate let image: Image<RouteKey, StoredRoute>
        private var cursor: ImageCursor<RouteKey, StoredRoute>
        private let devices: Devices

        init(_ table: RouteDifference.Table, _ devices: Devices) {
            identity = table.identity
            image = table.table.image
            cursor = image.cursor()
            self.devices = devices
        }

        /// What the filter selects of the list of a key, or the first route of its prefix if it selects that.
        fileprivate mutating func entries(at key: RouteKey, _ filter: EventFilter) -> [SelectedChange.Entry] {
            var entries: [SelectedChange.Entry] = []
            cursor.move(to: filter.view == .best ? key.startOfPrefix : key.startOfList)
            while let (next, route) = cursor.next(), filter.isSameObject(next, key) {
                if filter.selection.agrees(route, devices) { entries.append(.route(identity, next, route)) }
                if filter.view == .best { break }
            }
            return entries
        }
    }

    private let filter: EventFilter
    private var old: Side?
    private var new: Side?
    private let includesShared: Bool
    private var walk: ImageDifference<RouteKey, StoredRoute>
    /// What is left of those that the filter selects.
    private var ranges: ArraySlice<KeyRange>
    /// The key that came last.
    private var latest: RouteKey?

    /// - Parameter includesShared: whether all keys of both are to come.
    init(
        from old: Side?, to new: Side?, _ filter: EventFilter, ranges: [KeyRange],
        includingShared includesShared: Bool
    ) {
        self.filter = filter
        (self.old, self.new) = (old, new)
        self.includesShared = includesShared
        self.ranges = ranges[...]
        walk = ImageDifference(
            from: old?.image ?? Image(), to: new?.image ?? Image(), includingShared: includesShared)
    }

    var isAtEnd: Bool { ranges.isEmpty || walk.isAtEnd }

    /// The next one; nil if `steps` are used up, or none is left.
    ///
    /// A list may be in several leaves, of which only one has changed, and what a filter selects as the first of a prefix
    /// may be one that nothing has happened to. So the walk tells only where to look.
    mutating func next(steps: inout Int) -> (old: [SelectedChange.Entry], new: [SelectedChange.Entry])? {
        while let key = nextKey(steps: &steps) {
            if let latest, filter.isSameObject(latest, key) { continue }
            latest = key
            let (before, after) = (old?.entries(at: key, filter) ?? [], new?.entries(at: key, filter) ?? [])
            steps -= before.count + after.count
            if !before.isEmpty || !after.isEmpty { return (before, after) }
        }
        return nil
    }

    /// The next key in one of the ranges under which there is something else than before.
    private mutating func nextKey(steps: inout Int) -> RouteKey? {
        while steps > 0, !isAtEnd, let (key, before, after) = walk.next(steps: &steps) {
            while let upper = ranges.first?.upper, !(key < upper) {
                ranges.removeFirst()
                steps -= 1
            }
            guard let range = ranges.first else { return nil }
            if key < range.lower {
                walk.skip(to: range.lower)
                continue
            }
            // If each of these is as it was, so is whatever comes of them.
            if !includesShared, let before, let after, before.isSame(as: after) { continue }
            return key
        }
        return nil
    }
}

extension EventFilter {
    /// Whether two keys of a table are of one object, which followers know by prefix or by key without the position.
    fileprivate func isSameObject(_ a: RouteKey, _ b: RouteKey) -> Bool {
        view == .best ? a.isSamePrefix(as: b) : a.isSameKey(as: b)
    }
}

extension StoredRoute {
    fileprivate func isSame(as other: StoredRoute) -> Bool {
        version == other.version && hash == other.hash && hardware === other.hardware
    }
}
