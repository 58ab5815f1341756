internal import Glibc
internal import Synchronization
internal import Threads

/// The stream thread: serves all event streams. It asks their sources for frames and hands these to the transports, which
/// get them to the clients; by far the most go straight to sockets.
///
/// An event costs what its bytes cost, and one system call serves all the events of a stream's turn. Streams with
/// something new go first; those with a long way to go (replays) share what is left, a turn each.
///
/// SAFETY: what is mutable is touched by the stream thread alone, which `run` occupies; other threads reach the loop
/// through `commands` and `wakeState` only.
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
    private let onWake: @Sendable () -> Void
    private let thread = Atomic<UInt>(0)
    let poll: Poll
    let settings: Settings
    let mailbox: Mailbox

    // Of the stream thread.
    /// CLOCK_MONOTONIC, ns, at the start of this turn: read once for all streams that it serves.
    var now = monotonicNow()
    var streams: [UInt64: EventStream] = [:]
    /// Have something new, or may have.
    var live: [EventStream] = []
    /// Have more to send than one turn takes.
    var bulk = StreamQueue()
    var timers = StreamTimers()
    /// What the event thread is to send for us. It is told once a turn: libmicrohttpd walks through all suspended
    /// connections each time that some are resumed.
    var readyToSend: [ExchangeID] = []
    private var isStopping = false

    init(settings: Settings, mailbox: Mailbox, onWake: @escaping @Sendable () -> Void) throws(HTTPServerError) {
        self.settings = settings
        self.mailbox = mailbox
        self.onWake = onWake
        wakeup = try Wakeup()
        poll = try Poll()
        try wakeup.register(in: poll, tag: StreamLoop.wakeupTag)
    }

    /// Has `onWake` called soon on the stream thread; calls meanwhile count as one. Any thread, under any lock: one
    /// atomic operation, and a system call only if the stream thread sleeps.
    public func wake() {
        let previous = wakeState.exchange(WakeState.wakeRequested, ordering: .acquiringAndReleasing)
        if previous == WakeState.asleep { wakeup.signal() }
    }

    func post(_ command: Command) {
        commands.withLock { $0.append(command) }
        wake()
    }

    // MARK: The stream thread

    func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        var events: [Poll.Event] = []
        while true {
            now = monotonicNow()
            let previous = wakeState.exchange(WakeState.awake, ordering: .acquiringAndReleasing)
            if previous == WakeState.wakeRequested {
                takeCommands()
                onWake()
            }
            if isStopping, streams.isEmpty { return }
            while let due = timers.popDue(now: now) { deadlinePassed(due) }
            serveLive()
            serveBulk()
            if !readyToSend.isEmpty {
                mailbox.post(.streamsReady(readyToSend))
                readyToSend = []
            }
            wait(&events)
            for event in events { handle(event) }
            events.removeAll(keepingCapacity: true)
        }
    }

    var isOnThread: Bool { UInt(pthread_self()) == thread.load(ordering: .relaxed) }

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

    private func wait(_ events: inout [Poll.Event]) {
        var timeout: Int32 = 0
        if live.isEmpty, bulk.isEmpty {
            let next = timers.next
            timeout = next == .max ? -1 : milliseconds(from: monotonicNow(), until: next)
        }
        if timeout != 0 {
            // Fails if someone asked to be heard meanwhile; then there is no sleep.
            let (slept, _) = wakeState.compareExchange(
                expected: WakeState.awake, desired: WakeState.asleep, ordering: .acquiringAndReleasing)
            if !slept { timeout = 0 }
        }
        poll.wait(timeoutMilliseconds: timeout, into: &events)
    }

    private func handle(_ event: Poll.Event) {
        if event.tag == StreamLoop.wakeupTag { return wakeup.clear() }
        guard let stream = streams[event.tag] else { return }
        stream.transport?.handle(event)
        if event.isPeerClosed { return close(stream) }
        if event.isWritable { becameWritable(stream) }
    }
}
