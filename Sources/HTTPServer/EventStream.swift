/// One open event stream, as its source sees it.
///
/// SAFETY: everything mutable is touched by the stream thread alone: `schedule` checks that, the rest is internal to
/// `StreamLoop`. Other threads only carry the reference.
@safe public final class EventStream: @unchecked Sendable {
    /// Never reused in this server.
    public let id: UInt64

    /// What the loop does with the socket at the moment.
    enum Stage {
        case open
        /// The source has ended (or there never was one); what is queued goes out.
        case flushing
        /// Everything is out and our side is shut; waits for the client to close, so that no reset overtakes the answer.
        case lingering
        case closed
    }

    let exchange: ExchangeID
    let socket: Int32
    /// Whether the client is given time to read an answer to a request that it hasn't sent to the end.
    let lingers: Bool
    var source: (any EventSource)?
    var output = StreamOutput()
    var stage: Stage
    /// The socket took no more; the kernel will say when it does.
    var isBlocked = false
    var isQueued = false
    /// The last `fill` said that there is more: served after the streams that have only something new.
    var isBulk = false
    var deadline = UInt64.max
    /// The earliest timer that is set for this stream; UInt64.max if none.
    var timer = UInt64.max

    /// nil once closed, so that whoever still holds this object holds no descriptors of the server.
    private var loop: StreamLoop?

    init(
        _ id: UInt64, loop: StreamLoop, socket: Int32, exchange: ExchangeID, source: (any EventSource)?, head: [UInt8]
    ) {
        self.id = id
        self.loop = loop
        self.socket = socket
        self.exchange = exchange
        self.source = source
        lingers = source == nil
        stage = source == nil ? .flushing : .open
        output.append(head)
    }

    /// Asks for a call of the source's `fill`. On the stream thread only: from `onWake` or a source's callbacks. Does
    /// nothing once the stream is closed.
    public func schedule() { loop?.schedule(self) }

    func detach() { loop = nil }
}
