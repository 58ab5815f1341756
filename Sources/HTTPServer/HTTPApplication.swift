/// What the server serves. Every method may be called at any time until the server has stopped.
public protocol HTTPApplication: Sendable {
    /// What to do with a request whose header is complete. On the event thread, which serves all connections: take at
    /// most about 200 µs, and leave longer work to `HTTPAnswer.work`.
    func plan(for request: HTTPRequest) -> HTTPPlan

    /// Whether the request has a place also when all connections but the reserved ones are taken. On the event thread.
    func isEssential(_ request: HTTPRequest) -> Bool

    /// The body and headers of a refusal that the server itself must make, so that all errors look alike.
    /// On the event thread. The server adds `Retry-After` to 503 if it is missing, and decides whether to close.
    func refusal(status: Int, reason: HTTPRefusal) -> HTTPResponse
}

extension HTTPApplication {
    /// None is.
    public func isEssential(_ request: HTTPRequest) -> Bool { false }
}

/// Why the server refused a request that the application never saw, or could not be given.
public enum HTTPRefusal: String, CaseIterable, Sendable {
    /// 400: a header name that isn't a token (a space before the colon hides a header from others on the way).
    case malformedHeader = "malformed-header"
    /// 400: a target with a byte outside printable ASCII, or that is neither a path, an http URL nor "*".
    case malformedTarget = "malformed-target"
    /// 400: HTTP/1.1 without `Host`.
    case missingHost = "missing-host"
    case duplicateHost = "duplicate-host"
    /// 400: two `Content-Length`, even equal ones.
    case duplicateContentLength = "duplicate-content-length"
    /// 400: `Content-Length` together with `Transfer-Encoding`.
    case ambiguousLength = "ambiguous-length"
    /// 400: `Transfer-Encoding` twice, or in HTTP/1.0. 501: another one than `chunked`.
    case transferEncoding = "transfer-encoding"
    /// 413: more than the plan's limit, by `Content-Length` or while reading.
    case bodyTooLarge = "body-too-large"
    /// 503: as many jobs as `workQueueCapacity` wait for a worker.
    case tooBusy = "too-busy"
    /// 503: as many event streams as `maxStreams` are open.
    case tooManyStreams = "too-many-streams"
    /// 503: all connections are taken but those for essential requests.
    case tooManyConnections = "too-many-connections"
    /// 503: the server drains and opens no more event streams.
    case stopping
}

/// What to do with a request, decided from its header.
public enum HTTPPlan: Sendable {
    /// Answer without the body: a small one (up to 64 KiB declared, and not waiting for `100 Continue`) is read and
    /// dropped, with any other one the connection closes after the answer.
    case answer(HTTPAnswer)
    /// Read the whole body into memory, then ask `then`, on the event thread. More than `limit` bytes: 413.
    case collect(limit: Int, then: @Sendable ([UInt8]) -> HTTPAnswer)
    /// Hand the body to a worker piece by piece. At most 1 MiB waits for it; then the client has to.
    case consume(any BodyConsumer)
}

/// How a request is answered.
public enum HTTPAnswer: Sendable {
    case response(HTTPResponse)
    /// The closure runs on a worker while the connection waits, then its answer holds.
    case work(@Sendable () -> HTTPAnswer)
    /// Status 200 with this head; then the connection is an event stream until the source ends it or the client leaves.
    case stream(HTTPStreamHead, any EventSource)
    /// To be given later.
    indirect case held(HeldAnswer)
    /// To be given by someone else. `then` makes the answer of what is given, or of what is said when that comes too late.
    case awaited(AwaitedAnswer, then: @Sendable (HTTPAnswer) -> HTTPAnswer)
}

/// The head of an event stream. `Date` and `Connection: close` are added.
public struct HTTPStreamHead: Sendable {
    public var headers: HTTPResponseHeaders
    public init(headers: HTTPResponseHeaders) { self.headers = headers }
}

/// How a body ended.
public enum BodyEnd: Sendable {
    case complete
    /// The client left or sent a broken body, or the server stops. The answer goes nowhere.
    case cut
}

/// Takes a body as it arrives.
public protocol BodyConsumer: AnyObject, Sendable {
    /// The next piece: 1 byte to about half of `connectionMemoryBytes`. On a worker, in order, one call at a time.
    func consume(_ piece: [UInt8])

    /// Once, on a worker, after the last piece.
    func finish(_ end: BodyEnd) -> HTTPAnswer
}
