internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Platform
internal import Threads

extension LockRank {
    /// All event streams and their classes. Outside the gate: a stream that begins anew takes a snapshot under it.
    static let events = LockRank(5, "events")
}

/// All event streams and their classes.
///
/// Who serves the streams takes the lock for one turn of one stream at a time, a worker for opening one.
final class EventHub: Sendable {
    struct State {
        var classes: [EventFilter: EventClass] = [:]
        /// Moves the classes.
        let reader: EventReader
        var feeds: [ObjectIdentifier: EventFeed] = [:]
        /// Feeds whose snapshot isn't durable yet.
        var awaiting: [EventFeed] = []
        /// Once set, every stream ends with this event and the problem as its data.
        var ending: (event: String, problem: Problem)?
        /// Classes that the log had passed when someone needed their filter. Who waits in them must be woken to find out;
        /// only who holds the streams' turn can do that.
        var replaced: [EventClass] = []
        var sessions: [ChangeSequence: ListenerSession] = [:]
        /// Feeds that someone else has changed, and whose turn must come.
        var touched: [EventFeed] = []
        /// Ticks with every use of a class.
        var clock: UInt64 = 0
    }

    let plane: ControlPlane
    let maximumFilters: Int
    private let reader: EventReader
    let cache: ReplayCache
    let state: Locked<State>
    /// Has the streams get a turn. Closure in a struct: see `ControlPlane.Hooks`.
    struct Hook {
        var wake: @Sendable () -> Void = {}
        var lookAfter: @Sendable () -> Void = {}
    }
    let hook = Locked(Hook(), rank: .leaf)
    let walkers = WorkerPool(name: "digest", threads: 1, capacity: 256)

    init(
        plane: ControlPlane, maximumFilters: Int, replayCacheBytes: Int = 64 << 20, pace: StreamPace = StreamPace()
    ) {
        self.plane = plane
        self.maximumFilters = maximumFilters
        reader = EventReader(log: plane.log, pace: pace)
        cache = ReplayCache(limit: replayCacheBytes, reader.deflater) { [hook] in hook.withLock { $0.lookAfter }() }
        state = Locked(State(reader: reader), rank: .events)
    }

    deinit { walkers.shutDown() }

    /// Called when streams must get a turn, with no lock held.
    func whenStreamsMustWake(_ wake: @escaping @Sendable () -> Void) { hook.withLock { $0.wake = wake } }

    /// Called when listeners need looking after. It must not block.
    func whenListenersNeedCare(_ lookAfter: @escaping @Sendable () -> Void) {
        hook.withLock { $0.lookAfter = lookAfter }
    }

    func wakeStreams() { hook.withLock { $0.wake }() }

    /// Makes ready the stream that the request describes. On a worker: it may have to walk the whole table.
    ///
    /// - Parameter session: whose stream it is.
    func open(_ request: EventRequest, session: ChangeSequence? = nil) throws(Problem) -> any EventSource {
        let snapshot = plane.snapshot()
        let mark = plane.log.mark(of: request.filter.lanes)
        let start = StreamStart(request, epoch: plane.epoch, filterDigits: request.filter.digits, mark)
        let isKnown = state.withLock { $0.usableClass(request.filter, plane) != nil }
        // Walks through the log, perhaps through all of it, and the table: not under the lock.
        let latestNow = latest(upTo: snapshot.sequence, request.filter)
        let seed = isKnown ? nil : makeClass(request.filter, snapshot, latest: latestNow)
        let latestAtStart =
            if case .resume(let position) = start { latest(upTo: position, request.filter) } else { latestNow }
        let feed: EventFeed? = try state.withLock { (state) throws(Problem) in
            let session = try session.map { (id) throws(Problem) in try state.session(id, for: request.filter) }
            guard let group = state.enter(request.filter, seed, self) else { return nil }
            let feed = EventFeed(request, start, snapshot, latest: latestAtStart, group)
            if let session {
                if let former = session.feed { state.end(former, .takenOver) }
                session.feed = feed
                session.leaseEnd = nil
                feed.session = session
            }
            state.feeds[ObjectIdentifier(feed)] = feed
            return feed
        }
        guard let feed else { throw .tooManyFilters(maximumFilters) }
        return EventConnection(hub: self, feed: feed)
    }

    /// The number of the latest change up to there that the filter selects; if that lies far back, one behind which it selects none.
    private func latest(upTo position: ChangeSequence, _ filter: EventFilter) -> ChangeSequence {
        var seen = 0
        return plane.log.latest(upTo: position, filter.lanes) { change in
            seen += 1
            return seen > Self.farBack || filter.selects(change)
        }
    }

    /// Changes that are looked at for one stream that begins: half a millisecond.
    private static let farBack = 4_096

