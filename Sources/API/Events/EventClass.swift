internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// All streams with the same filter: one position in the log, one digest, one chain of encoded frames a format.
///
/// It moves forward when a stream that has sent everything asks for more, so the fastest stream drives it and the others
/// find the frames ready. Touched only under the hub's lock.
final class EventClass {
    let filter: EventFilter
    let epoch: String
    let encoders: [EventEncoder]
    let writer = EntryWriter()
    /// Looked at for every change, and not that cheap to find out.
    private let wantsHardware: Bool
    private let lanes: LogLanes
    private let log: Log<Change>
    /// Every change up to here is in the digest, and in the chains where someone reads them.
    private(set) var position: ChangeSequence
    /// The number of the latest change up to `position` that the filter selects.
    private(set) var latest: ChangeSequence
    /// The state that the filter selects at `position`.
    private(set) var summaries: KindSummaries
    /// What hardware makes of it, if the filter is told all of that; and the devices that there are at `position`.
    private(set) var hardware: HardwareDigest
    private(set) var context: RowContext
    private var devices: Devices { context.devices }
    /// Someone walks over all routes to know what hardware makes of them.
    var isBeingWalked = false
    /// The last link of each format's chain; streams that have sent it are up to date with `position`.
    private(set) var tails: [FrameChunk]
    /// Streams that read the chain, by format. Nothing is encoded where there are none.
    private var readers: [Int]
    /// Feeds that belong to it. A class without any stays for a while: its digest and `latest` are still good.
    var feeds = 0
    /// When it was last entered; the longest unused is dropped first.
    var lastUse: UInt64 = 0
    /// Feeds that have sent everything.
    private var waiting: [EventFeed] = []
    /// The log went on without it.
    private(set) var isLost = false

    /// Bytes of frames that one step makes at most, and changes that it looks at, by and large: others wait meanwhile.
    static var stepBytes: Int { 128 << 10 }
    static var stepChanges: Int { 4_096 }

    init(
        _ filter: EventFilter, epoch: String, at snapshot: Snapshot, _ summaries: KindSummaries,
        latest: ChangeSequence, log: Log<Change>
    ) {
        hardware = HardwareDigest(of: snapshot, filter, summaries)
        context = snapshot.context
        wantsHardware = filter.tellsHardware
        lanes = filter.lanes
        self.filter = filter
        self.epoch = epoch
        self.log = log
        self.summaries = summaries
        self.latest = latest
        position = snapshot.sequence
        encoders = EventFormat.allCases.map { EventEncoder($0, epoch: epoch, filter) }
        tails = EventFormat.allCases.map { _ in FrameChunk([], last: snapshot.sequence, log: log) }
        readers = EventFormat.allCases.map { _ in 0 }
    }

    func addReader(_ format: EventFormat) -> FrameChunk {
        // The chain was not kept up while no one read it: it starts anew here.
        if readers[format.rawValue] == 0 { tails[format.rawValue] = FrameChunk([], last: position, log: log) }
        readers[format.rawValue] += 1
        return tails[format.rawValue]
    }

    func wait(_ feed: EventFeed) {
        guard !feed.isWaiting else { return }
        feed.isWaiting = true
        waiting.append(feed)
    }

    /// Lets the feeds that were waiting have a turn.
    func wakeWaiting() {
        for feed in waiting {
            feed.isWaiting = false
            feed.stream?.schedule()
        }
        waiting.removeAll(keepingCapacity: true)
    }

    /// Whether some feed has sent everything.
    var hasWaiting: Bool { !waiting.isEmpty }

    func stopWaiting(_ feed: EventFeed) {
        guard feed.isWaiting else { return }
        feed.isWaiting = false
        waiting.removeAll { $0 === feed }
    }

    func removeReader(_ format: EventFormat) { readers[format.rawValue] -= 1 }

    enum Step {
        case upToDate, moved
        /// The log no longer reaches back to `position`: the class is of no further use.
        case lost
    }

