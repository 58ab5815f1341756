internal import ChangeLog
internal import Compression
internal import ControlPlane
internal import HTTPServer

/// One open event stream: where it stands and what comes next.
///
/// Order of frames: hello, then rows and sync (replay), or missed changes and sync (resume), or sync (live), then
/// changes as they come, with a sync as heartbeat.
///
/// SAFETY: touched only under the hub's lock. Its connection carries the reference without.
final class EventFeed: @unchecked Sendable {
    /// What is large stands behind a reference, since a live feed looks at its phase for every frame.
    enum Phase {
        indirect case hello(StreamStart, Snapshot)
        /// Waits until a snapshot is durable: no stream tells what a crash could take back.
        indirect case awaiting(ChangeSequence, then: Phase)
        indirect case replay(ReplayRows)
        /// The rows are out, and the log no longer reaches back to them: what has changed since is still owed. `round`
        /// counts how often that has happened.
        indirect case owing(Snapshot, KindSummaries, round: Int)
        indirect case difference(ReplayDifference)
        /// Waits until its class has come to the state that the hello named, then joins it with a sync.
        case joining(notBefore: ChangeSequence)
        /// Reads the log by itself, from `position` up to where its class is. `latest` is the number of the latest change
        /// up to there that the filter selects, once that was looked up. With `syncAt`, a sync is due once it is there and
        /// has sent every change up to that number.
        case catchUp(position: ChangeSequence, latest: ChangeSequence?, syncAt: ChangeSequence?)
        /// Reads the class's chain; has sent `sent`.
        case live(sent: FrameChunk)
        /// Its listener is registered for another filter now.
        indirect case refiltered(EventFilter)
        /// Fell behind the log.
        case overflowed
        /// Waits until it may begin anew (monotonic nanoseconds).
        case backOff(until: UInt64)
        /// Ends with an `error` that says this.
        indirect case ending(Problem)
        case ended
    }

    var request: EventRequest
    /// Of a listener: what is remembered of it.
    var session: ListenerSession?
    var phase: Phase
    /// Its class, entered for as long as the feed exists; another one after the class was lost.
    var group: EventClass
    var stream: EventStream?
    /// What rows say besides entries: as it was when it began, or began anew, and after each change of it that it has told since.
    private(set) var context: RowContext
    /// The number as of which it was; changes from before are history.
    private var contextAt: ChangeSequence
    /// A sync went out without what hardware makes of the routes, since no one knew.
    var hasMissedDigest = false
    /// In the hub's list of those whose snapshot isn't durable yet.
    var awaitsDurable = false
    /// In the class's list of those who wait for something new.
    var isWaiting = false
    /// Where its gzip stands, if it asked for that.
    var gzip: GzipFrame?
    var heartbeatAt: UInt64 = 0
    var resets = 0
    var lastResetAt: UInt64 = 0

    /// The number of the latest change, up to where the stream begins, that its filter selects; nil after a new start.
    private(set) var latestAtStart: ChangeSequence?

    init(
        _ request: EventRequest, _ start: StreamStart, _ snapshot: Snapshot, latest: ChangeSequence,
        _ group: EventClass
    ) {
        self.request = request
        self.group = group
        latestAtStart = latest
        if request.wire.isCompressed { gzip = GzipFrame() }
        (context, contextAt) = (snapshot.context, snapshot.sequence)
        // The class may have been made from a later snapshot, and with it everything up to there would be told.
        phase = .awaiting(max(snapshot.sequence, group.position), then: .hello(start, snapshot))
    }

    var epoch: String { group.epoch }
    var encoder: EventEncoder { group.encoders[request.wire.format.rawValue] }
    var heartbeatNanoseconds: UInt64 { UInt64(request.heartbeatSeconds) * 1_000_000_000 }

    /// Where the client will be when it has received what was sent; nil while that is not a place in the log.
    var position: ChangeSequence? {
        switch phase {
        case .catchUp(let position, _, _): position
        case .live(let sent): sent.next?.before ?? group.position
        case .hello, .awaiting, .replay, .owing, .difference, .joining, .refiltered, .overflowed, .backOff, .ending,
            .ended:
            nil
        }
    }

    func leave(_ next: Phase) {
        if case .live = phase { group.removeReader(request.wire) }
        group.stopWaiting(self)
        phase = next
    }

    /// Begins anew in another class, or the same, with what leads to the snapshot.
    func restart(in group: EventClass, _ snapshot: Snapshot, _ next: Phase) {
        leave(next)
        self.group = group
        (context, contextAt) = (snapshot.context, snapshot.sequence)
        latestAtStart = nil
    }

    /// Before it tells this change: whether rows say something else besides entries with it.
    func follow(_ change: Change) -> Bool { change.sequence > contextAt && context.follow(change) }
}
