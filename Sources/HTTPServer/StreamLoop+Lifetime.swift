/// How streams begin and end.
extension StreamLoop {
    /// Without a source, the head is all there is to send.
    func open(
        _ exchange: ExchangeID, _ transport: any StreamTransport, _ source: (any EventSource)?, _ head: [UInt8]
    ) {
        let stream = EventStream(exchange, loop: self, transport: transport, source: source, head: head)
        streams[stream.id] = stream
        source?.opened(stream)
        guard transport.open(tag: stream.id) else { return close(stream) }
        if stream.stage == .flushing { limitFlush(stream) }
        schedule(stream)
    }

    func deadlinePassed(_ stream: EventStream) {
        switch stream.stage {
        case .open: schedule(stream)
        case .flushing, .lingering: close(stream)
        case .closed: break
        }
    }

    /// A client that doesn't read what is left is given up.
    func limitFlush(_ stream: EventStream) { timers.set(now + settings.timeoutNanoseconds, for: stream) }

    /// The transport has taken everything.
    func finish(_ stream: EventStream) {
        guard let nanoseconds = stream.transport?.finish() else { return close(stream) }
        stream.stage = .lingering
        timers.set(now + nanoseconds, for: stream)
    }

    func close(_ stream: EventStream) {
        guard stream.stage != .closed else { return }
        stream.stage = .closed
        streams[stream.id] = nil
        stream.output = StreamOutput()
        let (source, transport) = stream.detach()
        source?.closed()
        // Last: it tells the event thread that the stream is gone.
        transport?.close()
    }
}