    /// A class at the snapshot. O(table) for filters that don't follow the order of keys.
    ///
    /// - Parameter latest: the number of the latest change up to the snapshot that the filter selects, or, where finding it
    ///   would take a walk through the log, the snapshot's own.
    private func makeClass(_ filter: EventFilter, _ snapshot: Snapshot, latest: ChangeSequence) -> EventClass {
        EventClass(
            filter, epoch: plane.epoch, at: snapshot, filter.summaries(of: snapshot), latest: latest, reader, plane.log)
    }

    /// A class as of now.
    func makeClass(_ filter: EventFilter) -> EventClass {
        let snapshot = plane.snapshot()
        return makeClass(filter, snapshot, latest: snapshot.sequence)
    }

    /// In a turn of the streams, after changes: moves the classes that someone waits for, which wakes who has something to do.
    func wake() {
        let isBehind = state.withLock { state in
            if state.ending != nil {
                for feed in state.feeds.values { feed.stream?.schedule() }
                return false
            }
            for feed in state.touched { feed.stream?.schedule() }
            state.touched = []
            state.wakeAwaiting(plane.log.durable)
            state.overflowThoseBehind(plane.log)
            for group in state.replaced { group.wakeWaiting() }
            state.replaced = []
            return state.readOn()
        }
        if isBehind { wakeStreams() }
    }

    /// Lets go of what replays have kept, if there was none for a while; false if there is nothing to look after.
    func ageReplays(_ now: UInt64) -> Bool {
        let (idle, mayHaveSome) = state.withLock { _ in (cache.takeIdle(now), cache.mayHaveSome) }
        if !idle.isEmpty { Process.returnMemory(after: idle) }
        return mayHaveSome
    }

    /// Tells every stream that the server goes away; they end once they have sent what they had begun.
    func drain() { state.withLock { $0.ending = ("drain", .draining) } }

    /// Tells every stream that nothing will become durable any more; they end.
    func fail(_ why: String) { state.withLock { $0.ending = ("error", .storeFailed(why)) } }

    func fill(_ feed: EventFeed, _ output: inout StreamOutput, _ now: UInt64) -> FillResult {
        state.withLock { state in
            var frames = FrameOutput(&output, feed.gzip, reader.deflater)
            let before = frames.output.queuedBytes
            let result = fill(feed, &state, &frames, now)
            if case .end = result { frames.finish() }
            frames.end(&output)
            feed.gzip = frames.gzip
            feed.session?.sent(feed, bytes: output.queuedBytes - before)
            return result
        }
    }

    private func fill(
        _ feed: EventFeed, _ state: inout State, _ frames: inout FrameOutput, _ now: UInt64
    ) -> FillResult {
        if let (event, problem) = state.ending {
            frames.append { feed.encoder.end(event, problem, into: &$0) }
            return .end
        }
        switch feed.phase {
        case .backOff(let until) where now >= until: restart(feed, &state) { .replay(ReplayRows($0, $1, cache, now)) }
        case .replay(let rows) where rows.isOutdated(plane.log.head):
            restart(feed, &state) { .replay(rows.renewed($0, $1, cache, now)) }
        case .owing(let old, let summaries, let round):
            restart(feed, &state) { new, filter in
                .difference(ReplayDifference(from: old, to: new, filter, summaries, round: round))
            }
        default: break
        }
        let result = feed.fill(&frames, now: now, plane.log, cache)
        state.noteIfBehind(feed)
        if feed.hasMissedDigest {
            feed.hasMissedDigest = false
            if feed.group.needsWalk { walk(feed.group) }
        }
        state.awaitIfNeeded(feed)
        return result
    }

    /// A class again, and what leads to the state as it is now.
    private func restart(
        _ feed: EventFeed, _ state: inout State, _ next: (Snapshot, EventFilter) -> EventFeed.Phase
    ) {
        let snapshot = plane.snapshot()
        guard let group = state.enter(feed.request.filter, nil, self) else {
            return feed.leave(.ending(.tooManyFilters(maximumFilters)))
        }
        state.exit(feed.group)
        let position = max(snapshot.sequence, group.position)
        feed.restart(in: group, snapshot, .awaiting(position, then: next(snapshot, feed.request.filter)))
    }

    func close(_ feed: EventFeed) {
        state.withLock { state in
            guard state.feeds.removeValue(forKey: ObjectIdentifier(feed)) != nil else { return }
            feed.leave(.ended)
            state.exit(feed.group)
            if let session = feed.session, session.feed === feed {
                session.feed = nil
                session.renew(MonotonicClock.nanoseconds)
            }
            feed.session = nil
            if feed.awaitsDurable { state.awaiting.removeAll { $0 === feed } }
        }
    }
}
