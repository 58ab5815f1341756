internal import ChangeLog
internal import Compression
internal import ControlPlane

/// Reads the log for all classes of streams, each change once, and takes it to the classes that may select it: a change costs
/// those nothing that it isn't for, however many they are.
///
/// It moves forward when a stream that has sent everything asks for more, or when a wake finds that someone waits; so the fastest
/// stream drives it, and the others find their frames ready.
///
/// SAFETY: touched only under the hub's lock. Classes that are made without carry the reference.
final class EventReader: @unchecked Sendable {
    /// Every change up to here is in the digests of all classes, and in the chains where someone reads them.
    private(set) var position = ChangeSequence.zero
    /// What rows say besides entries, as of `position`.
    private(set) var context = RowContext()
    private let writer = EntryWriter()
    /// What feeds write by themselves: they have contexts of their own.
    let feedWriter = EntryWriter()
    let deflater = Deflater()
    private let log: Log<Change>
    let pace: StreamPace
    private var index = EventFilterIndex()
    /// By the numbers that the index has for them; nil where one is free.
    private var classes: [EventClass?] = []
    private var free: [Int] = []
    /// How many of them want changes that the log keeps aside.
    private var asideCount = 0
    /// How many clients were told to begin anew.
    var resets: UInt64 = 0
    /// Feeds that wait for something new, of all classes.
    var waitingCount = 0
    /// Below which number no feed is that has something to send.
    private(set) var leastBehind = (main: ChangeSequence.max, all: ChangeSequence.max)
    /// Classes that this step has come to.
    private var touched: [EventClass] = []
    private var found: [Int] = []

    init(log: Log<Change>, pace: StreamPace = StreamPace()) {
        self.log = log
        self.pace = pace
    }

    // MARK: Classes

    /// Takes changes to it from now on. False if the log doesn't reach from where the class is to where the others are.
    func attach(_ group: EventClass) -> Bool {
        if free.count == classes.count {
            // No one was read for.
            (position, context) = (group.start, group.startContext)
        }
        guard catchUp(group) else { return false }
        let number = free.popLast() ?? classes.count
        if number == classes.count { classes.append(nil) }
        classes[number] = group
        group.number = number
        index.insert(group.filter, number)
        if group.lanes == .all { asideCount += 1 }
        return true
    }

    /// Brings a class to where the others are that is of a snapshot from before.
    private func catchUp(_ group: EventClass) -> Bool {
        var reached = group.start
        var context = group.startContext
        while reached < position {
            guard let run = log.read(after: reached, group.lanes) else { return false }
            for change in run where change.sequence <= position {
                _ = context.follow(change)
                group.take(change, context, writer)
            }
            reached = run.end
        }
        if group.start <= position { _ = group.endStep() }
        return true
    }

    func detach(_ group: EventClass) {
        guard let number = group.number else { return }
        group.number = nil
        index.remove(group.filter, number)
        classes[number] = nil
        free.append(number)
        if group.lanes == .all { asideCount -= 1 }
    }

    // MARK: Who is behind

    /// A feed with something to send stands there.
    func note(behind position: ChangeSequence, _ lanes: LogLanes) {
        if lanes == .main {
            leastBehind.main = min(leastBehind.main, position)
        } else {
            leastBehind.all = min(leastBehind.all, position)
        }
    }

    /// Whether the log may have passed a feed; then its owner looks at all of them, and notes anew where they stand.
    func takeIsBehind() -> Bool {
        guard leastBehind.main < log.floor(of: .main) || leastBehind.all < log.floor(of: .all) else { return false }
        leastBehind = (.max, .max)
        return true
    }

    // MARK: Reading

    /// Takes in the changes that have come since, up to about one step's worth of frames; false if there are none. It never stops
    /// inside a transaction, of which a stream shows all or nothing: a sync may be sent wherever a class stands.
    ///
    /// Whoever waits for what it has come upon is woken by it, whether it was the wake of the change that brought it about or another
    /// stream that came upon the change first. In a turn of the streams.
    func advance() -> Bool {
        // So it goes for all streams but the first: nothing is allocated for them.
        guard position < log.durable, free.count < classes.count else { return false }
        writer.use(context)
        var transaction: ChangeSequence?
        var (seen, bytes, largest) = (0, 0, 0)
        // Looking at the mark takes no lock; reading does, and it is the writers' lock.
        reading: while position < log.durable, let (run, limit) = nextRun() {
            for change in run where change.sequence <= limit {
                let isWithin = transaction != nil && change.batch?.transaction == transaction
                let isEnough =
                    seen >= pace.stepChanges || largest >= pace.stepBytes || bytes >= pace.stepTotalBytes
                if isEnough, !isWithin { break reading }
                seen += 1
                transaction = change.batch?.transaction
                if context.follow(change) { writer.use(context) }
                found.removeAll(keepingCapacity: true)
                index.find(change, into: &found)
                for number in found {
                    guard let group = classes[number] else { continue }
                    touch(group)
                    let before = group.pendingBytes
                    group.take(change, context, writer)
                    bytes += group.pendingBytes - before
                    largest = max(largest, group.pendingBytes)
                }
                position = change.sequence
            }
            position = min(run.end, limit)
        }
        endStep()
        return true
    }

    private func endStep() {
        for group in touched where !group.isLost && group.endStep() { group.wakeWaiting() }
        touched.removeAll(keepingCapacity: true)
    }

    private func touch(_ group: EventClass) {
        guard !group.isTouched else { return }
        group.isTouched = true
        touched.append(group)
    }

    /// The next changes, and up to which number they count; nil if the log no longer has what any class needs.
    private func nextRun() -> (LogRun<Change>, limit: ChangeSequence)? {
        while free.count < classes.count {
            let (lanes, limit) = nextLanes()
            if let run = log.readDurable(after: position, lanes) { return (run, limit) }
            lose { $0.start <= position && (lanes == .main || $0.lanes == .all) }
            // Those that are left are of a time from which the log still has everything.
            let next = classes.compactMap(\.self).min { $0.start < $1.start }
            guard lanes == .main, let next else { continue }
            (position, context) = (next.start, next.startContext)
            writer.use(context)
        }
        return nil
    }

    /// What the log keeps aside is read only while there is a class that needs it: one that has begun.
    private func nextLanes() -> (LogLanes, limit: ChangeSequence) {
        let end = ChangeSequence(rawValue: .max)
        if asideCount == 0 { return (.main, end) }
        let starts = classes.compactMap(\.self).filter { $0.lanes == .all }.map(\.start)
        if starts.contains(where: { $0 <= position }) { return (.all, end) }
        return (.main, starts.min() ?? end)
    }

    private func lose(where isLost: (EventClass) -> Bool) {
        for case let group? in classes where isLost(group) {
            group.lose()
            group.wakeWaiting()
        }
    }
}
