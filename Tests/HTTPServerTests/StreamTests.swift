import HTTPServer
import TestSupport
import Testing
import Threads

/// Frames that all of its sources send, appended by tests and read by the stream thread.
final class FrameLog: Sendable {
    struct State {
        var frames: [[UInt8]] = []
        var isEnded = false
        var streams: [EventStream] = []
        var opened = 0
        var closed = 0
        var calledAfterClose = 0
    }
    let state = Locked(State(), rank: .leaf)

    func append(_ frames: [[UInt8]]) { state.withLock { $0.frames += frames } }
    func end() { state.withLock { $0.isEnded = true } }

    /// For the server's `onWake`.
    func scheduleAll() {
        for stream in state.withLock({ $0.streams }) { stream.schedule() }
    }
}

extension Sequence<[UInt8]> {
    /// Much faster than `joined` without optimisation.
    func concatenated() -> [UInt8] { reduce(into: []) { $0.append(contentsOf: $1) } }
}

/// Sends the log from its start, at most `batch` frames a call.
final class LogSource: EventSource {
    private struct State {
        var next = 0
        var isClosed = false
    }
    private let log: FrameLog
    private let batch: Int
    private let state = Locked(State(), rank: LockRank(900, "test source"))

    init(_ log: FrameLog, batch: Int = 100) {
        self.log = log
        self.batch = batch
    }

    func opened(_ stream: EventStream) {
        log.state.withLock { log in
            log.streams.append(stream)
            log.opened += 1
        }
    }

    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        state.withLock { state in
            let (frames, isEnded) = log.state.withLock { log in
                if state.isClosed { log.calledAfterClose += 1 }
                let end = min(log.frames.count, state.next + batch)
                return (log.frames[state.next..<end], log.isEnded && end == log.frames.count)
            }
            for frame in frames { output.append(frame) }
            state.next += frames.count
            if isEnded { return .end }
            return frames.count == batch ? .more : .idle(until: .max)
        }
    }

    func closed() {
        state.withLock { state in
            log.state.withLock { log in
                if state.isClosed { log.calledAfterClose += 1 }
                log.closed += 1
            }
            state.isClosed = true
        }
    }
}

/// Sends without end, as fast as it is asked.
final class EndlessSource: EventSource {
    private let piece: [UInt8]
    let closes = Locked(0, rank: .leaf)
    init(pieceBytes: Int) { piece = [UInt8](repeating: UInt8(ascii: "e"), count: pieceBytes) }
    func opened(_ stream: EventStream) {}
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        while output.queuedBytes < StreamOutput.turnBytes { output.append(piece) }
        return .more
    }
    func closed() { closes.withLock { $0 += 1 } }
}

/// Sends a tick whenever its deadline passes.
final class TickingSource: EventSource {
    private let interval: UInt64
    init(intervalMilliseconds: UInt64) { interval = intervalMilliseconds * 1_000_000 }
    func opened(_ stream: EventStream) {}
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        output.append(Array("tick\n".utf8))
        return .idle(until: now + interval)
    }
    func closed() {}
}

/// A server that streams a log at every path but "/plain".
struct StreamServer {
    let log = FrameLog()
    let base: TestServer

    init(batch: Int = 100, configure: (inout HTTPDaemon.Configuration) -> Void = { _ in }) throws {
        let log = log
        base = try TestServer(configure: configure, onWake: { log.scheduleAll() }) { request in
            if request.path == "/plain" { return .answer(.response(TestServer.text("plain"))) }
            return .answer(.stream(StreamServer.head, LogSource(log, batch: batch)))
        }
    }

    static let head: HTTPStreamHead = {
        var headers = HTTPHeaders()
        headers.add("Content-Type", "text/event-stream")
        return HTTPStreamHead(headers: headers)
    }()

    func publish(_ frames: [[UInt8]]) {
        log.append(frames)
        base.server.wakeStreams()
    }

    func end() {
        log.end()
        base.server.wakeStreams()
    }

    func subscribe() throws -> TestClient {
        let client = try base.connect()
        try client.sendRequest("GET", "/events")
        return client
    }

    static func frames(_ range: Range<Int>) -> [[UInt8]] {
        range.map { Array("data: \($0) \(String(repeating: "x", count: $0 % 200))\n\n".utf8) }
    }
}

