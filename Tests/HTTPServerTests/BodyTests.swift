import HTTPServer
import TestSupport
import Testing
import Threads

/// Hashes what it gets; holds up the first piece until told to go on.
final class HashingConsumer: BodyConsumer {
    struct State {
        var bytes = 0
        /// Depends on the bytes and their order, not on how they were cut into pieces.
        var hasher = Hasher()
        var end: BodyEnd?
    }
    let state = Locked(State(), rank: .leaf)
    let gate: Gate?

    init(gate: Gate? = nil) { self.gate = gate }

    func consume(_ piece: [UInt8]) {
        gate?.wait()
        state.withLock { state in
            state.bytes += piece.count
            unsafe piece.withUnsafeBytes { unsafe state.hasher.combine(bytes: $0) }
        }
    }

    func finish(_ end: BodyEnd) -> HTTPAnswer {
        let state = state.withLock { state in
            state.end = end
            return state
        }
        return .response(TestServer.text("\(state.bytes) \(state.hasher.finalize())"))
    }

    static func answer(to body: [UInt8]) -> String {
        var hasher = Hasher()
        unsafe body.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return "\(body.count) \(hasher.finalize())"
    }
}

/// Produces `total` bytes in pieces as asked.
final class CountingProducer: BodyProducer {
    struct State {
        var left: Int
        var calls = 0
        var cancels = 0
        var isRunning = false
        var overlaps = 0
    }
    let state: Locked<State>

    init(total: Int) { state = Locked(State(left: total), rank: .leaf) }

    func produce(into buffer: inout [UInt8], limit: Int) -> Bool {
        state.withLock { state in
            if state.isRunning { state.overlaps += 1 }
            state.isRunning = true
            state.calls += 1
            let count = min(limit, state.left)
            for index in 0..<count { buffer.append(UInt8(truncatingIfNeeded: (state.left - index) % 251)) }
            state.left -= count
            state.isRunning = false
            return state.left > 0
        }
    }

    func cancel() {
        state.withLock { state in
            if state.isRunning { state.overlaps += 1 }
            state.cancels += 1
        }
    }
}

extension ServerTests {
    @Suite struct BodyTests {
        @Test("A body of 64 MiB reaches its consumer whole and in order, and waits for it")
        func streamsUpload() throws {
            let gate = Gate()
            let consumer = HashingConsumer(gate: gate)
            let server = try TestServer { _ in .consume(consumer) }
            var random = SeededGenerator(seed: 1)
            let block = (0..<(1 << 16)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let body = (0..<1_024).map { [UInt8($0 & 0xFF)] + block.dropFirst() }.concatenated()
            let sent = Locked(0, rank: .leaf)
            let answer = Locked<String?>(nil, rank: .leaf)
            let port = server.port
            let sender = Thread(name: "upload") {
                guard let client = try? TestClient(port: port) else { return }
                let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n"
                guard (try? client.send(head)) != nil else { return }
                for start in stride(from: 0, to: body.count, by: 1 << 16) {
                    guard (try? client.send(Array(body[start..<start + (1 << 16)]))) != nil else { return }
                    sent.withLock { $0 += 1 << 16 }
                }
                let text = try? client.readResponse().text
                answer.withLock { $0 = text }
            }
            // While nothing is consumed, the client gets rid of what the server and the sockets hold, and no more.
            #expect(eventually { server.server.statistics.suspended == 1 })
            var before = -1
            #expect(
                eventually {
                    let now = sent.withLock { $0 }
                    defer { before = now }
                    return now == before
                })
            #expect(before < 24 << 20)
            #expect(consumer.state.withLock { $0.bytes } == 0)
            gate.open()
            sender.join()
            #expect(body.count == 64 << 20 && answer.withLock { $0 } == HashingConsumer.answer(to: body))
        }

        @Test("A consumer learns that the client left in the middle of the body")
        func cutUpload() throws {
            let consumer = HashingConsumer()
            let server = try TestServer { _ in .consume(consumer) }
            let client = try server.connect()
            try client.sendRequest("POST", headers: ["Content-Length: 1000"])
            try client.send("abc")
            #expect(eventually { consumer.state.withLock { $0.bytes } == 3 })
            client.close()
            #expect(eventually { if case .cut? = consumer.state.withLock({ $0.end }) { true } else { false } })
        }

