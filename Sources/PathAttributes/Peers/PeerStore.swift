public import Addressing
public import ChangeLog
internal import HeapModule
internal import Routing
internal import Synchronization
internal import Threads

extension LockRank {
    /// The peers of one family in a namespace. Under the gate; never two at once.
    static let peers = LockRank(60, "peers")
}

/// The peers of one family in a namespace (R5-01).
///
/// Looking takes no lock, unless something has just changed. Whoever makes one looks once more under the lock first, and then at those
/// that may go (R5-03, R5-06).
public final class PeerStore: Sendable {
    /// When something of a peer comes to its end, as it was when that became known.
    struct Expiry: Comparable {
        let time: UInt64
        let address: IPAddress
        static func < (a: Self, b: Self) -> Bool { (a.time, a.address) < (b.time, b.address) }
    }

    struct State {
        var image = PeerImage()
        var limits = PeerLimits()
        var expiries = Heap<Expiry>()
        /// How many peers there are of whom each source was the first to say something.
        var sources: [IPAddress: UInt32] = [:]
    }

    public let family: AddressFamily
    let host: any PeerHost
    let state = Locked(State(), rank: .peers)
    private let published = Published<PeerImage>()
    private let counter = Atomic<UInt64>(0)

    public init(_ family: AddressFamily, _ host: any PeerHost) {
        self.family = family
        self.host = host
    }

    /// Moves whenever cached routes have to look at their destination once more (R5-10, R5-12).
    public var generation: UInt64 { counter.load(ordering: .acquiring) }

    /// As they are. It never changes.
    public var image: PeerImage {
        published.value { state.withLock { state in published.publish(state.image) } }
    }

    /// What is known of an address; nil if nothing was ever.
    public func find(_ address: IPAddress) -> StoredPeer? { image[PeerKey(address)] }

    public func set(_ limits: PeerLimits) { state.withLock { $0.limits = limits } }

    /// How many peers are counted for sources: for tests.
    var _sources: UInt32 { state.withLock { $0.sources.values.reduce(0, +) } }
    /// What is queued to expire: for tests.
    var _queued: Int { state.withLock { $0.expiries.count } }

    // MARK: Holding

    /// The peer, held for who asks; nil if there is none (R5-03, without creation).
    public func hold(_ address: IPAddress) -> Peer? {
        guard let found = find(address) else { return nil }
        if found.peer.hold() { return found.peer }
        // It is being removed; under the lock it is gone, and there may be another one.
        return state.withLock { $0.image[PeerKey(address)] }.flatMap { $0.peer.hold() ? $0.peer : nil }
    }

    /// R5-05.
    public func letGo(_ peer: Peer) { peer.letGo(now: host.now) }

    // MARK: What is learned

    /// What a message about an address comes to.
    public struct Outcome: Sendable {
        public let decision: PathDecision
        /// As it is then; nil if nothing is known.
        public let peer: StoredPeer?
        public let generation: UInt64
        /// The number of the last change that it brought about; nil if there was none.
        public let last: ChangeSequence?
    }

    /// Takes in a message.
    ///
    /// - Parameters:
    ///   - source: who says it.
    ///   - sourceLimit: how many peers may be there because of one source.
    ///   - isDryRun: whether nothing is to come of it.
    ///   - decide: what comes of it, by what is known. Called under the lock.
    public func learn(
        of address: IPAddress, from source: IPAddress?, sourceLimit: UInt32?, isDryRun: Bool = false,
        _ decide: (PathInformation?) -> PathDecision
    ) -> Outcome {
        state.withLock { state in
            let present = state.image[PeerKey(address)]
            var decision = decide(present?.information)
            var last: ChangeSequence?
            var peer = present
            if let information = decision.information {
                if present?.source == nil, let source, let sourceLimit, state.sources[source] ?? 0 >= sourceLimit {
                    decision = .rejected("per-source", "\(source) has told of \(sourceLimit) destinations already")
                } else if !isDryRun {
                    let made = put(information, address, from: present, source: source, because: nil, &state)
                    (peer, last) = (made, made.version)
                }
            }
            if decision.bumps, !isDryRun { bump() }
            return Outcome(decision: decision, peer: peer, generation: generation, last: last)
        }
    }

    /// Whether a message may be sent to an address now; it counts as sent then (R5-40, R5-41).
    public func allows(_ message: RateLimits.Message, to address: IPAddress) -> (isAllowed: Bool, peer: StoredPeer) {
        state.withLock { state in
            let found =
                state.image[PeerKey(address)]
                ?? put(PathInformation(), address, from: nil, source: nil, because: nil, &state)
            var limits = found.peer.limits
            let isAllowed = limits.allows(message, now: host.now)
            found.peer.set(limits)
            found.peer.use(now: host.now)
            return (isAllowed, found)
        }
    }

    /// After the change that it tells of. Under the lock.
    func bump() {
        published.change()
        counter.wrappingAdd(1, ordering: .releasing)
    }

    // MARK: Under the lock

    /// Puts what is known in its place, and numbers it.
    func put(
        _ information: PathInformation, _ address: IPAddress, from old: StoredPeer?, source: IPAddress?,
        because reason: PeerReason?, _ state: inout State
    ) -> StoredPeer {
        let now = host.now
        if old == nil { collect(beside: address, now, &state) }
        let peer = old?.peer ?? Peer(address, now: now)
        let hash = host.hash(address, information)
        var made: StoredPeer?
        host.commit(1, because: reason) { _, number in
            let new = StoredPeer(
                peer, information, source: old?.source ?? source, version: number, hash: hash)
            made = new
            return PeerChange(from: old, to: new)
        }
        guard let made else { preconditionFailure("a peer that was not numbered") }
        if reason == nil { peer.use(now: now) }
        insert(made, from: old, &state)
        return made
    }

    func insert(_ new: StoredPeer, from old: StoredPeer?, _ state: inout State) {
        state.image.insert(new, for: PeerKey(new.address))
        published.change()
        if old?.source == nil, let source = new.source { state.sources[source, default: 0] += 1 }
        guard let expiry = new.information.firstExpiry else { return }
        // One that is queued for an earlier time is looked at then, and queued anew.
        if let queued = old?.information.firstExpiry, queued <= expiry { return }
        state.queue(new, at: expiry)
    }

    /// One that was claimed, and is numbered as gone.
    func drop(_ old: StoredPeer, _ state: inout State) {
        state.image.remove(PeerKey(old.address))
        published.change()
        guard let source = old.source, let count = state.sources[source] else { return }
        state.sources[source] = count > 1 ? count - 1 : nil
    }
}

extension PeerStore.State {
    /// Those of peers that are gone stay queued, unless there are more of them than others: a storm of messages would fill memory with
    /// them.
    mutating func queue(_ stored: StoredPeer, at time: UInt64) {
        expiries.insert(PeerStore.Expiry(time: time, address: stored.address))
        guard expiries.count > 2 * image.count + 1_024 else { return }
        var (cursor, all) = (image.cursor(), [PeerStore.Expiry]())
        while let (_, stored) = cursor.next() {
            guard let expiry = stored.information.firstExpiry else { continue }
            all.append(PeerStore.Expiry(time: expiry, address: stored.address))
        }
        expiries = Heap(all)
    }
}
