import HTTPServer
import Synchronization

/// Answers every request inline with a small JSON body, for load generators. Ends when its input ends.
struct ProbeApplication: HTTPApplication {
    private static let response: HTTPResponse = {
        var headers = HTTPHeaders()
        headers.add("Content-Type", "application/json")
        return HTTPResponse(status: 200, headers: headers, body: .bytes(Array(#"{"status":"ok"}"#.utf8)))
    }()

    func plan(for request: HTTPRequest) -> HTTPPlan {
        if request.path == "/stream" { return .answer(.stream(HTTPStreamHead(headers: HTTPHeaders()), IdleSource())) }
        if request.path == "/upload" { return .consume(CountingConsumer()) }
        if request.path == "/work" { return .answer(.work { .response(ProbeApplication.response) }) }
        return .answer(.response(ProbeApplication.response))
    }

    func refusal(status: Int, reason: HTTPRefusal) -> HTTPResponse {
        HTTPResponse(status: status, body: .bytes(Array(reason.rawValue.utf8)))
    }
}

/// A stream that never says anything.
final class IdleSource: EventSource {
    func opened(_ stream: EventStream) {}
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult { .idle(until: .max) }
    func closed() {}
}

/// Counts, and throws away.
final class CountingConsumer: BodyConsumer {
    private let bytes = Atomic<Int>(0)
    func consume(_ piece: [UInt8]) { bytes.wrappingAdd(piece.count, ordering: .relaxed) }
    func finish(_ end: BodyEnd) -> HTTPAnswer {
        .response(HTTPResponse(status: 200, body: .bytes(Array("\(bytes.load(ordering: .relaxed))".utf8))))
    }
}

/// Arguments: port, and bytes of memory a connection.
@main enum Probe {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let port = UInt16(clamping: arguments.first ?? 8080)
        var configuration = HTTPDaemon.Configuration(listen: [ListenAddress(host: "127.0.0.1", port: port)])
        if arguments.count > 1 { configuration.connectionMemoryBytes = arguments[1] }
        let server = try HTTPDaemon(configuration: configuration, application: ProbeApplication())
        while readLine() != nil {}
        server.stop()
    }
}
