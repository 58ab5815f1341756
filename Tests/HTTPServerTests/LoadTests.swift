import HTTPServer
import TestSupport
import Testing
import Threads

extension ServerTests {
    @Suite struct LoadTests {
        @Test("Every one of many connections that are ready at once is answered", arguments: [127, 128, 129, 256])
        func manyAtOnce(count: Int) throws {
            let server = try TestServer(plan: TestServer.echo)
            let clients = try (0..<count).map { _ in try server.connect() }
            for round in 0..<5 {
                for (index, client) in clients.enumerated() { try client.sendRequest("GET", "/\(round)/\(index)") }
                for (index, client) in clients.enumerated() {
                    #expect(try client.readResponse().text == "GET /\(round)/\(index)")
                }
            }
            #expect(server.server.statistics.requests == 5 * count)
        }

        @Test("Other connections go on while workers are busy, and what waits is answered in the end")
        func slowWork() throws {
            let gate = Gate()
            let server = try TestServer { request in
                if request.path == "/fast" { return .answer(.response(TestServer.text("fast"))) }
                return .answer(
                    .work {
                        gate.wait()
                        return .work { .response(TestServer.text("slow")) }
                    })
            }
            let slow = try (0..<4).map { _ in try server.connect() }
            for client in slow { try client.sendRequest("GET", "/slow") }
            let fast = try server.connect()
            for _ in 0..<100 { #expect(try fast.request("GET", "/fast").text == "fast") }
            #expect(eventually { server.server.statistics.suspended == 4 })
            gate.open()
            for client in slow { #expect(try client.readResponse().text == "slow") }
        }

        @Test("Work beyond the queue's capacity is refused with 503 and Retry-After; accepted work is finished")
        func tooBusy() throws {
            let gate = Gate()
            let started = Locked(0, rank: .leaf)
            let server = try TestServer(configure: {
                $0.workers = 1
                $0.workQueueCapacity = 2
            }) { _ in
                .answer(
                    .work {
                        started.withLock { $0 += 1 }
                        gate.wait()
                        return .response(TestServer.text("done"))
                    })
            }
            let first = try server.connect()
            try first.sendRequest()
            #expect(eventually { started.withLock { $0 } == 1 })
            let waiting = try (0..<2).map { _ in try server.connect() }
            for client in waiting { try client.sendRequest() }
            #expect(eventually { server.server.statistics.suspended == 3 })
            let refused = try server.connect().request()
            #expect(refused.status == 503 && refused.text == "too-busy" && refused.header("Retry-After") == "1")
            gate.open()
            for client in [first] + waiting { #expect(try client.readResponse().text == "done") }
        }

        @Test("At the limit of connections, a further client is served once another one leaves")
        func connectionLimit() throws {
            let limits: (inout HTTPDaemon.Configuration) -> Void = { configuration in
                (configuration.maxConnections, configuration.reservedConnections) = (4, 0)
            }
            let server = try TestServer(configure: limits, plan: TestServer.echo)
            var clients = try (0..<4).map { _ in try server.connect() }
            for client in clients { #expect(try client.request().status == 200) }
            let late = try server.connect()
            try late.sendRequest()
            #expect(try clients[0].request().status == 200)
            #expect(server.server.statistics.connections == 4)
            clients.removeLast()
            #expect(try late.readResponse().status == 200)
        }

        @Test("A header that doesn't come to its end, however busily it is sent, costs the connection")
        func slowHeader() throws {
            let server = try TestServer(configure: { $0.idleTimeoutSeconds = 1 }, plan: TestServer.echo)
            let client = try server.connect()
            try client.send("GET / HTTP/1.1\r\n")
            #expect(throws: TestClientError.self) {
                while eventually(within: 0, { true }) {
                    try client.send("X: y\r\n")
                    _ = eventually(within: 0) { false }
                }
            }
        }

        @Test("An idle connection is closed")
        func idle() throws {
            let server = try TestServer(configure: { $0.idleTimeoutSeconds = 1 }, plan: TestServer.echo)
            let client = try server.connect()
            #expect(try client.request().status == 200)
            #expect(client.isClosedByServer())
            #expect(eventually { server.server.statistics.connections == 0 })
        }
    }
}
