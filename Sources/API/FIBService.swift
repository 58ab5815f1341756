internal import ChangeLog
public import ControlPlane
public import HTTPServer
public import Hardware
public import Routing
internal import Threads

/// The interface: which paths there are, who may call, and how errors look.
public final class FIBService: HTTPApplication {
    public struct Configuration: Sendable {
        /// Names under which clients may call the server, besides addresses and `localhost`.
        public var hostNames: [String] = []
        /// Origins whose web pages may call it.
        public var origins: [String] = []
        /// How many different filters event streams may have at a time.
        public var maximumFilters = 1_024
        /// Bytes of rows of replays that are kept for others who are sent the same; 0 for none.
        public var replayCacheBytes = 64 << 20
        /// Threads that apply what imports have read.
        public var committingThreads = 2
        /// After how many seconds without an answer of a device a route is stuck.
        public var stuckSeconds = 30
        /// The version of the program, as `GET /v1` tells it.
        public var version = "0"
        /// Called with a sentence for the log when something happened that no client can be told.
        public var warn: @Sendable (String) -> Void = { _ in }

        public init() {}
    }

    private let events: EventHub
    private let committing: WorkerPool
    private let keeper: ListenerKeeper
    private let waits: HardwareWaits
    private let stuck: StuckWatch
    private let expiry: ExpiryWatch
    private let board: SwitchBoard
    private let requestGuard: RequestGuard
    /// In the order in which they are tried.
    private let endpoints: [Endpoint]

    /// - Parameter board: where simulated switches are; without one there are none, and none with faults can be made.
    public init(plane: ControlPlane, configuration: Configuration, board: SwitchBoard? = nil) {
        let board = board ?? SwitchBoard(plane, simulatesFaults: false)
        self.board = board
        events = EventHub(
            plane: plane, maximumFilters: configuration.maximumFilters, replayCacheBytes: configuration.replayCacheBytes
        )
        requestGuard = RequestGuard(
            hostNames: Set(configuration.hostNames.map { $0.lowercased() }), origins: Set(configuration.origins))
        committing = WorkerPool(name: "commit", threads: configuration.committingThreads, capacity: .max)
        keeper = ListenerKeeper(plane, events, board)
        waits = HardwareWaits(plane)
        stuck = StuckWatch(plane, seconds: configuration.stuckSeconds)
        expiry = ExpiryWatch(plane)
        let hardware = HardwareAnswers(plane: plane, waits: waits)
        let streams = EventHandlers(hub: events)
        let routes = RouteHandlers(
            plane: plane, board: board, committing: committing, hardware: hardware, warn: configuration.warn)
        let resources =
            routes.endpoints + TransactionHandlers(plane: plane, hardware: hardware).endpoints
            + NamespaceHandlers(plane: plane).endpoints + LinkHandlers(plane: plane).endpoints
            + NeighbourHandlers(plane: plane).endpoints + RuleHandlers(plane: plane, hardware: hardware).endpoints
            + NextHopHandlers(plane: plane, hardware: hardware).endpoints
            + LookupHandlers(plane: plane).endpoints + streams.endpoints
            + ListenerHandlers(plane: plane, hub: events, keeper: keeper, streams: streams).endpoints
            + QdiscHandlers(plane: plane).endpoints + BlockHandlers(plane: plane).endpoints
            + FilterHandlers(plane: plane, hardware: hardware).endpoints + ActionHandlers(plane: plane).endpoints
            + PeerHandlers(plane: plane).endpoints + PathEventHandlers(plane: plane).endpoints
            + CachedRouteHandlers(plane: plane).endpoints
            + DeviceHandlers(plane: plane, board: board, keeper: keeper).endpoints
        // They know the plane.
        plane.whenDevicesProgress { [weak waits] in waits?.wake() }
        endpoints =
            resources + ServerHandlers(plane: plane, hub: events, version: configuration.version, resources).endpoints
    }

    deinit {
        committing.shutDown()
        keeper.stop()
        waits.stop()
        stuck.stop()
        expiry.stop()
        board.stop()
    }

    /// Has the simulated switches begin that are kept, and makes the first one if it is due. Before the first request, and after
    /// the devices of drivers from before a restart, whose names come first.
    ///
    /// - Returns: why the first one can't be made.
    /// - Throws: what keeps one that is kept from being made.
    public func beginSwitches(_ first: FirstSwitch) throws(FIBError) -> FIBError? { try keeper.beginSwitches(first) }

    /// Takes in the listeners from before a restart, and begins to look after them. Before the first request.
    public func start() {
        keeper.start()
        waits.start()
        stuck.start()
        expiry.start()
    }

    /// To be called when changes have become visible; see `ControlPlane.whenVisible`.
    public func changesVisible() { waits.wake() }

