internal import Glibc
internal import Synchronization
internal import Threads

/// Serves all event streams. It asks their sources for frames and hands these to the transports, which get them to the
/// clients; by far the most go straight to sockets.
///
/// An event costs what its bytes cost, and one system call serves all the events of a stream's turn. Streams with
/// something new go first; those with a long way to go (replays) share what is left, a turn each.
///
/// The stream thread, which `run` occupies, makes turn after turn and sleeps in between. While it sleeps, a thread that
/// brings news may make one in its place (`StreamLoop+Lending`).
///
/// SAFETY: what is mutable is touched only by who holds `turn`; other threads reach the loop through `commands`, `wakeState`
/// and `wakeNotes`.
@safe public final class StreamLoop: @unchecked Sendable {
    struct Settings: Sendable {
        var sendBufferBytes: Int
        var timeoutNanoseconds: UInt64
    }

    enum Command: Sendable {
        case open(ExchangeID, any StreamTransport, source: (any EventSource)?, head: [UInt8])
        /// The transport of this stream has room again.
        case writable(ExchangeID)
        /// The client of this stream has gone, or has got everything.
        case left(ExchangeID)
        case closeAll
        case stop
    }

    /// Of the stream thread, which falls asleep and awakes only while it holds the turn.
    private enum WakeState {
        static let awake = 0
        static let wakeRequested = 1
        static let asleep = 2
    }

    private static let wakeupTag = UInt64.max

    // A leaf: protects the queue for the time of an append. Bounded by the number of connections.
    private let commands = Locked<[Command]>([], rank: .leaf)
    private let wakeState = Atomic<Int>(WakeState.awake)
    private let wakeup: Wakeup
    let onWake: @Sendable () -> Void
    let wakeNotes = WakeNotes()
    let poll: Poll
    let settings: Settings
    let mailbox: Mailbox

    let turn = StreamTurn()

    // Of the holder of the turn.
    /// CLOCK_MONOTONIC, ns, at the start of this turn: read once for all streams that it serves.
    var now = monotonicNow()
    var streams: [UInt64: EventStream] = [:]
    /// Have something new, or may have.
    var live: [EventStream] = []
    /// Have more to send than one turn takes: those that have begun with it, which share the turns, and those that wait until few
    /// of them are left. Served all at once, each would take as long as all together.
    var bulk = StreamQueue()
    var bulkWaiting = StreamQueue()
    var bulkTurns = 0
    var timers = StreamTimers()
    /// What the event thread is to send for us. It is told once a turn: libmicrohttpd walks through all suspended
    /// connections each time that some are resumed.
    var readyToSend: [ExchangeID] = []
    /// When the stream thread will look at the timers again by itself.
    private(set) var wakesAt: UInt64 = 0
    private var isStopping = false

    init(settings: Settings, mailbox: Mailbox, onWake: @escaping @Sendable () -> Void) throws(HTTPServerError) {
        self.settings = settings
        self.mailbox = mailbox
        self.onWake = onWake
        wakeup = try Wakeup()
        poll = try Poll()
        try wakeup.register(in: poll, tag: StreamLoop.wakeupTag)
    }

    /// Has `onWake` called soon, by who holds the turn then; calls meanwhile count as one. Any thread, under any lock: one
    /// atomic operation, and a system call only if the stream thread sleeps; on the event thread, a note.
    public func wake() {
        if !wakeNotes.note() { signal() }
    }

    /// Has the stream thread make a turn. What the caller did before, that turn sees: its exchange of the state reads this
    /// one's or a later one's.
    func signal() {
        let previous = wakeState.exchange(WakeState.wakeRequested, ordering: .acquiringAndReleasing)
        if previous == WakeState.asleep { wakeup.signal() }
    }

    func post(_ command: Command) {
        commands.withLock { $0.append(command) }
        signal()
    }

    // MARK: The stream thread

    func run() {
        var events: [Poll.Event] = []
        while let timeout = turn.take({ makeTurn(events) }) {
            events.removeAll(keepingCapacity: true)
            poll.wait(timeoutMilliseconds: timeout, into: &events)
        }
    }

    /// How long to wait for the next turn, in milliseconds; nil if there is none.
    private func makeTurn(_ events: [Poll.Event]) -> Int32? {
        now = monotonicNow()
        for event in events { handle(event) }
        let previous = wakeState.exchange(WakeState.awake, ordering: .acquiringAndReleasing)
        if previous == WakeState.wakeRequested {
            takeCommands()
            onWake()
        }
        if isStopping, streams.isEmpty { return nil }
        while let due = timers.popDue(now: now) { deadlinePassed(due) }
        let began = monotonicNow()
        serveLive()
        serveBulk(after: began)
        tellEventThread()
        return timeToSleep()
    }

    /// May be out of date at once, unless the turn is held.
    var isAsleep: Bool { wakeState.load(ordering: .relaxed) == WakeState.asleep }

    var isWakeRequested: Bool { wakeState.load(ordering: .relaxed) == WakeState.wakeRequested }

    private func takeCommands() {
        let taken = commands.withLock { commands in
            defer { commands.removeAll() }
            return commands
        }
        for command in taken {
            switch command {
            case .open(let exchange, let transport, let source, let head): open(exchange, transport, source, head)
            case .writable(let exchange): streams[exchange.rawValue].map(becameWritable)
            case .left(let exchange): streams[exchange.rawValue].map(close)
            case .closeAll: for stream in Array(streams.values) { close(stream) }
            case .stop: isStopping = true
            }
        }
    }

    private func handle(_ event: Poll.Event) {
        if event.tag == StreamLoop.wakeupTag { return wakeup.clear() }
        // A turn that came between may have closed it.
        guard let stream = streams[event.tag] else { return }
        stream.transport?.handle(event)
        if event.isPeerClosed { return close(stream) }
        if event.isWritable { becameWritable(stream) }
    }

    func tellEventThread() {
        guard !readyToSend.isEmpty else { return }
        mailbox.post(.streamsReady(readyToSend))
        readyToSend = []
    }

    private func timeToSleep() -> Int32 {
        wakesAt = timers.next
        guard live.isEmpty, bulk.isEmpty, bulkWaiting.isEmpty else { return 0 }
        let timeout = wakesAt == .max ? -1 : milliseconds(from: monotonicNow(), until: wakesAt)
        guard timeout != 0 else { return 0 }
        // Fails if someone asked to be heard meanwhile; then there is no sleep.
        let (sleeps, _) = wakeState.compareExchange(
            expected: WakeState.awake, desired: WakeState.asleep, ordering: .acquiringAndReleasing)
        return sleeps ? timeout : 0
    }
}
