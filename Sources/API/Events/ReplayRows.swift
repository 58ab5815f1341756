internal import ChangeLog
internal import ControlPlane

/// The rows of a replay, in list order, as far as they have not been written.
struct ReplayRows {
    let snapshot: Snapshot
    private let filter: EventFilter
    private var namespaces: ArraySlice<Snapshot.Namespace>
    private var routes: RouteWalk?
    /// Of the rows written so far.
    private(set) var summaries = KindSummaries()

    init(_ snapshot: Snapshot, _ filter: EventFilter) {
        self.snapshot = snapshot
        self.filter = filter
        namespaces = filter.selectsNamespaces ? snapshot.namespaces[...] : []
        if filter.selectsRoutes {
            routes = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        }
    }

    /// Writes rows until `bytes` holds about `limit`; false when none is left.
    mutating func write(_ encoder: EventEncoder, into bytes: inout [UInt8], limit: Int) -> Bool {
        while bytes.count < limit {
            guard let entry = next() else { return false }
            encoder.row(entry, into: &bytes)
            summaries[entry.kind].add(entry.hash)
        }
        return true
    }

    private mutating func next() -> SelectedChange.Entry? {
        while let namespace = namespaces.popFirst() {
            guard let stored = namespace.stored, filter.selection.includes(namespace: namespace.name) else { continue }
            return .namespace(namespace.name, stored)
        }
        return routes?.next().map { table, route in .route(table, route.key, route.value) }
    }
}

/// What a client that has the rows of an old snapshot still needs to have the state of a new one, as far as it has not
/// been written.
struct ReplayDifference: Sendable {
    let old: Snapshot
    let new: Snapshot
    /// The first difference of this replay, or the second.
    let round: Int
    private var walk: SnapshotDifference
    /// Of the client's state, with what was written.
    private(set) var summaries: KindSummaries

    init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter, _ summaries: KindSummaries, round: Int) {
        self.old = old
        self.new = new
        self.round = round
        self.summaries = summaries
        walk = SnapshotDifference(from: old, to: new, filter)
    }

    /// Writes changes until `bytes` holds about `limit` or a millisecond's worth of rows was compared; false when none
    /// is left.
    mutating func write(_ encoder: EventEncoder, into bytes: inout [UInt8], limit: Int) -> Bool {
        for _ in 0..<64 where bytes.count < limit {
            let (change, isAtEnd) = walk.next(limit: 512)
            if let change {
                encoder.difference(change, from: old.sequence, to: new.sequence, into: &bytes)
                summaries.apply(change)
            }
            if isAtEnd { return false }
        }
        return true
    }
}
