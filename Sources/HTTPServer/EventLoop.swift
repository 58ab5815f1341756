internal import Synchronization
internal import Threads

/// The event thread: drives the daemons and holds every open request. Only this thread touches libmicrohttpd.
///
/// Its own epoll watches the daemons' epoll descriptors and the mailbox, instead of a thread of libmicrohttpd: that one
/// goes silent in 0.9.75 when exactly 128, 256, … connections are ready at once.
///
/// SAFETY: made by the thread that starts the server, then used by the event thread alone, which `run` occupies; starting
/// that thread orders the two.
final class EventLoop: @unchecked Sendable {
    private static let mailboxTag = UInt64.max
    /// With more in one turn, this thread has enough to do, and leaves the streams to theirs.
    private static let fewRequests = 4

    let application: any HTTPApplication
    let settings: HTTPDaemon.Configuration
    let counters: Counters
    let workers: Workers
    let mailbox: Mailbox
    let streams: StreamLoop

    /// CLOCK_MONOTONIC at the start of this turn, ns.
    private(set) var now = monotonicNow()
    private let poll: Poll
    private var daemons: [Daemon] = []
    var watch: ConnectionWatch
    private var lastExchange: UInt64 = 0
    private var requestsOfTurn = 0
    /// Requests from the end of their header to the last byte of their answer, streams included.
    private var openExchanges = 0
    /// Sockets that the stream thread has taken from their connections.
    var takenSockets: TakenSockets
    /// Streams that are sent through libmicrohttpd.
    var callbackStreams: [ExchangeID: CallbackStream] = [:]
    var suspended: [ExchangeID: Exchange] = [:]
    var held = HeldAnswers()
    var awaited = AwaitedAnswers()
    /// No mark will be reached any more.
    var givesUpHeld = false
    /// A closed connection may let libmicrohttpd listen again, which it does only when it is run once more.
    private var hasClosedConnections = false
    private(set) var drainDeadline: UInt64?
    /// Past the deadline: what doesn't wait for a worker's answer is closed.
    private(set) var isCutting = false

    init(
        application: any HTTPApplication, settings: HTTPDaemon.Configuration, counters: Counters, workers: Workers,
        mailbox: Mailbox, streams: StreamLoop
    ) throws(HTTPServerError) {
        self.application = application
        self.settings = settings
        self.counters = counters
        self.workers = workers
        self.mailbox = mailbox
        self.streams = streams
        watch = ConnectionWatch(headerSeconds: settings.idleTimeoutSeconds)
        takenSockets = try TakenSockets()
        poll = try Poll()
        try mailbox.register(in: poll, tag: EventLoop.mailboxTag)
    }

    /// Before `run`. Takes over the socket.
    func serve(_ listener: Int32, at address: ListenAddress, limit: Int) throws(HTTPServerError) {
        let daemon = try Daemon(listener: listener, address: address, limit: limit, settings: settings, loop: self)
        daemons.append(daemon)
        try poll.addReadable(daemon.pollDescriptor, tag: UInt64(daemons.count))
    }

    /// After `serve` and instead of `run`, when starting failed half-way.
    func abandon() { stopDaemons() }

    var isDraining: Bool { drainDeadline != nil }

    // MARK: The event thread

    func run() {
        var events: [Poll.Event] = []
        var messages: [Message] = []
        streams.wakeNotes.open()
        defer { streams.wakeNotes.close() }
        while !isDone {
            poll.wait(timeoutMilliseconds: timeout(), into: &events)
            now = monotonicNow()
            requestsOfTurn = 0
            if events.contains(where: { $0.tag == EventLoop.mailboxTag }) {
                mailbox.take(&messages)
                for message in messages { handle(message) }
                messages.removeAll(keepingCapacity: true)
            }
            events.removeAll(keepingCapacity: true)
            answerLate(now: givesUpHeld || isCutting ? .max : now)
            // Also when only messages came: what they resumed shows in no descriptor and in no timeout.
            runDaemons()
            streams.settleWakes(lends: requestsOfTurn <= EventLoop.fewRequests)
            watch.endTurn(now: now)
            if let deadline = drainDeadline, deadline <= now, !isCutting {
                cut()
                runDaemons()
            }
        }
        // What was just answered goes out as far as the clients take it at once: each run is one write a connection.
        if isCutting { for _ in 0..<16 { runDaemons() } }
        stopDaemons()
    }

    private func runDaemons() {
        for daemon in daemons { daemon.run() }
        while hasClosedConnections {
            hasClosedConnections = false
            for daemon in daemons { daemon.run() }
        }
    }

