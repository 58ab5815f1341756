private import CMicrohttpd

/// The event thread's part in event streams: it gives them to the stream thread, and sends those that are to go through
/// libmicrohttpd.
extension EventLoop {
    func stream(_ head: HTTPStreamHead, _ source: any EventSource, for exchange: Exchange) -> Bool {
        if exchange.isHead {
            handOver(exchange, nil, ResponseHead.stream(head.headers))
            return true
        }
        guard !isDraining else { return send(refusal(503, .stopping), for: exchange) }
        guard openStreams < settings.maxStreams else { return send(refusal(503, .tooManyStreams), for: exchange) }
        switch settings.streamSending {
        case .socket:
            handOver(exchange, source, ResponseHead.stream(head.headers))
            return true
        case .callback: return sendByCallback(exchange, source, head.headers)
        }
    }

    var openStreams: Int { takenSockets.streams + callbackStreams.count }

    /// Whether streams stand in the way of stopping: libmicrohttpd ends the process if a connection is suspended then.
    var holdsStreams: Bool {
        !takenSockets.isEmpty || isCutting && callbackStreams.values.contains { $0.isSuspended }
    }

    // MARK: Through libmicrohttpd

    private func sendByCallback(_ exchange: Exchange, _ source: any EventSource, _ headers: HTTPResponseHeaders) -> Bool
    {
        let stream = CallbackStream(exchange, loop: self)
        exchange.phase = .sending
        callbackStreams[exchange.id] = stream
        countConnections()
        streams.settings.prepare(exchange.connection.socket)
        streams.post(.open(exchange.id, stream.transport, source: source, head: []))
        if isCutting { streams.post(.closeAll) }
        return stream.queue(headers)
    }

    func resumeStreams(_ ready: [ExchangeID]) {
        for id in ready { callbackStreams[id]?.resume() }
    }

    /// Whatever the reason, libmicrohttpd is done with this request.
    func endStream(_ id: ExchangeID) {
        // Asked of every request, and mostly there is none.
        guard !callbackStreams.isEmpty, callbackStreams.removeValue(forKey: id) != nil else { return }
        countConnections()
        streams.post(.left(id))
    }

    // MARK: By their sockets

    /// Gives the socket to the stream thread, with what is to be sent: a stream, or an answer to a client that may still
    /// be sending its request. If the process may open nothing more, the connection just ends.
    func handOver(_ exchange: Exchange, _ source: (any EventSource)?, _ head: [UInt8]) {
        exchange.phase = .streaming
        // Takes it out of libmicrohttpd's epoll, too.
        suspend(exchange)
        // The connection is closed in the next turn, not here, where libmicrohttpd may have more of its body at hand.
        mailbox.post(.socketTaken(exchange.id))
        guard let socket = takenSockets.take(exchange.connection.socket, isEventStream: source != nil) else { return }
        countConnections()
        let transport = SocketTransport(socket, lingers: source == nil, loop: streams)
        streams.post(.open(exchange.id, transport, source: source, head: head))
        // Whatever was asked to close before this one is closed by the same order; so must this one be.
        if isCutting { streams.post(.closeAll) }
    }
}

/// Takes sockets away from libmicrohttpd, which then closes something else: a connection that it keeps suspended holds
/// 8 kB of its pool for nothing, and it walks through all suspended ones whenever one of them is resumed.
///
/// SAFETY of doing so: a suspended connection is in no epoll; once resumed it is closed at once, which needs no more than
/// an open descriptor.
struct TakenSockets: ~Copyable {
    private let placeholder: Descriptor
    /// Sockets that the stream thread hasn't closed yet.
    private(set) var count = 0
    /// Those that count against the limit of event streams.
    private(set) var streams = 0

    init() throws(HTTPServerError) {
        placeholder = try Descriptor(orError: fibd_placeholder_create(), "a placeholder for sockets")
    }

    var isEmpty: Bool { count == 0 }

    /// A descriptor that the caller owns; nil if the process may have no more.
    mutating func take(_ socket: Int32, isEventStream: Bool) -> Int32? {
        let taken = fibd_take_over(socket, placeholder.raw)
        guard taken >= 0 else { return nil }
        count += 1
        if isEventStream { streams += 1 }
        return taken
    }

    mutating func closed(isEventStream: Bool) {
        count -= 1
        if isEventStream { streams -= 1 }
    }
}
