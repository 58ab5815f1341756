public import Addressing
public import ChangeLog
internal import Synchronization

/// A host that something is known of: how often it is held, and what may be sent to it. What is known of the way there is in the
/// `StoredPeer` that the store has of it.
///
/// Source: kernel include/net/inetpeer.h; R5-01…R5-05.
public final class Peer: Sendable {
    public let address: IPAddress
    /// Who holds it; -1 from when it is removed (R5-04).
    private let holders = Atomic<Int>(0)
    private let lastUse: Atomic<UInt64>
    private let tokens = Atomic<UInt64>(0)
    private let lastMessage: Atomic<UInt64>
    private let redirects = Atomic<UInt64>(0)

    init(_ address: IPAddress, now: UInt64) {
        self.address = address
        let limits = RateLimits(now: now)
        lastUse = Atomic(now)
        lastMessage = Atomic(limits.last)
    }

    /// How many hold it.
    public var references: Int { max(0, holders.load(ordering: .relaxed)) }
    /// When it was last let go of, or changed, in milliseconds since 1970 (R5-05).
    public var lastUsed: UInt64 { lastUse.load(ordering: .relaxed) }

    /// False if it is being removed.
    func hold() -> Bool {
        var present = holders.load(ordering: .relaxed)
        while present >= 0 {
            let (exchanged, original) = holders.compareExchange(
                expected: present, desired: present + 1, ordering: .acquiring)
            if exchanged { return true }
            present = original
        }
        return false
    }

    func letGo(now: UInt64) {
        lastUse.store(now, ordering: .relaxed)
        let left = holders.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        precondition(left >= 0, "a peer let go too often")
    }

    func use(now: UInt64) { lastUse.store(now, ordering: .relaxed) }

    /// Under the lock of its store: no one can hold it from now on. False if someone holds it.
    func claim() -> Bool {
        holders.compareExchange(expected: 0, desired: -1, ordering: .acquiringAndReleasing).exchanged
    }

    // MARK: Rates

    /// As they are.
    public var limits: RateLimits {
        RateLimits(
            tokens: tokens.load(ordering: .relaxed), last: lastMessage.load(ordering: .relaxed),
            redirects: redirects.load(ordering: .relaxed))
    }

    /// Under the lock of its store.
    func set(_ limits: RateLimits) {
        tokens.store(limits.tokens, ordering: .relaxed)
        lastMessage.store(limits.last, ordering: .relaxed)
        redirects.store(limits.redirects, ordering: .relaxed)
    }
}

/// What is known of the way to a peer, as it is kept. It never changes.
public final class StoredPeer: ImageValue {
    public let peer: Peer
    public let information: PathInformation
    /// Who said so first; nil if that isn't known.
    public let source: IPAddress?
    public let version: ChangeSequence
    public let hash: EntryHash

    public init(
        _ peer: Peer, _ information: PathInformation, source: IPAddress?, version: ChangeSequence, hash: EntryHash
    ) {
        self.peer = peer
        self.information = information
        self.source = source
        self.version = version
        self.hash = hash
    }

    public var address: IPAddress { peer.address }
}

/// Where a peer stands among those of its family.
@frozen public struct PeerKey: ImageKey, Hashable {
    private let high: UInt64
    private let low: UInt64

    public init(_ address: IPAddress) { (high, low) = (address.high, address.low) }

    public var leading: UInt64 { high }

    /// The next key there is; nil behind the last.
    public var successor: PeerKey? {
        let (nextLow, carry) = low.addingReportingOverflow(1)
        let (nextHigh, overflow) = high.addingReportingOverflow(carry ? 1 : 0)
        return overflow ? nil : PeerKey(nextHigh, nextLow)
    }

    private init(_ high: UInt64, _ low: UInt64) { (self.high, self.low) = (high, low) }

    public static func < (a: Self, b: Self) -> Bool { a.high != b.high ? a.high < b.high : a.low < b.low }
}

/// The peers of one family in a namespace, in the order of their addresses.
public typealias PeerImage = Image<PeerKey, StoredPeer>
