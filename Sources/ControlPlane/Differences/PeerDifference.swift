internal import Addressing
internal import ChangeLog
internal import PathAttributes

/// What is different between two states of the peers of some namespaces, in list order.
struct PeerDifference: Sendable {
    private var images: ArraySlice<(namespace: String, old: PeerImage, new: PeerImage)>
    private var namespace = ""
    private var walk: ImageDifference<PeerKey, StoredPeer>?

    /// - Parameters:
    ///   - old: by namespace; one that isn't there has none.
    ///   - families: nil for both.
    init(from old: [String: PeerImages], to new: [String: PeerImages], families: [AddressFamily]? = nil) {
        let families = [AddressFamily.inet, .inet6].filter { families?.contains($0) ?? true }
        images =
            Set(old.keys).union(new.keys).sorted().flatMap { name in
                let (former, latter) = (old[name] ?? .empty, new[name] ?? .empty)
                return families.map { (namespace: name, old: former[$0], new: latter[$0]) }
            }.filter { !$0.old.isIdentical(to: $0.new) }[...]
    }

    var isAtEnd: Bool { images.isEmpty && walk?.isAtEnd ?? true }

    /// The next peer that is another one or is there in one of them only; nil if `steps` are used up, or none is left.
    mutating func next(steps: inout Int) -> (old: PeerEntry?, new: PeerEntry?)? {
        while steps > 0, !isAtEnd {
            if let (_, old, new) = walk?.next(steps: &steps) {
                if old === new { continue }
                return (old.map { PeerEntry(namespace, $0) }, new.map { PeerEntry(namespace, $0) })
            }
            if walk?.isAtEnd ?? true, let next = images.popFirst() {
                steps -= 1
                namespace = next.namespace
                walk = ImageDifference(from: next.old, to: next.new)
            }
        }
        return nil
    }
}

// MARK: Streams

extension PeerDifference {
    init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        func images(_ snapshot: Snapshot) -> [String: PeerImages] {
            guard filter.selects(.peer) else { return [:] }
            let namespaces = snapshot.namespaces.filter { filter.selection.includes(namespace: $0.name) }
            return Dictionary(uniqueKeysWithValues: namespaces.map { ($0.name, $0.peers) })
        }
        self.init(from: images(old), to: images(new), families: filter.selection.families)
    }

    mutating func nextChange(steps: inout Int) -> SelectedChange? {
        while let (old, new) = next(steps: &steps) {
            let change = SelectedChange.changes(
                from: old.map { [.peer($0)] } ?? [], to: new.map { [.peer($0)] } ?? []
            ).first
            if let change { return change }
        }
        return nil
    }
}

// MARK: Storage

extension PeerDifference {
    /// Those that are to be there, and the addresses of those that are not: peers of which nothing is known.
    enum Row { case present(PeerEntry), absent(PeerEntry) }

    /// As many steps as it takes; nil at the end.
    mutating func nextRow() -> Row? {
        var steps = Int.max
        while let (old, new) = next(steps: &steps) {
            if let new, !new.stored.information.isEmpty { return .present(new) }
            if let old, !old.stored.information.isEmpty { return .absent(old) }
        }
        return nil
    }
}
