import HTTPServer
import TestSupport
import Testing
import Threads

/// All suites of this target: one after the other, since they count threads, connections and bytes.
@Suite(.serialized) enum ServerTests {}

/// Plans with a closure; refuses with the reason's name as the body.
struct TestApplication: HTTPApplication {
    let planning: @Sendable (HTTPRequest) -> HTTPPlan

    func plan(for request: HTTPRequest) -> HTTPPlan { planning(request) }

    func refusal(status: Int, reason: HTTPRefusal) -> HTTPResponse {
        HTTPResponse(status: status, body: .bytes(Array(reason.rawValue.utf8)))
    }
}

/// A server on a port of the system's choice.
struct TestServer {
    let server: HTTPDaemon
    let port: UInt16

    init(
        configure: (inout HTTPDaemon.Configuration) -> Void = { _ in }, onWake: @escaping @Sendable () -> Void = {},
        plan: @escaping @Sendable (HTTPRequest) -> HTTPPlan
    ) throws {
        var configuration = HTTPDaemon.Configuration(listen: [ListenAddress(host: "127.0.0.1", port: 0)])
        configure(&configuration)
        server = try HTTPDaemon(
            configuration: configuration, application: TestApplication(planning: plan), onWake: onWake)
        port = server.boundAddresses[0].port
    }

    func connect() throws -> TestClient { try TestClient(port: port) }

    /// Answers with the method and the target; a body is appended.
    static let echo: @Sendable (HTTPRequest) -> HTTPPlan = { request in
        let line = "\(request.method.rawValue) \(request.path)\(request.query.map { "?\($0)" } ?? "")"
        guard request.hasBody else { return .answer(.response(text(line))) }
        return .collect(limit: 1 << 20) { .response(text("\(line) \(String(decoding: $0, as: UTF8.self))")) }
    }

    static func text(_ text: String, status: Int = 200) -> HTTPResponse {
        var headers = HTTPResponseHeaders()
        headers.add("Content-Type", "text/plain")
        return HTTPResponse(status: status, headers: headers, body: .bytes(Array(text.utf8)))
    }
}

/// Opens once; whoever waits goes on then.
final class Gate: Sendable {
    private let queue = WorkQueue<Int>(capacity: 1)
    func open() { queue.close() }
    func wait() { _ = queue.take() }
}
