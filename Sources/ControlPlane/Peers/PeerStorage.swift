internal import ChangeLog
internal import PathAttributes
internal import Routing
internal import Threads

/// What is known of peers at some time, on its way to the store: the journal takes it, and writes what is different since the time
/// before. The log keeps the change that carries it for longer, and nothing of the peers with it.
public final class PeerStorage: Sendable {
    private let images: Locked<[String: PeerImages]?>

    init(_ images: [String: PeerImages]) { self.images = Locked(images, rank: .leaf) }

    /// Once: for the journal.
    func take() -> [String: PeerImages] { images.withLock { $0.take() ?? [:] } }
}

extension ControlPlane {
    /// Has what is known of peers stored: everything up to the number that it gets.
    ///
    /// - Returns: that number; nil if memory is the only store.
    func storePeers() -> ChangeSequence? {
        guard journal != nil else { return nil }
        return gate.withShared {
            // Before the number is given: a checkpoint of a later one has all that is in these.
            let images = namespaces.withLock { $0 }.map { ($0.name, $0.paths.images) }
            let storage = PeerStorage(Dictionary(uniqueKeysWithValues: images))
            return log.append { sequence in
                Change(sequence: sequence, operation: .replace, object: .peerStorage(storage), batch: nil)
            }
        }
    }

    /// The same, if something is known that wasn't the last time, and that is long enough ago.
    func storePeersIfDue() {
        let (now, latest) = (clock(), log.latestAside)
        let isDue = peersStored.withLock { stored in
            guard latest > stored.sequence, now >= stored.time + UInt64(limits.peerStorageSeconds) * 1_000 else {
                return false
            }
            stored = (latest, now)
            return true
        }
        if isDue, storePeers() != nil { committed() }
    }
}

/// What is different between two states of the peers of some namespaces.
struct PeerDifference {
    /// Those that are to be there, and the addresses of those that are not.
    enum Row { case present(PeerEntry), absent(PeerEntry) }

    private var pairs: ArraySlice<(namespace: String, old: PeerImage, new: PeerImage)>
    private var namespace = ""
    private var old: ImageCursor<PeerKey, StoredPeer>?
    private var new: ImageCursor<PeerKey, StoredPeer>?
    private var before: (PeerKey, StoredPeer)?
    private var after: (PeerKey, StoredPeer)?

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
            guard before != nil || after != nil else {
                guard enter() else { return nil }
                continue
            }
            if let row = step() { return row }
        }
    }

    private mutating func enter() -> Bool {
        guard let pair = pairs.popFirst() else { return false }
        namespace = pair.namespace
        (old, new) = (pair.old.cursor(), pair.new.cursor())
        (before, after) = (old?.next(), new?.next())
        return true
    }

    /// What the next key has become, if it is different.
    private mutating func step() -> Row? {
        let isOld = before.map { before in after.map { before.0 <= $0.0 } ?? true } ?? false
        let isNew = after.map { after in before.map { after.0 <= $0.0 } ?? true } ?? false
        let (was, present) = (isOld ? before?.1 : nil, isNew ? after?.1 : nil)
        if isOld { before = old?.next() }
        if isNew { after = new?.next() }
        if was === present { return nil }
        if let present, !present.information.isEmpty { return .present(PeerEntry(namespace, present)) }
        return was.flatMap { $0.information.isEmpty ? nil : .absent(PeerEntry(namespace, $0)) }
    }
}
