import Addressing
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
    /// What stands under each key, in order: what a follower knows of lists that it sees no places of.
    private(set) var lists: [String: [EntryHash]] = [:]

    init(_ filter: EventFilter, _ snapshot: Snapshot) {
        self.filter = filter
        sequence = snapshot.sequence
        for object in filter.objects(of: snapshot) {
            insert(object.hash, object.kind)
            if object.kind == .rule { lists[name(.object(object)), default: []].append(object.hash) }
        }
        var traffic = filter.traffic(of: snapshot)
        while let object = traffic.next() { insert(object.hash, object.kind) }
        var peers = filter.peers(of: snapshot)
        while let peer = peers?.next() { insert(peer.hash, .peer) }
        if filter.selectsRoutes {
            var walk = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
            while let (table, route) = walk.next() {
                insert(route.value.hash, .route)
                lists[name(.route(table, route.key, route.value)), default: []].append(route.value.hash)
            }
        }
    }

    mutating func apply(_ change: Change) {
        #expect(change.sequence > sequence)
        sequence = change.sequence
        if let selected = filter.select(change) { apply(selected) }
    }

    mutating func apply(_ selected: SelectedChange) {
        if let old = selected.old { remove(old) }
        if let new = selected.new { insert(new.hash, new.kind) }
        applyToList(selected)
    }

    /// A filter by protocol sees parts of lists: a route that moves into it is an addition wherever it stands.
    var tellsOrder: Bool { filter.selection.protocols == nil }

    private mutating func applyToList(_ selected: SelectedChange) {
        guard tellsOrder, let entry = selected.new ?? selected.old, entry.kind == .route || entry.kind == .rule else {
            return
        }
        var list = lists[name(entry)] ?? []
        let place = selected.old.flatMap { list.firstIndex(of: $0.hash) }
        switch (selected.new?.hash, place) {
        case (let new?, let place?): list[place] = new
        case (nil, let place?): list.remove(at: place)
        case (let new?, nil):
            #expect(selected.operation != .add || list.isEmpty, "an addition to a key that has one")
            if selected.operation == .prepend { list.insert(new, at: 0) } else { list.append(new) }
        case (nil, nil): Issue.record("one left its list and was not there")
        }
        lists[name(entry)] = list.isEmpty ? nil : list
    }

    /// The object that an entry is one of: a prefix in the view of firsts, else a key.
    private func name(_ entry: SelectedChange.Entry) -> String {
        if case .object(let object) = entry, let rule = object.rule?.rule {
            return "\(object.namespace) \(rule.family.name) \(rule.priority)"
        }
        guard case .route(let table, let key, _) = entry else { return "" }
        let prefix = "\(table.namespace) \(table.id.name) \(key.prefix(table.family))"
        return filter.view == .best ? prefix : "\(prefix) \(key.tos) \(key.metric)"
    }

    /// Reads the log up to `position`.
    mutating func follow(_ log: Log<Change>, to position: ChangeSequence) {
        while sequence < position {
            guard let run = log.read(after: sequence, filter.lanes), run.end > sequence else {
                Issue.record("the log doesn't reach from \(sequence) to \(position)")
                return
            }
            for change in run where change.sequence <= position { apply(change) }
            sequence = max(sequence, min(run.end, position))
        }
    }

    private mutating func insert(_ hash: EntryHash, _ kind: ObjectKind) {
        #expect(hashes.insert(hash).inserted, "an entry came twice")
        summaries[kind].add(hash)
    }

    private mutating func remove(_ entry: SelectedChange.Entry) {
        #expect(hashes.remove(entry.hash) != nil, "an entry left that was not there")
        summaries[entry.kind].remove(entry.hash)
    }
}
