import HTTPServer
import TestSupport
import Testing
import Threads

extension ServerTests {
    /// Where the two ways of sending differ.
    @Suite struct StreamSendingTests {
        @Test(
            "By its socket: a client that leaves is noticed at once, whether much is sent or nothing",
            arguments: [false, true])
        func socketLeaves(reset: Bool) throws {
            let endless = EndlessSource(pieceBytes: 1_000)
            let log = FrameLog()
            let server = try Self.server(.socket, endless, log)
            let (quiet, busy) = try (Self.open("/quiet", server), Self.open("/endless", server))
            _ = try busy.read(1 << 20)
            #expect(server.server.statistics.streams == 2)
            // Bytes after the request are ignored, and don't hide the end.
            try quiet.send([UInt8](repeating: 0, count: 1 << 20))
            for client in [quiet, busy] { if reset { client.reset() } else { client.close() } }
            #expect(eventually(within: 5) { server.server.statistics.streams == 0 })
            #expect(endless.closes.withLock { $0 } == 1 && log.state.withLock { $0.closed } == 1)
            #expect(eventually { server.server.statistics.connections == 0 })
        }

        @Test(
            "Through libmicrohttpd: a client that leaves is noticed when something is sent to it, and only then",
            arguments: [false, true])
        func callbackLeaves(reset: Bool) throws {
            let endless = EndlessSource(pieceBytes: 1_000)
            let log = FrameLog()
            let server = try Self.server(.callback, endless, log)
            let (quiet, busy) = try (Self.open("/quiet", server), Self.open("/endless", server))
            _ = try busy.read(1 << 20)
            for client in [quiet, busy] { if reset { client.reset() } else { client.close() } }
            #expect(eventually(within: 5) { endless.closes.withLock { $0 } == 1 })
            #expect(server.server.statistics.streams == 1 && log.state.withLock { $0.closed } == 0)
            #expect(
                eventually(within: 5) {
                    log.append([Array("beat\n".utf8)])
                    server.server.streams.wake()
                    return log.state.withLock { $0.closed } == 1
                })
            #expect(server.server.statistics.streams == 0 && log.state.withLock { $0.calledAfterClose } == 0)
            #expect(eventually { server.server.statistics.connections == 0 })
        }

        @Test("By its socket: streams count as connections, and clients beyond the limit are turned away")
        func connectionLimit() throws {
            let server = try StreamServer(configure: {
                $0.maxConnections = 3
                $0.streamLimit = 2
            })
            var streams = try (0..<2).map { _ in try server.subscribe() }
            #expect(eventually { server.base.server.statistics.connections == 2 })
            let client = try server.base.connect()
            #expect(try client.request("GET", "/plain").text == "plain")
            #expect(try server.base.connect().isClosedByServer())
            streams.removeLast().close()
            #expect(eventually { server.base.server.statistics.connections == 2 })
            #expect(try server.base.connect().request("GET", "/plain").text == "plain")
        }

        private static func server(
            _ sending: StreamSending, _ endless: EndlessSource, _ log: FrameLog
        ) throws -> TestServer {
            try TestServer(configure: { $0.streamSending = sending }, onWake: { log.scheduleAll() }) { request in
                .answer(.stream(StreamServer.head, request.path == "/endless" ? endless : LogSource(log)))
            }
        }

        private static func open(_ path: String, _ server: TestServer) throws -> StreamClient {
            let client = try server.connect()
            try client.sendRequest("GET", path)
            return try StreamClient(client)
        }
    }
}