        @Test(
            "A client that leaves together with its header, or with a part of its body, is let go at once",
            arguments: ["", "abc"], ["/consume", "/collect", "/drop"])
        func leavesWithBody(part: String, path: String) throws {
            let server = try TestServer { request in
                switch request.path {
                case "/consume": .consume(HashingConsumer())
                case "/collect": .collect(limit: 1 << 20) { _ in .response(TestServer.text("")) }
                default: .answer(.response(TestServer.text("")))
                }
            }
            for _ in 0..<20 {
                let client = try server.connect()
                try client.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n\(part)")
                client.close()
            }
            #expect(eventually { server.server.statistics.requests == 20 })
            #expect(eventually { server.server.statistics.connections == 0 })
        }

        @Test("A consumer learns of broken chunks")
        func brokenChunks() throws {
            let consumer = HashingConsumer()
            let server = try TestServer { _ in .consume(consumer) }
            let client = try server.connect()
            try client.sendRequest("POST", headers: ["Transfer-Encoding: chunked"])
            try client.send("3\r\nabc\r\nzz\r\n")
            #expect(eventually { if case .cut? = consumer.state.withLock({ $0.end }) { true } else { false } })
            #expect(try client.readResponse().status == 400)
        }

        @Test("Chunked pieces arrive whole and in order, whatever their sizes", arguments: UInt64(1)...4)
        func chunkedUpload(seed: UInt64) throws {
            var random = SeededGenerator(seed: seed)
            let consumer = HashingConsumer()
            let server = try TestServer { _ in .consume(consumer) }
            let client = try server.connect()
            try client.sendRequest("POST", headers: ["Transfer-Encoding: chunked"])
            var body: [UInt8] = []
            for _ in 0..<200 {
                let chunk = [UInt8](
                    repeating: .random(in: 0...255, using: &random), count: .random(in: 1...20_000, using: &random))
                body += chunk
                try client.send("\(String(chunk.count, radix: 16))\r\n")
                try client.send(chunk + [13, 10])
            }
            try client.send("0\r\n\r\n")
            #expect(try client.readResponse().text == HashingConsumer.answer(to: body))
        }

        @Test("A produced body of 10 MiB arrives whole, chunked or until the close", arguments: ["1.1", "1.0"])
        func produces(version: String) throws {
            let producer = CountingProducer(total: 10 << 20)
            let server = try TestServer { _ in
                .answer(.work { .response(HTTPResponse(status: 200, body: .produced(producer))) })
            }
            let client = try server.connect()
            try client.send("GET / HTTP/\(version)\r\nHost: x\r\n\r\n")
            let response = try client.readResponse()
            #expect(response.header("Transfer-Encoding") == (version == "1.1" ? "chunked" : nil))
            #expect(response.body.count == 10 << 20)
            let expected = (0..<response.body.count).map { UInt8(truncatingIfNeeded: ((10 << 20) - $0) % 251) }
            #expect(response.body == expected)
            let state = producer.state.withLock { $0 }
            #expect(state.cancels == 0 && state.overlaps == 0 && state.calls >= 10)
        }

        @Test("A producer is cancelled, once, when its client leaves in the middle")
        func cancelsProducer() throws {
            let producer = CountingProducer(total: .max)
            let server = try TestServer { _ in .answer(.response(HTTPResponse(status: 200, body: .produced(producer))))
            }
            let client = try server.connect()
            try client.sendRequest()
            _ = try client.read(1 << 20)
            client.reset()
            #expect(eventually { producer.state.withLock { $0.cancels } == 1 })
            #expect(eventually { server.server.statistics.connections == 0 })
            let state = producer.state.withLock { $0 }
            #expect(state.cancels == 1 && state.overlaps == 0)
        }

        @Test("A producer isn't run ahead of its client")
        func producerWaits() throws {
            let producer = CountingProducer(total: .max)
            let server = try TestServer { _ in .answer(.response(HTTPResponse(status: 200, body: .produced(producer))))
            }
            let client = try TestClient(port: server.port, receiveBuffer: 4_096)
            try client.sendRequest()
            var before = 0
            #expect(
                eventually {
                    let calls = producer.state.withLock { $0.calls }
                    defer { before = calls }
                    return calls > 1 && calls == before
                })
            #expect(before < 100)
        }

        @Test("HEAD cancels the producer, and nothing of the body is sent")
        func headOfProduced() throws {
            let producer = CountingProducer(total: 100)
            let server = try TestServer { _ in .answer(.response(HTTPResponse(status: 200, body: .produced(producer))))
            }
            let client = try server.connect()
            try client.sendRequest("HEAD")
            let head = String(decoding: try client.readToEnd(), as: UTF8.self)
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"))
            #expect(!head.contains("Content-Length"))
            #expect(eventually { producer.state.withLock { $0.cancels } == 1 })
            #expect(producer.state.withLock { $0.calls } == 0)
        }
    }
}
