/// One request and its answer, from the request line to the last byte. Event thread only.
final class Exchange {
    enum Phase {
        /// The application hasn't been asked yet.
        case header
        /// The body, if any, is read and dropped; then this is the answer.
        case dropping(HTTPAnswer)
        case collecting([UInt8], limit: Int, then: ([UInt8]) -> HTTPAnswer)
        case consuming(BodyLane)
        /// Suspended; a worker has what comes next.
        case working
        /// To be carried out at the next call of the handler.
        case answered(HTTPAnswer)
        /// The response is with libmicrohttpd.
        case sending
        /// Suspended for the last time; the socket belongs to the stream thread.
        case streaming
        /// The next call of the handler closes the connection.
        case over
    }

    let id: ExchangeID
    let connection: Connection
    /// As sent: path, "?" and query.
    let target: String
    var phase = Phase.header
    var isSuspended = false
    /// The answer doesn't wait for the body, and the connection closes after it.
    var isEarly = false
    var isHead = false
    /// Among those whose clients are looked after at the end of this turn.
    var isBodyWatched = false
    /// While a `.produced` body is being sent.
    var producedBody: ProducedBody?

    init(_ id: ExchangeID, _ connection: Connection, target: String) {
        self.id = id
        self.connection = connection
        self.target = target
    }
}

/// One client connection. Event thread only.
///
/// SAFETY: `handle` is valid from the STARTED to the CLOSED notification, between which this object is reachable from
/// the loop; only `RequestReader` and `ResponseQueue` use it, inside a callback or on a suspended connection.
@safe final class Connection {
    let handle: OpaquePointer
    let socket: Int32
    let peer: String
    /// Since when the header of a request is awaited (CLOCK_MONOTONIC, ns); nil while a request is served.
    var awaitsHeaderSince: UInt64?
    /// It came when all others were taken.
    var isReserved = false

    init(_ handle: OpaquePointer, socket: Int32, peer: String, now: UInt64) {
        unsafe self.handle = handle
        self.socket = socket
        self.peer = peer
        awaitsHeaderSince = now
    }
}

/// The body of a response that is made while it is sent. Event thread only.
final class ProducedBody {
    let lane: ProducerLane
    private(set) var piece: [UInt8] = []
    private(set) var offset = 0
    private(set) var hasMore = true

    init(_ lane: ProducerLane) { self.lane = lane }

    var isPieceSent: Bool { offset == piece.count }

    func received(_ piece: [UInt8], more: Bool) {
        self.piece = piece
        offset = 0
        hasMore = more
    }

    func requestPiece() {
        let recycled = piece
        piece = []
        offset = 0
        lane.produce(recycled: recycled)
    }

    /// Copies what fits; the number of bytes.
    func copy(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, piece.count - offset)
        unsafe piece.withUnsafeBytes { bytes in
            unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
        }
        offset += count
        return count
    }
}
