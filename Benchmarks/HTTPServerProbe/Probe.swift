import HTTPServer
import Synchronization

/// Answers every request inline with a small JSON body, for load generators; `/stream` follows what `/publish` gives.
struct ProbeApplication: HTTPApplication {
    private static let response: HTTPResponse = {
        var headers = HTTPResponseHeaders()
        headers.add("Content-Type", "application/json")
        return HTTPResponse(status: 200, headers: headers, body: .bytes(Array(#"{"status":"ok"}"#.utf8)))
    }()
    private static let streamHead: HTTPStreamHead = {
        var headers = HTTPResponseHeaders()
        headers.add("Content-Type", "text/event-stream")
        return HTTPStreamHead(headers: headers)
    }()

    let publisher: Publisher
    let wake: @Sendable () -> Void

    func plan(for request: HTTPRequest) -> HTTPPlan {
        switch request.path {
        case "/stream": return .answer(.stream(ProbeApplication.streamHead, PublishedEvents(publisher)))
        case "/publish":
            publisher.publish(request.query.flatMap { Int($0.drop { $0 != "=" }.dropFirst()) } ?? 1)
            wake()
            return .answer(.response(ProbeApplication.response))
        case "/upload": return .consume(CountingConsumer())
        case "/work": return .answer(.work { .response(ProbeApplication.response) })
        default: return .answer(.response(ProbeApplication.response))
        }
    }

    func refusal(status: Int, reason: HTTPRefusal) -> HTTPResponse {
        HTTPResponse(status: status, body: .bytes(Array(reason.rawValue.utf8)))
    }
}

/// Counts, and throws away.
final class CountingConsumer: BodyConsumer {
    private let bytes = Atomic<Int>(0)
    func consume(_ piece: [UInt8]) { bytes.wrappingAdd(piece.count, ordering: .relaxed) }
    func finish(_ end: BodyEnd) -> HTTPAnswer {
        .response(HTTPResponse(status: 200, body: .bytes(Array("\(bytes.load(ordering: .relaxed))".utf8))))
    }
}

/// Known only once the server runs.
final class StreamWaker: Sendable {
    private let streams = Mutex<StreamLoop?>(nil)
    func set(_ loop: StreamLoop?) { streams.withLock { $0 = loop } }
    func wake() { streams.withLock { $0 }?.wake() }
}

/// Arguments: port, bytes of memory a connection, and how streams are sent (`socket` or `callback`), each of which may be
/// left out from the end. Ends when its input ends.
@main enum Probe {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let numbers = arguments.compactMap { Int($0) }
        let port = UInt16(clamping: numbers.first ?? 8080)
        var configuration = HTTPDaemon.Configuration(listen: [ListenAddress(host: "127.0.0.1", port: port)])
        if numbers.count > 1 { configuration.connectionMemoryBytes = numbers[1] }
        if let sending = arguments.last.flatMap({ HTTPDaemon.StreamSending(rawValue: $0) }) {
            configuration.streamSending = sending
        }
        let publisher = Publisher()
        let waker = StreamWaker()
        let server = try HTTPDaemon(
            configuration: configuration, application: ProbeApplication(publisher: publisher, wake: waker.wake),
            onWake: { publisher.scheduleWaiting() })
        for note in server.notes { print(note) }
        waker.set(server.streams)
        while readLine() != nil {}
        waker.set(nil)
        server.stop()
    }
}
