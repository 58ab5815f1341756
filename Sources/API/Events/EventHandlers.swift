internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// `/v1/events`.
struct EventHandlers: Sendable {
    let hub: EventHub

    var endpoints: [Endpoint] {
        [Endpoint("/v1/events", "Everything, then every change", [(.get, stream)])]
    }

    private func stream(_ call: Call) throws(Problem) -> HTTPPlan {
        try stream(
            call, { (query, request) throws(Problem) in try EventRequest(&query, request) },
            { (request) throws(Problem) in
                try hub.open(request)
            })
    }

    /// - Parameters:
    ///   - read: what is asked for, from the rest of the query.
    ///   - source: opens it, on a worker.
    func stream(
        _ call: Call, _ read: (inout Query, HTTPRequest) throws(Problem) -> EventRequest,
        _ source: @escaping @Sendable (EventRequest) throws(Problem) -> any EventSource
    ) throws(Problem) -> HTTPPlan {
        let wire = EventWire(format: try format(call.request), isCompressed: call.request.acceptsGzip)
        var query = Query(call.target)
        // Whether errors go into the stream must be known before anything can go wrong.
        let inBand = try query.take("errors", "stream or status") { ["stream": true, "status": false][$0] } ?? true
        do throws(Problem) {
            var request = try read(&query, call.request)
            request.wire = wire
            if call.request.method == .head { return .answer(.response(head(wire))) }
            let wanted = request
            return .answer(.work { open(wanted, inBand: inBand, source) })
        } catch {
            guard inBand else { throw error }
            return .answer(.response(inBandError(error, wire.format)))
        }
    }

    private func open(
        _ request: EventRequest, inBand: Bool,
        _ source: @Sendable (EventRequest) throws(Problem) -> any EventSource
    ) -> HTTPAnswer {
        do throws(Problem) {
            let source = try source(request)
            return .stream(HTTPStreamHead(headers: head(request.wire).headers), source)
        } catch {
            return .response(inBand ? inBandError(error, request.wire.format) : error.response)
        }
    }

    private func format(_ request: HTTPRequest) throws(Problem) -> EventFormat {
        if request.accepted.contains(EventFormat.serverSentEvents.contentType) { return .serverSentEvents }
        if request.acceptsNDJSON { return .ndjson }
        if request.accepts(EventFormat.serverSentEvents.contentType) { return .serverSentEvents }
        throw Problem(
            status: 406, reason: "not-acceptable",
            detail: "events can be had as text/event-stream or application/x-ndjson")
    }

    private func head(_ wire: EventWire) -> HTTPResponse {
        var fields = HTTPResponseHeaders()
        fields.add("Content-Type", .text(wire.format.contentType))
        if wire.isCompressed { fields.add("Content-Encoding", "gzip") }
        fields.add("Vary", "Accept, Accept-Encoding")
        fields.add("Cache-Control", "no-store")
        fields.add("X-Accel-Buffering", "no")
        return HTTPResponse(status: 200, headers: fields)
    }

    /// A stream that only says why there is none: an `EventSource` gives up for good on any status but 200.
    private func inBandError(_ problem: Problem, _ format: EventFormat) -> HTTPResponse {
        var body: [UInt8] = []
        EventEncoder(format: format, epoch: "", filterDigits: "0", showsHardware: false).end(
            "error", problem, into: &body)
        var response = head(EventWire(format: format))
        response.body = .bytes(body)
        response.closesConnection = true
        return response
    }
}

extension EventRequest {
    init(_ query: inout Query, _ request: HTTPRequest) throws(Problem) {
        filter = try EventFilter(&query)
        try readDelivery(&query)
        onOverflow = try query.take("on_overflow", "reset or close") { .init(rawValue: $0) } ?? .reset
        let parameter = try query.take("last_event_id")
        try query.finish()
        readCursor(parameter: parameter, request)
    }

    /// Of a listener: its filter is known, and what becomes of it when it is too slow.
    init(_ settings: ListenerSettings, _ query: inout Query, _ request: HTTPRequest) throws(Problem) {
        filter = settings.filter
        onOverflow = settings.onOverflow
        try readDelivery(&query)
        let parameter = try query.take("last_event_id")
        try query.finish()
        readCursor(parameter: parameter, request)
    }

    private mutating func readDelivery(_ query: inout Query) throws(Problem) {
        let replay = try query.take("replay", "full or none") { ["full": true, "none": false][$0] }
        replays = replay ?? true
        insistsOnReplay = replay == true
        heartbeatSeconds = try query.number("heartbeat", in: 1...60) ?? 15
        endsAtSync = try query.take("until", "sync") { $0 == "sync" ? true : nil } ?? false
    }

    private mutating func readCursor(parameter: String?, _ request: HTTPRequest) {
        // The header wins: an EventSource that reconnects repeats the first URL but knows better by then.
        let header = request.headers.first("Last-Event-ID")
        cursorText = [header, parameter].compactMap(\.self).first { !$0.isEmpty }
    }

}

extension EventFilter {
    /// The part of a stream's query that says what it is told of.
    init(_ query: inout Query) throws(Problem) {
        self.init()
        if let names = try query.takeList("kinds") {
            var kinds: Set<ObjectKind> = []
            for name in names {
                if name == "all" {
                    kinds.formUnion(ObjectKind.allCases)
                } else if let kind = ObjectKind(rawValue: name) {
                    kinds.insert(kind)
                } else {
                    let known = ObjectKind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw .badParameter("kinds", "'\(name)' is no kind of object; there are \(known), and all")
                }
            }
            self.kinds = kinds
        }
        selection = try query.selection()
        view = try query.take("view", "routes or best") { EventFilter.View(rawValue: $0) } ?? .routes
        hardware = try query.take("hw_flags", "0, 1, 2 or sysctl") { HardwareNotice(rawValue: $0) } ?? .all
    }
}
