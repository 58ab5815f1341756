public import Addressing
internal import Atomics
public import ChangeLog
public import Routing
internal import Synchronization
internal import Threads

/// A way that someone has looked up and keeps, as a socket does: it learns of news about its destination when it is checked.
///
/// To check it compares what it stored with what moves when there may be news: the generation of the peers of its family, and that of
/// the routes (R5-10…R5-14). What it stored it had read before it looked, so that news which come between are seen the next time
/// (R5-16). Several may check at once: one of them puts in place what it has found, and the others look again (R5-11).
public final class CachedRoute: Sendable {
    private final class Applied: AtomicReference, Sendable {
        let content: Content
        let peer: Peer?
        let peerGeneration: UInt64
        let routeGeneration: UInt64
        /// A redirect to a router that didn't answer when the way was looked up.
        let ignored: PathInformation.Redirect?
        /// Why it counts no more.
        let obsolescence: String?

        init(
            _ content: Content, _ peer: Peer?, _ peerGeneration: UInt64, _ routeGeneration: UInt64,
            ignored: PathInformation.Redirect? = nil, obsolescence: String? = nil
        ) {
            self.ignored = ignored
            self.content = content
            self.peer = peer
            self.peerGeneration = peerGeneration
            self.routeGeneration = routeGeneration
            self.obsolescence = obsolescence
        }
    }

    /// What a check looks at.
    public protocol Surroundings {
        /// Moves whenever a lookup may lead elsewhere.
        var routeGeneration: UInt64 { get }
        var peers: PeerStore { get }
        /// In milliseconds since 1970.
        var now: UInt64 { get }
        /// Where packets go now, before what is known of the path counts.
        func way(of query: LookupQuery) -> ResolvedWay?
        /// Whether the neighbour answers, or nothing is known of it.
        func answers(_ gateway: IPAddress, over device: String) -> Bool
    }

    public let query: LookupQuery
    private let current: ManagedAtomic<Applied>
    /// Those of `current`, for who only wants to know whether there may be news. They may be older, never newer.
    private let peerStamp: Synchronization.Atomic<UInt64>
    private let routeStamp: Synchronization.Atomic<UInt64>
    /// From when on something that counts doesn't any more.
    private let deadline: Synchronization.Atomic<UInt64>
    private let lastUse: Synchronization.Atomic<UInt64>

    /// Looks up where packets go. Nil if nowhere.
    public init?(_ query: LookupQuery, _ surroundings: some Surroundings) {
        let (routeGeneration, peerGeneration) = (surroundings.routeGeneration, surroundings.peers.generation)
        guard let way = surroundings.way(of: query) else { return nil }
        let peer = surroundings.peers.hold(query.destination)
        var information = Self.information(query, peer, surroundings)
        var ignored: PathInformation.Redirect?
        if let redirect = information.redirect, !surroundings.answers(redirect.gateway, over: way.device) {
            (information.redirect, ignored) = (nil, redirect)
        }
        let applied = Applied(
            Content(way: way, information: information), peer, peerGeneration, routeGeneration, ignored: ignored)
        self.query = query
        current = ManagedAtomic(applied)
        peerStamp = Atomic(peerGeneration)
        routeStamp = Atomic(routeGeneration)
        deadline = Atomic(applied.content.deadline)
        lastUse = Atomic(surroundings.now)
    }

    /// What is known of the destination at this moment.
    private static func information(
        _ query: LookupQuery, _ peer: Peer?, _ surroundings: some Surroundings
    ) -> PathInformation {
        let now = surroundings.now
        guard peer != nil, let stored = surroundings.peers.find(query.destination) else { return PathInformation() }
        return stored.information.valid(at: now)
    }

    /// As it was found the last time.
    public var content: Content { current.load(ordering: .acquiring).content }
    /// The peer that it holds.
    public var peer: Peer? { current.load(ordering: .acquiring).peer }
    public var lastUsed: UInt64 { lastUse.load(ordering: .relaxed) }

    /// Whether there are no news: three comparisons, and no lock (R5-14).
    public func isUpToDate(_ peers: UInt64, _ routes: UInt64, now: UInt64) -> Bool {
        peerStamp.load(ordering: .relaxed) == peers && routeStamp.load(ordering: .relaxed) == routes
            && now < deadline.load(ordering: .relaxed)
    }

