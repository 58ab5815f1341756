internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
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
        var feeds: [ObjectIdentifier: EventFeed] = [:]
        /// Feeds whose snapshot isn't durable yet.
        var awaiting: [EventFeed] = []
        /// Once set, every stream ends with this event and the problem as its data.
        var ending: (event: String, problem: Problem)?
        var lastFloor = ChangeSequence.zero
        /// Classes that the log had passed when someone needed their filter. Who waits in them must be woken to find out;
        /// only who holds the streams' turn can do that.
        var replaced: [EventClass] = []
        /// Ticks with every use of a class.
        var clock: UInt64 = 0
    }

    let plane: ControlPlane
    let maximumFilters: Int
    let state: Locked<State>
    private let walkers = WorkerPool(name: "digest", threads: 1, capacity: 256)

    init(plane: ControlPlane, maximumFilters: Int) {
        self.plane = plane
        self.maximumFilters = maximumFilters
        state = Locked(State(), rank: .events)
    }

    deinit { walkers.shutDown() }

    /// Makes ready the stream that the request describes. On a worker: it may have to walk the whole table.
    func open(_ request: EventRequest) throws(Problem) -> any EventSource {
        let snapshot = plane.snapshot()
        let start = StreamStart(request, epoch: plane.epoch, filterDigits: request.filter.digits, plane.log.mark)
        let isKnown = state.withLock { $0.usableClass(request.filter, plane) != nil }
        // Walks through the log, perhaps through all of it, and the table: not under the lock.
        let latestNow = latest(upTo: snapshot.sequence, request.filter)
        let seed = isKnown ? nil : makeClass(request.filter, snapshot, latest: latestNow)
        let latestAtStart =
            if case .resume(let position) = start { latest(upTo: position, request.filter) } else { latestNow }
        let feed: EventFeed? = state.withLock { state in
            guard
                let group = state.enter(
                    request.filter, orMake: { seed ?? makeClass(request.filter, snapshot, latest: latestNow) }, self)
            else { return nil }
            let feed = EventFeed(request, start, snapshot, latest: latestAtStart, group)
            state.feeds[ObjectIdentifier(feed)] = feed
            return feed
        }
        guard let feed else { throw .tooManyFilters(maximumFilters) }
        return EventConnection(hub: self, feed: feed)
    }

    /// Finds out, on a thread for such things, what hardware makes of all routes of a class.
    private func walk(_ group: EventClass) {
        let filter = group.filter
        let isTaken = walkers.submit {
            var snapshot: Snapshot
            // A class that is another one by now is as good.
            repeat {
                snapshot = self.plane.snapshot()
            } while !self.state.withLock { $0.classes[filter]?.beginWalk(at: snapshot.sequence) ?? true }
            let sum = HardwareDigest.walk(snapshot, filter)
            self.state.withLock { $0.classes[filter]?.endWalk(at: snapshot.sequence, sum) }
        }
        // If there are many such classes, a later sync asks again.
        group.isBeingWalked = isTaken
    }

    private func latest(upTo position: ChangeSequence, _ filter: EventFilter) -> ChangeSequence {
        plane.log.latest(upTo: position) { filter.selects($0) }
    }

    /// A class at the snapshot. O(table) for filters that don't follow the order of keys.
    ///
    /// - Parameter latest: the number of the latest change up to the snapshot that the filter selects, or, where finding it
    ///   would take a walk through the log, the snapshot's own.
    fileprivate func makeClass(
        _ filter: EventFilter, _ snapshot: Snapshot, latest: ChangeSequence
    ) -> EventClass {
        EventClass(
            filter, epoch: plane.epoch, at: snapshot, filter.summaries(of: snapshot),
            latest: latest, log: plane.log)
    }

    /// In a turn of the streams, after changes: moves the classes that someone waits for, which wakes who has something to do.
    func wake() {
        state.withLock { state in
            if state.ending != nil {
                for feed in state.feeds.values { feed.stream?.schedule() }
                return
            }
            state.wakeAwaiting(plane.log.durable)
            state.overflowThoseBehind(plane.log.mark.floor)
            for group in state.replaced { group.wakeWaiting() }
            state.replaced = []
            for group in state.classes.values where group.hasWaiting { _ = group.advance() }
        }
    }

    /// Tells every stream that the server goes away; they end once they have sent what they had begun.
    func drain() { state.withLock { $0.ending = ("drain", .draining) } }

    /// Tells every stream that nothing will become durable any more; they end.
    func fail(_ why: String) { state.withLock { $0.ending = ("error", .storeFailed(why)) } }

    fileprivate func fill(_ feed: EventFeed, _ output: inout StreamOutput, _ now: UInt64) -> FillResult {
        state.withLock { state in
            if let (event, problem) = state.ending {
                output.append { feed.encoder.end(event, problem, into: &$0) }
                return .end
            }
            switch feed.phase {
            case .backOff(let until) where now >= until: restart(feed, &state) { .replay(ReplayRows($0, $1)) }
            case .owing(let old, let summaries, let round):
                restart(feed, &state) { new, filter in
                    .difference(ReplayDifference(from: old, to: new, filter, summaries, round: round))
                }
            default: break
            }
            let result = feed.fill(&output, now: now, plane.log)
            if feed.hasMissedDigest {
                feed.hasMissedDigest = false
                if feed.group.needsWalk { walk(feed.group) }
            }
            state.awaitIfNeeded(feed)
            return result
        }
    }

    /// A class again, and what leads to the state as it is now.
    private func restart(
        _ feed: EventFeed, _ state: inout State, _ next: (Snapshot, EventFilter) -> EventFeed.Phase
    ) {
        let snapshot = plane.snapshot()
        guard
            let group = state.enter(
                feed.request.filter, orMake: { makeClass(feed.request.filter, snapshot, latest: snapshot.sequence) },
                self)
        else { return feed.leave(.ending(.tooManyFilters(maximumFilters))) }
        state.exit(feed.group)
        let position = max(snapshot.sequence, group.position)
        feed.devices = snapshot.devices
        feed.restart(in: group, .awaiting(position, then: next(snapshot, feed.request.filter)))
    }

    fileprivate func close(_ feed: EventFeed) {
        state.withLock { state in
            guard state.feeds.removeValue(forKey: ObjectIdentifier(feed)) != nil else { return }
            feed.leave(.ended)
            state.exit(feed.group)
            if feed.awaitsDurable { state.awaiting.removeAll { $0 === feed } }
        }
    }
}

