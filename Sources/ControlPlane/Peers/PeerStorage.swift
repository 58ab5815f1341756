internal import ChangeLog
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
