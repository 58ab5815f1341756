internal import ChangeLog
internal import PathAttributes
internal import Routing
internal import Threads

/// What is known of peers at some time, on its way to the store: the journal takes it, and writes what is different since the time
/// before. The log keeps the change that carries it for longer, and nothing of the peers with it.
public final class PeerStorage: Sendable {
    /// It says no more than that there are peers from now on: cursors that know of them are not to be trusted after a crash.
    let isOpening: Bool
    private let images: Locked<[String: PeerImages]?>

    /// - Parameter images: nil for an opening.
    init(_ images: [String: PeerImages]?) {
        isOpening = images == nil
        self.images = Locked(images, rank: .leaf)
    }

    /// Once: for the journal.
    func take() -> [String: PeerImages] { images.withLock { $0.take() ?? [:] } }
}

/// How far peers have been handed to the store.
struct PeersStored {
    /// The latest change of a peer that was handed over.
    var latest = ChangeSequence.zero
    /// The number of the change that did it, and when it was made, in milliseconds since 1970.
    var sequence = ChangeSequence.zero
    var time: UInt64 = 0
}

extension LockRank {
    /// Images of peers are taken in the order of the numbers under which they are stored. Under the gate.
    static let peerStorage = LockRank(15, "peer storage")
}

extension ControlPlane {
    /// Has what is known of peers stored: everything up to the number that it gets.
    ///
    /// - Returns: that number; nil if memory is the only store.
    func storePeers() -> ChangeSequence? {
        guard journal != nil else { return nil }
        return gate.withShared { peersStored.withLock { storePeers(&$0) } }
    }

    private func storePeers(_ stored: inout PeersStored) -> ChangeSequence {
        // Before the number is given: a checkpoint of a later one has all that is in these.
        stored.latest = log.latestAside
        stored.time = clock()
        let images = namespaces.withLock { $0 }.map { ($0.name, $0.paths.images) }
        let storage = PeerStorage(Dictionary(uniqueKeysWithValues: images))
        stored.sequence = log.append { sequence in
            Change(sequence: sequence, operation: .replace, object: .peerStorage(storage), batch: nil)
        }
        return stored.sequence
    }

    /// The same, if something is known that wasn't the last time, and that is long enough ago and on disk: what waits keeps the peers
    /// as they were.
    func storePeersIfDue() {
        guard journal != nil else { return }
        let (now, pause) = (clock(), UInt64(limits.peerStorageSeconds) * 1_000)
        let isDue = gate.withShared {
            peersStored.withLock { stored in
                guard log.latestAside > stored.latest, now >= stored.time + pause, log.durable >= stored.sequence else {
                    return false
                }
                _ = storePeers(&stored)
                return true
            }
        }
        if isDue { committed() }
    }
}

/// What is different between two states of the peers of some namespaces.
struct PeerDifference {
    /// Those that are to be there, and the addresses of those that are not.
    enum Row { case present(PeerEntry), absent(PeerEntry) }

    private var pairs: ArraySlice<(namespace: String, old: PeerImage, new: PeerImage)>
    private var current: (namespace: String, old: PeerCursor, new: PeerCursor)?
    private typealias PeerCursor = ImageCursor<PeerKey, StoredPeer>

    /// Peers of which nothing is known count as absent, as do those of a namespace that is not there.
    init(from old: [String: PeerImages], to new: [String: PeerImages]) {
        pairs =
            Set(old.keys).union(new.keys).sorted().flatMap { name in
                let (former, images) = (old[name] ?? .empty, new[name] ?? .empty)
                return [
                    (namespace: name, old: former.inet, new: images.inet),
                    (namespace: name, old: former.inet6, new: images.inet6),
                ]
            }[...]
    }

    mutating func next() -> Row? {
        while true {
            if let (namespace, before, after) = current {
                var (old, new) = (before, after)
                defer { current = (namespace, old, new) }
                while let (was, present) = Self.step(&old, &new) {
                    if let row = Self.row(namespace, was, present) { return row }
                }
            }
            guard let pair = pairs.popFirst() else { return nil }
            current = (pair.namespace, pair.old.cursor(), pair.new.cursor())
        }
    }

    /// The next key in either, as it was and as it is; nil at the end of both. Leaves that both share are left out.
    private static func step(
        _ old: inout PeerCursor, _ new: inout PeerCursor
    ) -> (was: StoredPeer?, present: StoredPeer?)? {
        while old.skipLeaf(sharedWith: &new) {}
        switch (old.peek(), new.peek()) {
        case (nil, nil): return nil
        case (let before?, let after?) where before.key == after.key:
            _ = (old.next(), new.next())
            return (before.value, after.value)
        case (let before?, let after) where after.map({ before.key < $0.key }) ?? true:
            _ = old.next()
            return (before.value, nil)
        case (_, let after):
            _ = new.next()
            return (nil, after?.value)
        }
    }

    private static func row(_ namespace: String, _ was: StoredPeer?, _ present: StoredPeer?) -> Row? {
        if was === present { return nil }
        if let present, !present.information.isEmpty { return .present(PeerEntry(namespace, present)) }
        return was.flatMap { $0.information.isEmpty ? nil : .absent(PeerEntry(namespace, $0)) }
    }
}