extension EventHub.State {
    /// The class of a filter, if there is one that the log still reaches.
    func usableClass(_ filter: EventFilter, _ plane: ControlPlane) -> EventClass? {
        guard let group = classes[filter], !group.isLost, group.position >= plane.log.mark.floor else { return nil }
        return group
    }

    /// Nil if there are too many filters, all in use.
    mutating func enter(_ filter: EventFilter, orMake make: () -> EventClass, _ hub: EventHub) -> EventClass? {
        clock += 1
        if usableClass(filter, hub.plane) == nil {
            if classes[filter] == nil, classes.count >= hub.maximumFilters, !evictOne() { return nil }
            if let passed = classes[filter] { replaced.append(passed) }
            classes[filter] = make()
        }
        guard let group = classes[filter] else { return nil }
        group.feeds += 1
        group.lastUse = clock
        return group
    }

    mutating func exit(_ group: EventClass) { group.feeds -= 1 }

    mutating func awaitIfNeeded(_ feed: EventFeed) {
        guard case .awaiting = feed.phase, !feed.awaitsDurable else { return }
        feed.awaitsDurable = true
        awaiting.append(feed)
    }

    mutating func wakeAwaiting(_ durable: ChangeSequence) {
        guard !awaiting.isEmpty else { return }
        awaiting.removeAll { feed in
            if case .awaiting(let sequence, _) = feed.phase, sequence > durable { return false }
            feed.awaitsDurable = false
            feed.stream?.schedule()
            return true
        }
    }

    private mutating func evictOne() -> Bool {
        let unused = classes.values.filter { $0.feeds == 0 }.min { $0.lastUse < $1.lastUse }
        guard let unused else { return false }
        classes[unused.filter] = nil
        return true
    }

    /// Lets go of frames that the log has passed, when it has moved: a client that is so far behind starts anew.
    mutating func overflowThoseBehind(_ floor: ChangeSequence) {
        guard floor > lastFloor else { return }
        lastFloor = floor
        for feed in feeds.values {
            guard let position = feed.position, position < floor, !feed.isWaiting else { continue }
            feed.leave(.overflowed)
            feed.stream?.schedule()
        }
    }
}

/// A feed as the server sees it.
private final class EventConnection: EventSource {
    private let hub: EventHub
    private let feed: EventFeed

    init(hub: EventHub, feed: EventFeed) {
        self.hub = hub
        self.feed = feed
    }

    // Also for a connection that was gone before its stream was opened.
    deinit { hub.close(feed) }

    func opened(_ stream: EventStream) { hub.state.withLock { _ in feed.stream = stream } }
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult { hub.fill(feed, &output, now) }
    func closed() { hub.close(feed) }
}