    public func check(_ surroundings: some Surroundings) -> Check {
        let now = surroundings.now
        lastUse.store(now, ordering: .relaxed)
        if isUpToDate(surroundings.peers.generation, surroundings.routeGeneration, now: now) {
            let applied = current.load(ordering: .acquiring)
            return applied.obsolescence.map { .obsolete($0) } ?? .valid
        }
        while true {
            if let check = attempt(surroundings, now) { return check }
        }
    }

    /// Nil if someone else was faster.
    private func attempt(_ surroundings: some Surroundings, _ now: UInt64) -> Check? {
        let before = current.load(ordering: .acquiring)
        if let why = before.obsolescence { return .obsolete(why) }
        // Before anything is looked at (R5-16).
        let (routes, peers) = (surroundings.routeGeneration, surroundings.peers.generation)
        let isOver = before.content.way.expires <= now
        var way = before.content.way
        if routes != before.routeGeneration || isOver {
            guard let present = surroundings.way(of: query), present.isSame(as: way) else {
                return end(before, "route", surroundings)
            }
            way = present
        }
        var peer = before.peer
        if peer == nil, peers != before.peerGeneration { peer = surroundings.peers.hold(query.destination) }
        var information = Self.information(query, peer, surroundings)
        var ignored: PathInformation.Redirect?
        if let redirect = information.redirect, !surroundings.answers(redirect.gateway, over: way.device) {
            guard redirect == before.ignored else {
                // The gateway is reverted, and who asks begins anew (R5-35).
                if before.peer == nil, let peer { surroundings.peers.letGo(peer) }
                return end(before, "neighbour", surroundings)
            }
            (information.redirect, ignored) = (nil, redirect)
        }
        let content = Content(way: way, information: information)
        let after = Applied(content, peer, peers, routes, ignored: ignored)
        guard exchange(before, after) else {
            // A loser gives its reference back (R5-11).
            if before.peer == nil, let peer { surroundings.peers.letGo(peer) }
            return nil
        }
        return .revalidated(content.differences(from: before.content))
    }

    private func exchange(_ before: Applied, _ after: Applied) -> Bool {
        let (exchanged, _) = current.compareExchange(
            expected: before, desired: after, ordering: .acquiringAndReleasing)
        guard exchanged else { return false }
        let expiry = after.content.deadline
        deadline.store(expiry, ordering: .relaxed)
        routeStamp.store(after.routeGeneration, ordering: .relaxed)
        peerStamp.store(after.peerGeneration, ordering: .sequentiallyConsistent)
        // Someone who was here before may have stored the rest of his only now: who looks finds that there may be news.
        let isMixed =
            deadline.load(ordering: .sequentiallyConsistent) != expiry
            || routeStamp.load(ordering: .sequentiallyConsistent) != after.routeGeneration
        if isMixed { peerStamp.store(.max, ordering: .relaxed) }
        return true
    }

    private func end(_ before: Applied, _ why: String, _ surroundings: some Surroundings) -> Check? {
        let after = Applied(
            before.content, nil, before.peerGeneration, before.routeGeneration, obsolescence: why)
        guard exchange(before, after) else { return nil }
        if let peer = before.peer { surroundings.peers.letGo(peer) }
        return .obsolete(why)
    }

    /// What who sends by it has noticed (R5-23).
    public enum Advice: String, CaseIterable, Sendable {
        /// Nothing comes through: one that a redirect led elsewhere counts no more.
        case negative
        /// The link on the way has failed: what is known of the path MTU counts no more.
        case linkFailure = "link-failure"
    }

    /// Heeds it. What the next check comes to says what came of it.
    ///
    /// - Returns: the number of a change, if it brought one about.
    public func heed(_ advice: Advice, _ surroundings: some Surroundings) -> ChangeSequence? {
        switch advice {
        case .linkFailure: return surroundings.peers.forgetMTU(of: query.destination)
        case .negative:
            while true {
                let before = current.load(ordering: .acquiring)
                guard before.obsolescence == nil, before.content.information.redirect != nil else { return nil }
                if end(before, "advice", surroundings) != nil { return nil }
            }
        }
    }

    /// No one asks for it any more: lets go of its peer.
    public func release(_ surroundings: some Surroundings) {
        while true {
            let before = current.load(ordering: .acquiring)
            if before.obsolescence != nil || end(before, "released", surroundings) != nil { return }
        }
    }
}
