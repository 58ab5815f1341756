/// One open event stream, as its source sees it.
///
/// SAFETY: everything mutable is touched only by who holds the turn: `schedule` checks that, the rest is internal to
/// `StreamLoop`. Other threads only carry the reference.
@safe public final class EventStream: @unchecked Sendable {
    /// Never reused in this server.
    public let id: UInt64

    /// What the loop does with it at the moment.
    enum Stage {
        case open
        /// The source has ended (or there never was one); what is queued goes out.
        case flushing
        /// The transport has everything, and the client is given time to close the connection.
        case lingering
        case closed
    }

    private(set) var transport: (any StreamTransport)?
    private(set) var source: (any EventSource)?
    var output = StreamOutput()
    var stage: Stage
    /// The client took no more; the transport will say when it does.
    var isBlocked = false
    var isQueued = false
    /// The last `fill` said that there is more: served after the streams that have only something new.
    var isBulk = false
    /// It was served among those since.
    var hasBegunBulk = false
    var deadline = UInt64.max
    /// The earliest timer that is set for this stream; UInt64.max if none.
    var timer = UInt64.max

    /// nil once closed, so that whoever still holds this object holds no descriptors of the server.
    private var loop: StreamLoop?

    init(
        _ exchange: ExchangeID, loop: StreamLoop, transport: any StreamTransport, source: (any EventSource)?,
        head: [UInt8]
    ) {
        id = exchange.rawValue
        self.loop = loop
        self.transport = transport
        self.source = source
        stage = source == nil ? .flushing : .open
        output.append(head)
    }

    /// Asks for a call of the source's `fill`. Only from `onWake` or a source's callbacks. Does nothing once the stream is
    /// closed.
    public func schedule() { loop?.schedule(self) }

    /// Lets go of everything.
    func detach() -> ((any EventSource)?, (any StreamTransport)?) {
        defer { (loop, source, transport) = (nil, nil, nil) }
        return (source, transport)
    }
}