    private func timeout() -> Int32 {
        var shortest = UInt64(
            milliseconds(
                from: now, until: min(watch.nextSweep, drainDeadline ?? .max, held.nextSweep, awaited.nextSweep)))
        // Past the deadline only messages matter.
        if isCutting { shortest = 1_000 }
        for daemon in daemons { shortest = min(shortest, daemon.timeoutMilliseconds ?? shortest) }
        return Int32(clamping: shortest)
    }

    private var isDone: Bool {
        guard isDraining else { return false }
        guard !holdsStreams else { return false }
        return isCutting ? suspended.isEmpty : openExchanges == 0
    }

    private func stopDaemons() {
        for daemon in daemons { daemon.stop() }
        daemons.removeAll()
    }

    // MARK: Messages

    private func handle(_ message: Message) {
        switch message {
        case .answered(let id, let answer): resume(id) { $0.phase = .answered(answer) }
        case .given(let id, let answer): if awaited.remove(id) { resume(id) { $0.phase = .answered(answer) } }
        case .produced(let id, let piece, let more): resume(id) { $0.producedBody?.received(piece, more: more) }
        case .roomForBody(let id): resume(id) { _ in }
        case .socketTaken(let id): resume(id) { $0.phase = .over }
        case .socketClosed(let isEventStream):
            takenSockets.closed(isEventStream: isEventStream)
            countConnections()
        case .streamsReady(let ids): resumeStreams(ids)
        case .streamCut(let id): callbackStreams[id]?.cut()
        case .released: release(upTo: mailbox.releasedMark)
        case .heldGivenUp: givesUpHeld = true
        case .drain(let deadline):
            drainDeadline = min(deadline, drainDeadline ?? .max)
            for daemon in daemons { daemon.stopListening() }
        }
    }

    /// Everything ends now, but for requests that a worker is busy with: their thread must be waited for anyway.
    private func cut() {
        isCutting = true
        streams.post(.closeAll)
        answerLate(now: .max)
        for (id, exchange) in suspended {
            switch exchange.phase {
            case .working, .streaming, .answered: break
            default: resume(id) { self.abandon($0) }
            }
        }
    }
}

extension EventLoop {
    func suspend(_ exchange: Exchange) {
        guard !exchange.isSuspended else { return }
        exchange.isSuspended = true
        suspended[exchange.id] = exchange
        counters.suspended.store(suspended.count, ordering: .relaxed)
        ResponseQueue.suspend(exchange.connection)
    }

    /// Does nothing if the request is not suspended (any more).
    func resume(_ id: ExchangeID, _ change: (Exchange) -> Void) {
        guard let exchange = suspended.removeValue(forKey: id) else { return }
        counters.suspended.store(suspended.count, ordering: .relaxed)
        exchange.isSuspended = false
        change(exchange)
        ResponseQueue.resume(exchange.connection)
    }

    // MARK: What libmicrohttpd reports

    func opened(_ connection: Connection) {
        watch.opened(connection, now: now)
        countConnections()
        let beyond = watch.count + takenSockets.count - settings.maxConnections
        connection.isReserved = beyond > 0
        // libmicrohttpd counts only its own.
        if beyond > settings.reservedConnections { connection.breakOff() }
    }

    /// Whether the connection is one that is there for essential requests alone.
    func isReserved(_ connection: Connection) -> Bool {
        if connection.isReserved, watch.count + takenSockets.count <= settings.maxConnections {
            connection.isReserved = false
        }
        return connection.isReserved
    }

    func closed(_ connection: Connection) {
        watch.closed(connection)
        countConnections()
        hasClosedConnections = true
    }

    func countConnections() {
        counters.connections.store(watch.count + takenSockets.count, ordering: .relaxed)
        counters.streams.store(openStreams, ordering: .relaxed)
        // See `HTTPDaemon.hasStreams`.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    /// The request line is there.
    func started(on connection: Connection, target: String) -> Exchange {
        lastExchange += 1
        return Exchange(ExchangeID(rawValue: lastExchange), connection, target: target)
    }

    /// The header is complete.
    func headerComplete(_ exchange: Exchange) {
        exchange.connection.awaitsHeaderSince = nil
        openExchanges += 1
        requestsOfTurn += 1
        counters.requests.wrappingAdd(1, ordering: .relaxed)
    }

    /// The answer is out, or the connection is gone.
    func completed(_ exchange: Exchange) {
        if case .header = exchange.phase { return }
        openExchanges -= 1
        endStream(exchange.id)
        exchange.connection.awaitsHeaderSince = now
        abandon(exchange)
    }

    /// Tells those who still wait for this request that nothing more comes.
    func abandon(_ exchange: Exchange) {
        if case .consuming(let lane) = exchange.phase { lane.end(.cut) }
        if case .header = exchange.phase { return }
        exchange.phase = .over
    }
}
