internal import API
public import ControlPlane
public import HTTPServer

/// The interface without sockets and server: a request goes in as a server hands it on, the whole answer comes out. For
/// tests and the fuzzer.
public struct LocalService: Sendable {
    public struct Reply {
        public let status: Int
        public let headers: HTTPResponseHeaders
        /// What is sent; of a stream, what it says until it has nothing more to say at the moment.
        public let body: String

        public func field(_ name: String) -> String? { headers.first(name) }
    }

    public let plane: ControlPlane
    private let service: FIBService

    /// - Parameter plane: what it serves; one in memory, if none is given.
    public init(_ plane: ControlPlane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))) {
        self.plane = plane
        service = FIBService(plane: plane, configuration: FIBService.Configuration())
    }

    /// What a request is answered. Bodies are JSON unless `fields` give another type.
    ///
    /// - Parameter target: the path, and what follows a question mark.
    public func call(
        _ method: String, _ target: String, _ body: String = "", _ fields: (String, String)...
    ) -> Reply {
        guard let reply = reply(method, target, [Array(body.utf8)], fields) else {
            preconditionFailure("what others give takes a server to wait for it")
        }
        return reply
    }

    /// What a request is answered whose body comes in these pieces; nil if someone else gives the answer, later.
    public func reply(
        _ method: String, _ target: String, _ pieces: [[UInt8]], _ fields: [(String, String)]
    ) -> Reply? {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let size = pieces.reduce(0) { $0 + $1.count }
        var headers = HTTPHeaders()
        if !fields.contains(where: { $0.0 == "Host" }) { headers.add("Host", "localhost") }
        if size > 0, !fields.contains(where: { $0.0 == "Content-Type" }) {
            headers.add("Content-Type", "application/json")
        }
        for (name, value) in fields { headers.add(name, value) }
        let request = HTTPRequest(
            method: HTTPMethod(rawValue: method), path: parts[0], query: parts.count > 1 ? parts[1] : nil,
            headers: headers, contentLength: UInt64(size))
        switch service.plan(for: request) {
        case .answer(let answer): return settle(answer)
        case .collect(_, let then): return settle(then(Array(pieces.joined())))
        case .consume(let consumer):
            for piece in pieces { consumer.consume(piece) }
            return settle(consumer.finish(.complete))
        }
    }

    private func settle(_ answer: HTTPAnswer) -> Reply? {
        switch answer {
        case .response(let response):
            return Reply(status: response.status, headers: response.headers, body: text(response.body))
        case .work(let job): return settle(job())
        case .stream(let head, let source):
            return Reply(status: 200, headers: head.headers, body: source.drained())
        case .held(let held): return settle(held.answer)
        case .awaited: return nil
        }
    }

    private func text(_ body: HTTPResponse.Body) -> String {
        var bytes: [UInt8] = []
        switch body {
        case .bytes(let whole): bytes = whole
        case .produced(let producer): while producer.produce(into: &bytes, limit: bytes.count + 4_096) {}
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension EventSource {
    /// What a stream says until it has nothing more to say at the moment.
    public func drained(now: UInt64 = 0) -> String { String(decoding: drainedBytes(now: now), as: UTF8.self) }

    public func drainedBytes(now: UInt64 = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            var output = StreamOutput()
            let result = fill(&output, now: now)
            for slice in [output.first] + output.others { bytes += slice }
            guard case .more = result else { return bytes }
        }
    }
}
