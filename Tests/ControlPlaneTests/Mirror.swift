import ChangeLog
import ControlPlane
import Routing
import Testing

/// What a follower of one filter knows: it begins with a snapshot's rows and applies changes, and checks every claim.
struct Mirror {
    let filter: EventFilter
    private(set) var sequence: ChangeSequence
    private(set) var summaries = KindSummaries()
    /// Entries by hash; equal entries don't exist twice.
    private(set) var hashes: Set<EntryHash> = []

    init(_ filter: EventFilter, _ snapshot: Snapshot) {
        self.filter = filter
        sequence = snapshot.sequence
        if filter.selectsNamespaces {
            for namespace in snapshot.namespaces where filter.selection.includes(namespace: namespace.name) {
                if let stored = namespace.stored { insert(stored.hash, \.namespaces) }
            }
        }
        if filter.selectsRoutes {
            var walk = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
            while let (_, route) = walk.next() { insert(route.value.hash, \.routes) }
        }
    }

    mutating func apply(_ change: Change) {
        #expect(change.sequence > sequence)
        sequence = change.sequence
        if let selected = filter.select(change) { apply(selected) }
    }

    mutating func apply(_ selected: SelectedChange) {
        if let old = selected.old { remove(old) }
        if let new = selected.new { insert(new.hash, Self.kind(new)) }
    }

    /// Reads the log up to `position`.
    mutating func follow(_ log: Log<Change>, to position: ChangeSequence) {
        while sequence < position {
            guard let run = log.read(after: sequence), !run.isEmpty else {
                Issue.record("the log doesn't reach from \(sequence) to \(position)")
                return
            }
            for change in run where change.sequence <= position { apply(change) }
        }
    }

    private static func kind(_ entry: SelectedChange.Entry) -> WritableKeyPath<KindSummaries, Summary> {
        if case .route = entry { \.routes } else { \.namespaces }
    }

    private mutating func insert(_ hash: EntryHash, _ kind: WritableKeyPath<KindSummaries, Summary>) {
        #expect(hashes.insert(hash).inserted, "an entry came twice")
        summaries[keyPath: kind].add(hash)
    }

    private mutating func remove(_ entry: SelectedChange.Entry) {
        #expect(hashes.remove(entry.hash) != nil, "an entry left that was not there")
        summaries[keyPath: Self.kind(entry)].remove(entry.hash)
    }
}