extension ServerTests {
    @Suite struct StreamTests {
        @Test(
            "A stream has the promised head, follows the log and ends with the connection", arguments: ["1.1", "1.0"])
        func streams(version: String) throws {
            let server = try StreamServer()
            let client = try server.base.connect()
            try client.send("GET / HTTP/\(version)\r\nHost: x\r\n\r\n")
            let head = try client.readResponseHead()
            #expect(head.status == 200 && head.header("Content-Type") == "text/event-stream")
            #expect(head.header("Connection") == "close" && head.header("Date") != nil)
            #expect(head.header("Transfer-Encoding") == nil && head.header("Content-Length") == nil)
            for number in 0..<20 {
                server.publish([Array("n\(number)\n".utf8)])
                #expect(try client.read(through: "\n") == "n\(number)\n")
            }
            server.publish([Array("last\n".utf8)])
            server.end()
            #expect(try client.readToEnd() == Array("last\n".utf8))
            #expect(eventually { server.base.server.statistics.streams == 0 })
            #expect(server.log.state.withLock { $0.closed } == 1)
        }

        @Test("200 subscribers get the same 1,000 frames in order, and `.end` flushes all of them")
        func fanOut() throws {
            let server = try StreamServer()
            let clients = try (0..<200).map { _ in try server.subscribe() }
            #expect(eventually { server.base.server.statistics.streams == 200 })
            for start in stride(from: 0, to: 1_000, by: 50) { server.publish(StreamServer.frames(start..<start + 50)) }
            server.end()
            let expected = StreamServer.frames(0..<1_000).concatenated()
            for client in clients {
                _ = try client.readResponseHead()
                #expect(try client.readToEnd() == expected)
            }
            #expect(eventually { server.log.state.withLock { $0.closed } == 200 })
            #expect(server.log.state.withLock { $0.calledAfterClose } == 0)
            #expect(eventually { server.base.server.statistics.connections == 0 })
        }

        @Test("A replay far larger than the socket's buffer arrives whole")
        func replays() throws {
            let server = try StreamServer(batch: 1_000)
            let frames = StreamServer.frames(0..<200_000)
            server.log.append(frames)
            server.log.end()
            let client = try server.subscribe()
            _ = try client.readResponseHead()
            #expect(try client.readToEnd() == frames.concatenated())
        }

        @Test("A client that leaves is closed at once, also when nothing is sent or much is", arguments: [false, true])
        func leaves(reset: Bool) throws {
            let endless = EndlessSource(pieceBytes: 1_000)
            let log = FrameLog()
            let server = try TestServer { request in
                .answer(.stream(StreamServer.head, request.path == "/endless" ? endless : LogSource(log)))
            }
            let quiet = try server.connect()
            try quiet.sendRequest("GET", "/quiet")
            _ = try quiet.readResponseHead()
            let busy = try server.connect()
            try busy.sendRequest("GET", "/endless")
            _ = try busy.read(1 << 20)
            #expect(server.server.statistics.streams == 2)
            // Bytes after the request are ignored, and don't hide the end.
            try quiet.send([UInt8](repeating: 0, count: 1 << 20))
            for client in [quiet, busy] { if reset { client.reset() } else { client.close() } }
            #expect(eventually(within: 5) { server.server.statistics.streams == 0 })
            #expect(endless.closes.withLock { $0 } == 1 && log.state.withLock { $0.closed } == 1)
            #expect(eventually { server.server.statistics.connections == 0 })
        }

