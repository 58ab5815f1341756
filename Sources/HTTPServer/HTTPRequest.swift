/// A request up to the end of its header, checked for everything that would make its meaning ambiguous.
public struct HTTPRequest: Sendable {
    public let method: HTTPMethod
    /// The path as sent, percent-encoded, without the query: printable ASCII that starts with "/", or is "*".
    /// Use `HTTPTarget` to decode it.
    public let path: String
    /// What followed the first "?", as sent; nil if there was none.
    public let query: String?
    public let headers: HTTPHeaders
    /// Declared length of the body; nil without `Content-Length`.
    public let contentLength: UInt64?
    public let isChunked: Bool
    /// The client's address and port: "192.0.2.1:4711", "[2001:db8::1]:4711".
    public let peer: String

    /// True if at least one byte of a body is announced (a chunked one may still turn out empty).
    public var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

    public init(
        method: HTTPMethod, path: String, query: String? = nil, headers: HTTPHeaders = HTTPHeaders(),
        contentLength: UInt64? = nil, isChunked: Bool = false, peer: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.contentLength = contentLength
        self.isChunked = isChunked
        self.peer = peer
    }
}
