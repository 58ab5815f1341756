import API
import ControlPlane
import HTTPServer

/// The interface without sockets: requests go in as the server hands them on, answers come out as it gets them.
struct Service {
    let service: FIBService

    init(logBytes: Int = 64 << 20) {
        service = FIBService(
            plane: ControlPlane(limits: ControlPlane.Limits(logBytes: logBytes)),
            configuration: FIBService.Configuration())
    }

    /// Takes in the rows, a piece of the body at a time.
    func load(_ pieces: [[UInt8]], mode: String = "replace") {
        guard case .consume(let consumer) = plan("POST", "/v1/routes", "mode=\(mode)", type: "application/x-ndjson")
        else { preconditionFailure("an import is consumed") }
        for piece in pieces { consumer.consume(piece) }
        guard case .response(let response) = settle(consumer.finish(.complete)), response.status == 200 else {
            preconditionFailure("the import was refused")
        }
    }

    func plan(_ method: String, _ path: String, _ query: String? = nil, type: String? = nil, size: Int = 0) -> HTTPPlan
    {
        var headers = HTTPHeaders()
        headers.add("Host", "localhost:8080")
        headers.add("User-Agent", "hot-paths")
        headers.add("Accept", "*/*")
        if let type { headers.add("Content-Type", type) }
        return service.plan(
            for: HTTPRequest(
                method: HTTPMethod(rawValue: method), path: path, query: query, headers: headers,
                contentLength: size > 0 ? UInt64(size) : nil))
    }

    /// An event stream that has sent nothing yet.
    func stream(_ query: String? = nil) -> any EventSource {
        guard case .answer(let answer) = plan("GET", "/v1/events", query), case .stream(_, let source) = settle(answer)
        else { preconditionFailure("events are a stream") }
        return source
    }

    func settle(_ answer: HTTPAnswer) -> HTTPAnswer {
        guard case .work(let job) = answer else { return answer }
        return settle(job())
    }
}

extension EventSource {
    /// Has it say all that it has to say at the moment; the number of bytes.
    @discardableResult
    func drain() -> Int {
        var bytes = 0
        while true {
            var output = StreamOutput()
            let result = fill(&output, now: 0)
            bytes += output.queuedBytes
            if case .more = result { continue }
            return bytes
        }
    }
}
