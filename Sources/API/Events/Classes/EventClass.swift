internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// All streams with the same filter: one digest, one `prev`, one chain of encoded frames a format. The reader of the log moves it.
/// Touched only under the hub's lock.
final class EventClass {
    let filter: EventFilter
    let epoch: String
    let encoders: [EventEncoder]
    let lanes: LogLanes
    /// Looked at for every change, and not that cheap to find out.
    private let wantsHardware: Bool
    private unowned let reader: EventReader
    private let log: Log<Change>
    /// As of which number it was made, and what rows say besides entries as of then.
    let start: ChangeSequence
    let startContext: RowContext
    /// What the reader's index has for it; nil while it isn't read for.
    var number: Int?
    /// The number of the latest change up to `position` that the filter selects.
    private(set) var latest: ChangeSequence
    /// The state that the filter selects at `position`.
    private(set) var summaries: KindSummaries
    /// What hardware makes of it, if the filter is told all of that.
    private(set) var hardware: HardwareDigest
    /// Someone walks over all routes to know what hardware makes of them.
    var isBeingWalked = false
    /// The chain of each format, and who reads it. Nothing is encoded where there is no one.
    private var chains: [FrameChain]
    /// The reader's step has come to it.
    var isTouched = false
    /// Feeds that belong to it. A class without any stays for a while: its digest and `latest` are still good.
    var feeds = 0
    /// When it was last entered; the longest unused is dropped first.
    var lastUse: UInt64 = 0
    /// Feeds that have sent everything.
    private var waiting: [EventFeed] = []
    /// Where it was when the log went on without it.
    private var lostAt: ChangeSequence?

    init(
        _ filter: EventFilter, epoch: String, at snapshot: Snapshot, _ summaries: KindSummaries,
        latest: ChangeSequence, _ reader: EventReader, _ log: Log<Change>
    ) {
        hardware = HardwareDigest(of: snapshot, filter, summaries)
        wantsHardware = filter.tellsHardware
        lanes = filter.lanes
        self.filter = filter
        self.epoch = epoch
        self.reader = reader
        self.log = log
        self.summaries = summaries
        self.latest = latest
        (start, startContext) = (snapshot.sequence, snapshot.context)
        encoders = EventFormat.allCases.map { EventEncoder($0, epoch: epoch, filter) }
        chains = EventFormat.allCases.map { _ in FrameChain() }
    }

    /// Every change up to here is in the digest, and in the chains where someone reads them.
    var position: ChangeSequence { lostAt ?? max(start, reader.position) }
    var isLost: Bool { lostAt != nil }
    var writer: EntryWriter { reader.feedWriter }
    var pace: StreamPace { reader.pace }
    private var devices: Devices { reader.position < start ? startContext.devices : reader.context.devices }

    // MARK: Feeds

    /// A client is told to begin anew.
    func countReset() { reader.resets += 1 }

    /// The link behind which what comes next will be.
    func addReader(_ wire: EventWire) -> FrameChunk {
        chains[wire.format.rawValue].addReader(compressed: wire.isCompressed)
    }

    func removeReader(_ wire: EventWire) {
        chains[wire.format.rawValue].removeReader(compressed: wire.isCompressed)
    }

    func wait(_ feed: EventFeed) {
        guard !feed.isWaiting else { return }
        feed.isWaiting = true
        waiting.append(feed)
        reader.waitingCount += 1
    }

    /// Lets the feeds that were waiting have a turn.
    func wakeWaiting() {
        for feed in waiting {
            feed.isWaiting = false
            feed.stream?.schedule()
            if let position = feed.position { reader.note(behind: position, lanes) }
        }
        reader.waitingCount -= waiting.count
        waiting.removeAll(keepingCapacity: true)
    }

    func stopWaiting(_ feed: EventFeed) {
        guard feed.isWaiting else { return }
        feed.isWaiting = false
        waiting.removeAll { $0 === feed }
        reader.waitingCount -= 1
    }

    enum Step {
        case upToDate, moved
        /// The log no longer reaches back to `position`: the class is of no further use.
        case lost
    }

    /// Has the reader take in more, if there is more.
    func advance() -> Step {
        if isLost { return .lost }
        let hasMoved = reader.advance()
        return isLost ? .lost : hasMoved ? .moved : .upToDate
    }

    /// It is read for no more, and who waits in it must be woken to find out.
    func lose() {
        lostAt = position
        reader.detach(self)
    }

    // MARK: Changes

    /// Bytes of frames that this step has made.
    var pendingBytes: Int { chains.reduce(0) { $0 + $1.pending.count } }

    /// A change that the filter may select.
    func take(_ change: Change, _ context: RowContext, _ writer: EntryWriter) {
        // Older than the class itself.
        guard change.sequence > start else { return }
        hardware.reach(change.sequence)
        if change.operation == .restart { hardware.forget() }
        if case .notice(let notice) = change.object { return take(notice, change, writer) }
        guard let selected = filter.select(change) else { return }
        for format in chains.indices where chains[format].hasReaders {
            chains[format].write(change) {
                encoders[format].delta(change, selected, previous: latest, writer, into: &$0)
            }
        }
        summaries.apply(selected)
        if wantsHardware, !context.devices.isEmpty { hardware.apply(selected, context.devices) }
        latest = change.sequence
    }

    /// It is no change of the state, and has no place in the order that `prev` tells.
    private func take(_ notice: Notice, _ change: Change, _ writer: EntryWriter) {
        guard filter.selects(notice) else { return }
        for format in chains.indices where chains[format].hasReaders {
            chains[format].write(change) { encoders[format].notice(notice, writer, into: &$0) }
        }
    }

    /// Puts what was made into the chains; false if that was nothing.
    func endStep() -> Bool {
        isTouched = false
        var hasFrames = false
        for format in chains.indices where !chains[format].pending.isEmpty {
            chains[format].endStep(log, reader.deflater)
            hasFrames = true
        }
        return hasFrames
    }

    // MARK: Hardware

    /// What hardware makes of the state at `position`; nil while that isn't known or isn't told, and
    /// without devices.
    func hardwareDigest() -> StateDigest? { tellsHardware ? hardware.value(at: position) : nil }

    /// Whether there is anything to know.
    var tellsHardware: Bool { wantsHardware && !devices.isEmpty }

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
