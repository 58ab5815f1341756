public import Addressing
internal import ChangeLog
internal import PathAttributes

/// Walks the peers of a snapshot, in list order: namespace, family, address.
public struct PeerWalk: Sendable {
    private let families: [AddressFamily]?
    private var namespaces: ArraySlice<Snapshot.Namespace>
    private var images: ArraySlice<PeerImage> = []
    private var namespace = ""
    private var cursor: ImageCursor<PeerKey, StoredPeer>?

    /// - Parameter families: nil for both.
    public init(_ snapshot: Snapshot, families: [AddressFamily]?, in namespaces: (String) -> Bool = { _ in true }) {
        self.families = families
        self.namespaces = snapshot.namespaces.filter { namespaces($0.name) && !$0.peers.isEmpty }[...]
    }

    public mutating func next() -> PeerEntry? {
        while true {
            if let (_, stored) = cursor?.next() { return PeerEntry(namespace, stored) }
            if let image = images.popFirst() {
                cursor = image.cursor()
            } else if let next = namespaces.popFirst() {
                enter(next)
            } else {
                cursor = nil
                return nil
            }
        }
    }

    private mutating func enter(_ next: Snapshot.Namespace) {
        namespace = next.name
        images = [AddressFamily.inet, .inet6].filter { families?.contains($0) ?? true }.map { next.peers[$0] }[...]
    }

    /// How many there are. O(namespaces); of one that hasn't begun.
    public var count: Int {
        namespaces.reduce(0) { sum, namespace in
            [AddressFamily.inet, .inet6].filter { families?.contains($0) ?? true }
                .reduce(sum) { $0 + namespace.peers[$1].count }
        }
    }

    /// Goes on behind a peer, which need not be there any more; of one that hasn't begun.
    public mutating func skip(behind address: IPAddress, in name: String) {
        while let next = namespaces.first, next.name < name { namespaces.removeFirst() }
        guard let next = namespaces.first, next.name == name else { return }
        namespaces.removeFirst()
        enter(next)
        if address.family == .inet6 { images = (families?.contains(.inet6) ?? true) ? [next.peers.inet6] : [] }
        guard families?.contains(address.family) ?? true, let image = images.popFirst() else { return }
        if let key = PeerKey(address).successor { cursor = image.cursor(from: key) }
    }
}

extension PeerImages {
    var isEmpty: Bool { inet.isEmpty && inet6.isEmpty }

    /// Count and digest of those of some families; nil for both.
    func summary(_ families: [AddressFamily]?) -> Summary {
        var sum = Summary()
        if families?.contains(.inet) ?? true { sum += inet.summary }
        if families?.contains(.inet6) ?? true { sum += inet6.summary }
        return sum
    }
}
