private import CMicrohttpd
internal import Glibc
internal import Synchronization
internal import Threads

/// The stream thread: writes event streams straight to the sockets of connections that libmicrohttpd has suspended.
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
        case open(socket: Int32, ExchangeID, source: (any EventSource)?, head: [UInt8])
        case closeAll
        case stop
    }

    private enum WakeState {
        static let awake = 0
        static let wakeRequested = 1
        static let asleep = 2
    }

    /// How long replays may go on before sockets and deadlines are looked at again.
    private static let bulkNanoseconds: UInt64 = 1_000_000
    private static let lingerNanoseconds: UInt64 = 2_000_000_000
    private static let wakeupTag = UInt64.max
    private static let discardBytes = 256 * 1024

    // A leaf: protects the queue for the time of an append. Bounded by the number of connections.
    private let commands = Locked<[Command]>([], rank: .leaf)
    private let wakeState = Atomic<Int>(WakeState.awake)
    private let wakeup: Wakeup
    private let poll: Poll
    private let settings: Settings
    private let mailbox: Mailbox
    private let onWake: @Sendable () -> Void
    private let thread = Atomic<UInt>(0)

    // Of the stream thread.
    private var streams: [UInt64: EventStream] = [:]
    private var lastID: UInt64 = 0
    private var live: [EventStream] = []
    private var bulk = StreamQueue()
    private var timers = StreamTimers()
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
            let previous = wakeState.exchange(WakeState.awake, ordering: .acquiringAndReleasing)
            if previous == WakeState.wakeRequested {
                takeCommands()
                onWake()
            }
            if isStopping, streams.isEmpty { return }
            while let due = timers.popDue(now: monotonicNow()) { deadlinePassed(due) }
            serveLive()
            serveBulk()
            wait(&events)
            for event in events { handle(event) }
            events.removeAll(keepingCapacity: true)
        }
    }

    func schedule(_ stream: EventStream) {
        precondition(UInt(pthread_self()) == thread.load(ordering: .relaxed), "schedule() outside the stream thread")
        guard !stream.isQueued, stream.stage != .closed else { return }
        // A blocked stream is served anyway once its socket has drained.
        guard !stream.isBlocked else { return }
        stream.isQueued = true
        if stream.isBulk { bulk.append(stream) } else { live.append(stream) }
    }

    private func takeCommands() {
        for command in commands.withLock({ commands in
            defer { commands.removeAll() }
            return commands
        }) {
            switch command {
            case .open(let socket, let exchange, let source, let head): open(socket, exchange, source, head)
            case .closeAll: for stream in Array(streams.values) { close(stream) }
            case .stop: isStopping = true
            }
        }
    }

    private func open(_ socket: Int32, _ exchange: ExchangeID, _ source: (any EventSource)?, _ head: [UInt8]) {
        lastID += 1
        let stream = EventStream(
            lastID, loop: self, socket: socket, exchange: exchange, source: source, head: head)
        streams[stream.id] = stream
        if source != nil {
            fibd_stream_prepare(
                socket, Int32(clamping: settings.sendBufferBytes),
                UInt32(clamping: settings.timeoutNanoseconds / 1_000_000))
        }
        source?.opened(stream)
        guard poll.addEdges(socket, tag: stream.id) else { return close(stream) }
        if stream.stage == .flushing { limitFlush(stream) }
        schedule(stream)
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
        // Whatever a client sends after its request is dropped, so that it can't hide the end of the connection.
        if event.isReadable, fibd_discard_input(stream.socket, StreamLoop.discardBytes) != 0 {
            poll.reportAgain(stream.socket, tag: stream.id)
        }
        if event.isPeerClosed { return close(stream) }
        guard event.isWritable, stream.isBlocked else { return }
        stream.isBlocked = false
        schedule(stream)
    }

    private func deadlinePassed(_ stream: EventStream) {
        switch stream.stage {
        case .open: schedule(stream)
        case .flushing, .lingering: close(stream)
        case .closed: break
        }
    }

    // MARK: Serving

    private func serveLive() {
        guard !live.isEmpty else { return }
        // What is scheduled meanwhile has its turn after the next look at the sockets.
        var turn: [EventStream] = []
        swap(&turn, &live)
        for stream in turn { serve(stream) }
        if live.isEmpty {
            turn.removeAll(keepingCapacity: true)
            swap(&turn, &live)
        }
    }

    private func serveBulk() {
        guard !bulk.isEmpty else { return }
        let end = monotonicNow() + StreamLoop.bulkNanoseconds
        repeat {
            guard let stream = bulk.popFirst() else { return }
            serve(stream)
        } while live.isEmpty && wakeState.load(ordering: .relaxed) == WakeState.awake && monotonicNow() < end
    }

    /// One turn: sends what is queued and lets the source add to it, until the client can take no more, the source has
    /// no more, or the turn is over.
    private func serve(_ stream: EventStream) {
        stream.isQueued = false
        guard stream.stage != .closed, stream.stage != .lingering, !stream.isBlocked else { return }
        guard var sent = flush(stream), !stream.isBlocked else { return }
        var left = StreamOutput.turnBytes - sent
        while stream.stage == .open {
            guard left > 0 else { return schedule(stream) }
            fill(stream)
            guard let more = flush(stream), !stream.isBlocked else { return }
            sent = more
            left -= sent
            guard stream.isBulk else { break }
            // A source that has more but appends nothing must not keep the others waiting.
            if sent == 0 { return schedule(stream) }
        }
        if stream.stage == .flushing { finish(stream) }
    }

    private func fill(_ stream: EventStream) {
        guard let source = stream.source else { return }
        let now = monotonicNow()
        switch source.fill(&stream.output, now: now) {
        case .more: stream.isBulk = true
        case .idle(let until):
            stream.isBulk = false
            timers.set(until, for: stream)
        case .end:
            stream.isBulk = false
            guard stream.stage == .open else { return }
            stream.stage = .flushing
            limitFlush(stream)
        }
    }

    /// Sends what the socket takes. The number of bytes; nil if the connection is gone and the stream closed.
    private func flush(_ stream: EventStream) -> Int? {
        var total = 0
        while stream.output.queuedBytes > 0 {
            let sent = stream.output.send(to: stream.socket)
            if sent == -EAGAIN {
                stream.isBlocked = true
                return total
            }
            guard sent > 0 else {
                close(stream)
                return nil
            }
            stream.output.drop(sent)
            total += sent
        }
        return total
    }
}

extension StreamLoop {
    /// A client that doesn't read what is left is given up.
    private func limitFlush(_ stream: EventStream) {
        timers.set(monotonicNow() + settings.timeoutNanoseconds, for: stream)
    }

    /// Everything is in the kernel's hands.
    private func finish(_ stream: EventStream) {
        guard stream.lingers else { return close(stream) }
        shutdown(stream.socket, Int32(SHUT_WR))
        stream.stage = .lingering
        timers.set(monotonicNow() + StreamLoop.lingerNanoseconds, for: stream)
    }

    private func close(_ stream: EventStream) {
        guard stream.stage != .closed else { return }
        stream.stage = .closed
        streams[stream.id] = nil
        stream.detach()
        poll.remove(stream.socket)
        // Unread input would turn the closing into a reset, which throws away what the client hasn't read yet.
        _ = fibd_discard_input(stream.socket, StreamLoop.discardBytes)
        shutdown(stream.socket, Int32(SHUT_RDWR))
        stream.output = StreamOutput()
        let source = stream.source
        stream.source = nil
        source?.closed()
        // Last: from here on the descriptor may be closed and its number used again.
        mailbox.post(.streamClosed(stream.exchange))
    }
}
