/// An answer. `Date`, `Content-Length`, `Transfer-Encoding` and `Connection` are the server's to write.
public struct HTTPResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Made piece by piece while the client takes it: sent chunked, or ended by closing to an HTTP/1.0 client.
        case produced(any BodyProducer)
    }

    /// 200...599.
    public var status: Int
    public var headers: HTTPResponseHeaders
    /// Not sent in answer to HEAD, nor with 204 and 304; `Content-Length` still tells its size to HEAD.
    public var body: Body
    public var closesConnection: Bool

    public init(
        status: Int, headers: HTTPResponseHeaders = HTTPResponseHeaders(), body: Body = .bytes([]),
        closesConnection: Bool = false
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.closesConnection = closesConnection
    }
}

/// A body that is made while it is sent, in constant memory.
public protocol BodyProducer: AnyObject, Sendable {
    /// Appends the next piece, about `limit` bytes, to `buffer`; false when nothing follows this piece.
    /// On a worker thread, one call at a time, only when the client can take more.
    func produce(into buffer: inout [UInt8], limit: Int) -> Bool

    /// The client left, or the server stops, before the end; for HEAD, right away. On a worker thread, at most once,
    /// never during or before the end of a `produce`, and not after one that returned false.
    func cancel()
}
