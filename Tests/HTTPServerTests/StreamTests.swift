import HTTPServer
import TestSupport
import Testing
import Threads

typealias StreamSending = HTTPDaemon.StreamSending

extension ServerTests {
    /// What holds of event streams however they are sent.
    @Suite struct StreamTests {
        @Test(
            "A stream has the promised head, follows the log and ends with the connection",
            arguments: StreamSending.allCases, ["1.1", "1.0"])
        func streams(sending: StreamSending, version: String) throws {
            let server = try StreamServer(sending)
            let connection = try server.base.connect()
            try connection.send("GET / HTTP/\(version)\r\nHost: x\r\n\r\n")
            let client = try StreamClient(connection)
            let head = client.head
            #expect(head.status == 200 && head.header("Content-Type") == "text/event-stream")
            #expect(head.header("Connection") == "close" && head.header("Date") != nil)
            let isChunked = sending == .callback && version == "1.1"
            #expect(head.header("Transfer-Encoding") == (isChunked ? "chunked" : nil))
            #expect(head.header("Content-Length") == nil)
            for number in 0..<20 {
                server.publish([Array("n\(number)\n".utf8)])
                #expect(try client.readLine() == "n\(number)\n")
            }
            server.publish([Array("last\n".utf8)])
            server.end()
            #expect(try client.readToEnd() == Array("last\n".utf8))
            #expect(eventually { server.base.server.statistics.streams == 0 })
            #expect(eventually { server.log.state.withLock { $0.closed } == 1 })
        }

        @Test(
            "200 subscribers get the same 1,000 frames in order, and `.end` flushes all of them",
            arguments: StreamSending.allCases)
        func fanOut(sending: StreamSending) throws {
            let server = try StreamServer(sending)
            let clients = try (0..<200).map { _ in try server.subscribe() }
            #expect(server.base.server.statistics.streams == 200)
            for start in stride(from: 0, to: 1_000, by: 50) { server.publish(StreamServer.frames(start..<start + 50)) }
            server.end()
            let expected = StreamServer.frames(0..<1_000).concatenated()
            for client in clients { #expect(try client.readToEnd() == expected) }
            #expect(eventually { server.log.state.withLock { $0.closed } == 200 })
            #expect(server.log.state.withLock { $0.calledAfterClose } == 0)
            #expect(eventually { server.base.server.statistics.connections == 0 })
        }

        @Test("A replay far larger than the socket's buffer arrives whole", arguments: StreamSending.allCases)
        func replays(sending: StreamSending) throws {
            let server = try StreamServer(sending, batch: 1_000)
            let frames = StreamServer.frames(0..<200_000)
            server.log.append(frames)
            server.log.end()
            #expect(try server.subscribe().readToEnd() == frames.concatenated())
        }

        @Test(
            "A client that stops reading disturbs no one, and gets all of it when it reads on",
            arguments: StreamSending.allCases)
        func stalls(sending: StreamSending) throws {
            let server = try StreamServer(sending, configure: { $0.streamSendBufferBytes = 16_384 })
            let stalled = try TestClient(port: server.base.port, receiveBuffer: 4_096)
            try stalled.sendRequest()
            let readers = try (0..<5).map { _ in try server.subscribe() }
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
            #expect(try StreamClient(stalled).readToEnd() == expected)
        }

        @Test("A source is not asked for more than a slow client can take", arguments: StreamSending.allCases)
        func backpressure(sending: StreamSending) throws {
            let server = try StreamServer(sending, batch: 10, configure: { $0.streamSendBufferBytes = 16_384 })
            let stalled = try TestClient(port: server.base.port, receiveBuffer: 4_096)
            try stalled.sendRequest()
            let reader = try server.subscribe()
            // 16 MB, of which the client's system, ours and the pipe take about 1 MB at most.
            let frames = (0..<1_000).map { _ in [UInt8](repeating: UInt8(ascii: "b"), count: 16_384) }
            server.publish(frames)
            _ = try reader.read(frames.count * 16_384)
            #expect(server.log.state.withLock { $0.asked.min() ?? 0 } < 200)
            server.end()
            #expect(try StreamClient(stalled).readToEnd().count == frames.count * 16_384)
        }

        @Test("A client that doesn't take the end of its stream is given up in time", arguments: StreamSending.allCases)
        func givesUp(sending: StreamSending) throws {
            let server = try StreamServer(
                sending,
                configure: {
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

        @Test(
            "While replays take all they can, something new on another stream comes through",
            arguments: StreamSending.allCases)
        func fairness(sending: StreamSending) throws {
            let endless = EndlessSource(pieceBytes: 64 * 1_024)
            let log = FrameLog()
            let server = try TestServer(
                configure: { $0.streamSending = sending }, onWake: { log.scheduleAll() }
            ) { request in
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
            let connection = try server.connect()
            try connection.sendRequest("GET", "/live")
            let client = try StreamClient(connection)
            for number in 0..<200 {
                log.append([Array("n\(number)\n".utf8)])
                server.server.streams.wake()
                #expect(try client.readLine() == "n\(number)\n")
            }
            isDone.withLock { $0 = true }
            for thread in greedy { thread.join() }
        }

        @Test("Deadlines come in time, again and again", arguments: StreamSending.allCases)
        func deadlines(sending: StreamSending) throws {
            let server = try TestServer(configure: { $0.streamSending = sending }) { _ in
                .answer(.stream(StreamServer.head, TickingSource(intervalMilliseconds: 5)))
            }
            let connections = try (0..<3).map { _ in try server.connect() }
            for connection in connections { try connection.sendRequest() }
            for connection in connections {
                let client = try StreamClient(connection)
                for _ in 0..<50 { #expect(try client.readLine() == "tick\n") }
            }
        }

        @Test("The head of a stream alone is the answer to HEAD", arguments: StreamSending.allCases)
        func headOnly(sending: StreamSending) throws {
            let server = try StreamServer(sending)
            server.publish([Array("unheard\n".utf8)])
            let client = try server.base.connect()
            try client.sendRequest("HEAD", "/events")
            let head = try client.readResponseHead()
            #expect(head.status == 200 && head.header("Content-Type") == "text/event-stream")
            #expect(try client.readToEnd().isEmpty)
            #expect(server.log.state.withLock { $0.opened } == 0)
        }

        @Test(
            "Streams beyond their limit are refused, and other requests are still served",
            arguments: StreamSending.allCases)
        func streamLimit(sending: StreamSending) throws {
            let server = try StreamServer(sending, configure: { $0.streamLimit = 2 })
            var streams = try (0..<2).map { _ in try server.subscribe() }
            let client = try server.base.connect()
            let refused = try client.request("GET", "/events")
            #expect(refused.status == 503 && refused.text == "too-many-streams")
            #expect(refused.header("Retry-After") == "1")
            #expect(try client.request("GET", "/plain").text == "plain")
            streams.removeLast().close()
            // Through libmicrohttpd, only what is sent meets with a client that has left.
            #expect(
                eventually {
                    server.publish([Array("beat\n".utf8)])
                    return server.base.server.statistics.streams == 1
                })
            #expect(try server.subscribe().head.status == 200)
        }
    }
}