    /// Takes in the changes that have come since, up to about one step's worth of frames. It never stops inside a
    /// transaction, of which a stream shows all or nothing: a sync may be sent wherever the class stands.
    ///
    /// Whoever waits is woken by it, whether it was the wake of the change that brought it about or another stream that
    /// came upon the change first. In a turn of the streams.
    func advance() -> Step {
        // So it goes for all streams of the class but the first: nothing is allocated for them.
        guard position < log.durable else { return .upToDate }
        writer.use(context)
        var frames: [[UInt8]] = encoders.map { _ in [] }
        // Of each format, how much is of changes that the log keeps aside.
        var aside: [Int] = encoders.map { _ in 0 }
        var transaction: ChangeSequence?
        var seen = 0
        // Looking at the mark takes no lock; reading does, and it is the writers' lock.
        reading: while position < log.durable {
            guard let run = log.readDurable(after: position, lanes) else {
                isLost = true
                wakeWaiting()
                return .lost
            }
            for change in run {
                let isWithin = transaction != nil && change.batch?.transaction == transaction
                let isEnough = seen >= Self.stepChanges || frames.contains { $0.count >= Self.stepBytes }
                if isEnough, !isWithin { break reading }
                seen += 1
                transaction = change.batch?.transaction
                if change.isKeptAside { for format in frames.indices { aside[format] -= frames[format].count } }
                take(change, &frames)
                if change.isKeptAside { for format in frames.indices { aside[format] += frames[format].count } }
                position = change.sequence
            }
            position = run.end
        }
        var hasFrames = false
        for format in EventFormat.allCases where !frames[format.rawValue].isEmpty {
            hasFrames = true
            let chunk = FrameChunk(
                frames[format.rawValue], last: position, log: log, aside: aside[format.rawValue])
            tails[format.rawValue].append(chunk)
            tails[format.rawValue] = chunk
        }
        // A step is bounded; if changes are left, a feed that is woken for nothing makes the next one.
        if hasFrames || position < log.durable { wakeWaiting() }
        return .moved
    }

    private func take(_ change: Change, _ frames: inout [[UInt8]]) {
        hardware.reach(change.sequence)
        if context.follow(change) {
            writer.use(context)
            if change.operation == .restart { hardware.forget() }
        }
        if change.operation == .notice { return take(notice: change, &frames) }
        guard let selected = filter.select(change) else { return }
        for format in readers.indices where readers[format] > 0 {
            encoders[format].delta(change, selected, previous: latest, writer, into: &frames[format])
        }
        summaries.apply(selected)
        if tellsHardware { hardware.apply(selected, devices) }
        latest = change.sequence
    }

    /// It is no change of the state, and has no place in the order that `prev` tells.
    private func take(notice change: Change, _ frames: inout [[UInt8]]) {
        guard case .notice(let notice) = change.object, filter.selects(notice) else { return }
        for format in readers.indices where readers[format] > 0 {
            encoders[format].notice(notice, writer, into: &frames[format])
        }
    }

    /// What hardware makes of the state at `position`; nil while that isn't known or isn't told, and
    /// without devices.
    func hardwareDigest() -> StateDigest? { tellsHardware ? hardware.value(at: position) : nil }

    /// Whether there is anything to know.
    var tellsHardware: Bool { wantsHardware && !devices.isEmpty }

    // MARK: Knowing it anew

    /// Whether someone should walk over a snapshot of now.
    var needsWalk: Bool { tellsHardware && hardwareDigest() == nil && !isBeingWalked && !isLost }

    /// False if the class is past that number already.
    func beginWalk(at sequence: ChangeSequence) -> Bool {
        guard position <= sequence else { return false }
        isBeingWalked = true
        hardware.mark(sequence)
        return true
    }

    func endWalk(at sequence: ChangeSequence, _ sum: StateDigest) {
        isBeingWalked = false
        hardware.adopt(sum, at: sequence)
    }
}

extension KindSummaries {
    mutating func apply(_ change: SelectedChange) {
        if let old = change.old { self[old.kind].remove(old.hash) }
        if let new = change.new { self[new.kind].add(new.hash) }
    }
}
