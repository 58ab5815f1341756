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
        let format = try format(call.request)
        var query = Query(call.target)
        // Whether errors go into the stream must be known before anything can go wrong.
        let inBand = try query.take("errors", "stream or status") { ["stream": true, "status": false][$0] } ?? true
        do throws(Problem) {
            var request = try EventRequest(&query, call.request)
            request.format = format
            if call.request.method == .head { return .answer(.response(head(format))) }
            let wanted = request
            return .answer(.work { open(wanted, inBand: inBand) })
        } catch {
            guard inBand else { throw error }
            return .answer(.response(inBandError(error, format)))
        }
    }

    private func open(_ request: EventRequest, inBand: Bool) -> HTTPAnswer {
        do throws(Problem) {
            let source = try hub.open(request)
            return .stream(HTTPStreamHead(headers: head(request.format).headers), source)
        } catch {
            return .response(inBand ? inBandError(error, request.format) : error.response)
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

    private func head(_ format: EventFormat) -> HTTPResponse {
        var fields = HTTPResponseHeaders()
        fields.add("Content-Type", .text(format.contentType))
        fields.add("Cache-Control", "no-store")
        fields.add("X-Accel-Buffering", "no")
        return HTTPResponse(status: 200, headers: fields)
    }

    /// A stream that only says why there is none: an `EventSource` gives up for good on any status but 200.
    private func inBandError(_ problem: Problem, _ format: EventFormat) -> HTTPResponse {
        var body: [UInt8] = []
        EventEncoder(format: format, epoch: "", filterDigits: "0", showsHardware: false).end(
            "error", problem, into: &body)
        var response = head(format)
        response.body = .bytes(body)
        response.closesConnection = true
        return response
    }
}

extension EventRequest {
    init(_ query: inout Query, _ request: HTTPRequest) throws(Problem) {
        try readFilter(&query)
        replays = try query.take("replay", "full or none") { ["full": true, "none": false][$0] } ?? true
        heartbeatSeconds = try query.number("heartbeat", in: 1...60) ?? 15
        endsAtSync = try query.take("until", "sync") { $0 == "sync" ? true : nil } ?? false
        onOverflow = try query.take("on_overflow", "reset or close") { Overflow(rawValue: $0) } ?? .reset
        let parameter = try query.take("last_event_id")
        try query.finish()
        // The header wins: an EventSource that reconnects repeats the first URL but knows better by then.
        let header = request.headers.first("Last-Event-ID")
        cursorText = [header, parameter].compactMap(\.self).first { !$0.isEmpty }
    }

    private mutating func readFilter(_ query: inout Query) throws(Problem) {
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
            filter.kinds = kinds
        }
        filter.selection = try query.selection()
        filter.view = try query.take("view", "routes or best") { EventFilter.View(rawValue: $0) } ?? .routes
        filter.hardware = try query.take("hw_flags", "0, 1, 2 or sysctl") { HardwareNotice(rawValue: $0) } ?? .all
    }
}
