public import Addressing
public import ChangeLog
public import PathAttributes
internal import Routing
internal import Synchronization
internal import Threads

/// What a namespace knows of paths: its peers, and what cached routes compare to find out whether there may be news.
final class Paths: Sendable {
    let inet: PeerStore
    let inet6: PeerStore
    /// How many messages were looked at lately.
    let rate = Locked(MessageRate(), rank: .leaf)
    /// Moves whenever a lookup in the namespace may lead elsewhere.
    let routeGeneration = RouteGeneration()

    init(_ link: PathLink) {
        inet = PeerStore(.inet, link)
        inet6 = PeerStore(.inet6, link)
    }

    subscript(_ family: AddressFamily) -> PeerStore { family == .inet ? inet : inet6 }

    /// As they are. Those of a namespace as of one number only with the gate held exclusively.
    var images: PeerImages { PeerImages(inet: inet.image, inet6: inet6.image) }

    var generations: (inet: UInt64, inet6: UInt64) { (inet.generation, inet6.generation) }

    var isEmpty: Bool { inet.image.isEmpty && inet6.image.isEmpty }

    func set(_ limits: PeerLimits) {
        inet.set(limits)
        inet6.set(limits)
    }
}

/// A counter for who keeps what a lookup led to. Whoever changes something that lookups look at moves it, after that is to be seen and
/// under the same lock; who looks reads it before.
final class RouteGeneration: Sendable {
    private let counter = Atomic<UInt64>(0)

    var value: UInt64 { counter.load(ordering: .acquiring) }
    func move() { counter.wrappingAdd(1, ordering: .releasing) }
}

/// The peers of a namespace. They never change.
public struct PeerImages: Sendable {
    public let inet: PeerImage
    public let inet6: PeerImage

    public subscript(_ family: AddressFamily) -> PeerImage { family == .inet ? inet : inet6 }

    static let empty = PeerImages(inet: PeerImage(), inet6: PeerImage())
}

/// What the peers of one namespace need of the control plane: numbers for their changes, the hashes of their entries, the time.
final class PathLink: PeerHost {
    private let link: TrafficLink

    /// - Parameter link: knows the log.
    init(_ link: TrafficLink) { self.link = link }

    var now: UInt64 { link.now }

    func hash(_ address: IPAddress, _ information: PathInformation) -> EntryHash {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        bytes.append(peer: address, information, link.namespace)
        return EntryHash(of: bytes.span)
    }

    /// They are kept aside in the log, so that no number of messages lets routes be forgotten.
    func commit(
        _ count: Int, because reason: PeerReason?, _ make: (Int, ChangeSequence) -> PeerChange
    ) {
        var batch: ChangeBatch?
        let opening = { (sequence: ChangeSequence) in
            Change(sequence: sequence, operation: .replace, object: .peerStorage(PeerStorage(nil)), batch: nil)
        }
        link.log?.appendAside(count: count, opening: opening) { index, sequence in
            if index == 0, count > 1 || reason != nil {
                batch = ChangeBatch(transaction: sequence, cause: reason?.cause(of: sequence))
            }
            let change = NamedPeerChange(link.namespace, make(index, sequence))
            return Change(sequence: sequence, operation: change.operation, object: .peer(change), batch: batch)
        }
    }
}

extension PeerReason {
    /// - Parameter first: the number of the first change that it has.
    fileprivate func cause(of first: ChangeSequence) -> ChangeBatch.Cause {
        switch self {
        case .expired: .init(reason: "expired", sequence: first)
        case .flushed: .init(reason: "flush", sequence: first)
        case .collected: .init(reason: "collected", sequence: first)
        case .mtuChanged(let change): .init(reason: "link-mtu", sequence: change)
        case .namespaceRemoved(let change): .init(reason: UnfinishedOperation.namespaceDeleted, sequence: change)
        }
    }
}