    /// What has the server give its streams a turn.
    public func whenStreamsMustWake(_ wake: @escaping @Sendable () -> Void) { events.whenStreamsMustWake(wake) }

    /// Writes down how far listeners have come, and has the simulated switches leave. When no request is served any more.
    public func stop() {
        keeper.stop()
        waits.stop()
        stuck.stop()
        expiry.stop()
        board.stop()
        events.whenStreamsMustWake {}
    }

    /// To be called where the server says that streams were woken.
    public func streamsAwake() { events.wake() }

    /// Tells all event streams that the server goes away. Wake the streams afterwards.
    public func drainStreams() { events.drain() }

    /// Tells all event streams that the store has failed. Wake the stream thread afterwards.
    public func failStreams(_ why: String) { events.fail(why) }

    public func plan(for request: HTTPRequest) -> HTTPPlan {
        let cors = requestGuard.corsHeaders(for: request)
        let plan = guardedPlan(for: request)
        return cors.isEmpty ? plan : plan.adding(cors)
    }

    private func guardedPlan(for request: HTTPRequest) -> HTTPPlan {
        do throws(Problem) {
            try requestGuard.check(request)
            return try route(request)
        } catch {
            return .answer(.response(error.response))
        }
    }

    public func refusal(status: Int, reason: HTTPRefusal) -> HTTPResponse {
        Problem(
            status: status, code: reason.code, reason: reason.rawValue, detail: reason.sentence,
            retryAfterSeconds: status == 503 ? 1 : nil
        ).response
    }

    private func route(_ request: HTTPRequest) throws(Problem) -> HTTPPlan {
        // `OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7).
        if request.path == "*" { return .answer(.response(.empty(204))) }
        let target: HTTPTarget
        do {
            target = try HTTPTarget(path: request.path, query: request.query)
        } catch {
            throw Problem(status: 400, reason: "bad-target", detail: "the path or query can't be decoded: \(error)")
        }
        // By index: an endpoint that doesn't match isn't even copied.
        for index in endpoints.indices where endpoints[index].matches(target.segments) {
            let endpoint = endpoints[index]
            if let action = endpoint.action(for: request.method) {
                let names = PathNames(segments: target.segments, positions: endpoint.variables)
                return try action.handler(Call(request: request, target: target, names: names))
            }
            if request.method == .options { return .answer(.response(preflight(request, endpoint))) }
            var problem = Problem(
                status: 405, code: "EOPNOTSUPP", reason: "method-not-allowed",
                detail: "\(request.method.rawValue) is not allowed on \(endpoint.pattern); allowed: \(endpoint.allow)")
            problem.headers = [("Allow", .text(endpoint.allow))]
            throw problem
        }
        throw .notFound(request.path)
    }

    /// Health, metrics, and what an operator needs to see which listeners there are and to end them. Streams have no place there.
    public func isEssential(_ request: HTTPRequest) -> Bool {
        let isOfListeners = request.path == "/v1/listeners" || request.path.hasPrefix("/v1/listeners/")
        return ["/livez", "/readyz", "/metrics", "/v1"].contains(request.path)
            || isOfListeners && !request.path.hasSuffix("/events")
    }

    private func preflight(_ request: HTTPRequest, _ endpoint: Endpoint) -> HTTPResponse {
        let response = HTTPResponse.empty(204).with("Allow", .text(endpoint.allow))
        if requestGuard.corsHeaders(for: request).isEmpty { return response }
        return response.with("Access-Control-Allow-Methods", .text(endpoint.allow))
            .with("Access-Control-Allow-Headers", "Content-Type, If-Match, If-None-Match, Last-Event-ID, Prefer")
            .with("Access-Control-Max-Age", "600")
    }
}

extension HTTPRefusal {
    var code: String {
        switch self {
        case .bodyTooLarge: "EMSGSIZE"
        case .tooBusy, .tooManyStreams, .tooManyConnections: "EBUSY"
        case .stopping: "ESHUTDOWN"
        default: "EINVAL"
        }
    }

    var sentence: String {
        switch self {
        case .malformedHeader: "a header field's name is malformed"
        case .malformedTarget: "the request's target is malformed"
        case .missingHost: "an HTTP/1.1 request needs a Host field"
        case .duplicateHost: "two Host fields"
        case .duplicateContentLength: "two Content-Length fields"
        case .ambiguousLength: "Content-Length together with Transfer-Encoding"
        case .transferEncoding: "a body can be sent with Content-Length or in chunks, and in no other encoding"
        case .bodyTooLarge: "the body is too large; send many routes as application/x-ndjson"
        case .tooBusy: "too many requests are waiting; try again soon"
        case .stopping: "the server is stopping"
        case .tooManyStreams: "too many event streams are open; try again later"
        case .tooManyConnections:
            "all connections are taken but those for health, metrics and the administration of listeners; try again later"
        }
    }
}