        @Test("A client that stops reading disturbs no one, and gets all of it when it reads on")
        func stalls() throws {
            let server = try StreamServer(configure: { $0.streamSendBufferBytes = 16_384 })
            let stalled = try TestClient(port: server.base.port, receiveBuffer: 4_096)
            try stalled.sendRequest()
            let readers = try (0..<5).map { _ in try server.subscribe() }
            for reader in readers { _ = try reader.readResponseHead() }
            let frames = StreamServer.frames(0..<20_000)
            let expected = frames.concatenated()
            for start in stride(from: 0, to: frames.count, by: 1_000) {
                server.publish(Array(frames[start..<start + 1_000]))
                let bytes = frames[start..<start + 1_000].reduce(0) { $0 + $1.count }
                for reader in readers { _ = try reader.read(bytes) }
            }
            #expect(try server.base.connect().request("GET", "/plain").text == "plain")
            server.end()
            for reader in readers { #expect(try reader.readToEnd().isEmpty) }
            _ = try stalled.readResponseHead()
            #expect(try stalled.readToEnd() == expected)
        }

        @Test("A client that doesn't take the end of its stream is given up in time")
        func givesUp() throws {
            let server = try StreamServer(configure: {
                $0.streamTimeoutSeconds = 1
                $0.streamSendBufferBytes = 16_384
            })
            let stalled = try TestClient(port: server.base.port, receiveBuffer: 4_096)
            try stalled.sendRequest()
            server.publish(StreamServer.frames(0..<50_000))
            server.end()
            #expect(eventually { server.log.state.withLock { $0.closed } == 1 })
            #expect(eventually { server.base.server.statistics.connections == 0 })
        }

        @Test("While replays take all they can, something new on another stream comes through")
        func fairness() throws {
            let endless = EndlessSource(pieceBytes: 64 * 1_024)
            let log = FrameLog()
            let server = try TestServer(onWake: { log.scheduleAll() }) { request in
                .answer(.stream(StreamServer.head, request.path == "/endless" ? endless : LogSource(log)))
            }
            let isDone = Locked(false, rank: .leaf)
            let port = server.port
            let greedy = (0..<4).map { _ in
                Thread(name: "greedy") {
                    guard let client = try? TestClient(port: port) else { return }
                    try? client.sendRequest("GET", "/endless")
                    while !isDone.withLock({ $0 }), (try? client.read(1 << 18)) != nil {}
                }
            }
            let client = try server.connect()
            try client.sendRequest("GET", "/live")
            _ = try client.readResponseHead()
            for number in 0..<200 {
                log.append([Array("n\(number)\n".utf8)])
                server.server.streams.wake()
                #expect(try client.read(through: "\n") == "n\(number)\n")
            }
            isDone.withLock { $0 = true }
            for thread in greedy { thread.join() }
        }

        @Test("Deadlines come in time, again and again")
        func deadlines() throws {
            let server = try TestServer { _ in
                .answer(.stream(StreamServer.head, TickingSource(intervalMilliseconds: 5)))
            }
            let clients = try (0..<3).map { _ in try server.connect() }
            for client in clients { try client.sendRequest() }
            for client in clients {
                _ = try client.readResponseHead()
                for _ in 0..<50 { #expect(try client.read(through: "\n") == "tick\n") }
            }
        }

        @Test("The head of a stream alone is the answer to HEAD")
        func headOnly() throws {
            let server = try StreamServer()
            server.publish([Array("unheard\n".utf8)])
            let client = try server.base.connect()
            try client.sendRequest("HEAD", "/events")
            let head = try client.readResponseHead()
            #expect(head.status == 200 && head.header("Content-Type") == "text/event-stream")
            #expect(try client.readToEnd().isEmpty)
            #expect(server.log.state.withLock { $0.opened } == 0)
        }

        @Test("Streams count as connections: clients beyond the limit are turned away until one leaves")
        func connectionLimit() throws {
            let server = try StreamServer(configure: {
                $0.maxConnections = 3
                $0.streamLimit = 2
            })
            var streams = try (0..<2).map { _ in try server.subscribe() }
            for stream in streams { _ = try stream.readResponseHead() }
            #expect(eventually { server.base.server.statistics.connections == 2 })
            let client = try server.base.connect()
            #expect(try client.request("GET", "/plain").text == "plain")
            #expect(try server.base.connect().isClosedByServer())
            streams.removeLast().close()
            #expect(eventually { server.base.server.statistics.connections == 2 })
            #expect(try server.base.connect().request("GET", "/plain").text == "plain")
        }

        @Test("Streams beyond their limit are refused, and other requests are still served")
        func streamLimit() throws {
            let server = try StreamServer(configure: { $0.streamLimit = 2 })
            var streams = try (0..<2).map { _ in try server.subscribe() }
            for stream in streams { _ = try stream.readResponseHead() }
            let client = try server.base.connect()
            let refused = try client.request("GET", "/events")
            #expect(refused.status == 503 && refused.text == "too-many-streams")
            #expect(refused.header("Retry-After") == "1")
            #expect(try client.request("GET", "/plain").text == "plain")
            streams.removeLast().close()
            #expect(eventually { server.base.server.statistics.streams == 1 })
            #expect(try server.subscribe().readResponseHead().status == 200)
        }
    }
}
