import Glibc
import HTTPServer
import TestSupport
import Testing
import Threads

extension ServerTests {
    @Suite struct LifecycleTests {
        @Test("Port 0 is replaced by the port in use, on IPv4 and IPv6 at once")
        func bindsSeveral() throws {
            let configuration = HTTPDaemon.Configuration(
                listen: [ListenAddress(host: "127.0.0.1", port: 0), ListenAddress(host: "::1", port: 0)])
            let server = try HTTPDaemon(
                configuration: configuration, application: TestApplication(planning: TestServer.echo))
            for address in server.boundAddresses {
                #expect(address.port != 0)
                let client = try TestClient(port: address.port, host: address.host)
                #expect(try client.request("GET", "/x").text == "GET /x")
            }
            let peers = server.boundAddresses.map { "\($0)" }
            #expect(peers[1].hasPrefix("[::1]:"))
        }

        @Test(
            "Addresses are read as HOST:PORT",
            arguments: [
                ("127.0.0.1:80", "127.0.0.1", 80), ("[::1]:8080", "::1", 8080), ("0.0.0.0:0", "0.0.0.0", 0),
            ])
        func readsAddresses(text: String, host: String, port: UInt16) {
            #expect(ListenAddress(text) == ListenAddress(host: host, port: port))
            #expect(ListenAddress(text)?.description == text)
        }

        @Test(
            "What isn't HOST:PORT is no address",
            arguments: ["", "80", ":80", "::1:80", "a:", "a:65536", "[]:1", "a:-1"])
        func refusesAddresses(text: String) { #expect(ListenAddress(text) == nil) }

        @Test("A port that is taken is told with address, errno and advice")
        func portTaken() throws {
            let first = try TestServer(plan: TestServer.echo)
            let taken = ListenAddress(host: "127.0.0.1", port: first.port)
            let error = #expect(throws: HTTPServerError.self) {
                _ = try HTTPDaemon(
                    configuration: HTTPDaemon.Configuration(listen: [ListenAddress(host: "127.0.0.1", port: 0), taken]),
                    application: TestApplication(planning: TestServer.echo))
            }
            #expect(error?.operation == .listen && error?.address == taken && error?.errno == EADDRINUSE)
            #expect(error?.message == "127.0.0.1:\(first.port) is already in use; choose another port with --listen")
        }

        @Test("A name is not an address")
        func needsLiteral() {
            let error = #expect(throws: HTTPServerError.self) {
                _ = try HTTPDaemon(
                    configuration: HTTPDaemon.Configuration(listen: [ListenAddress(host: "localhost", port: 0)]),
                    application: TestApplication(planning: TestServer.echo))
            }
            #expect(error?.errno == EINVAL)
        }

        @Test("More connections than the process may open are reduced, with a note")
        func fitsToProcess() throws {
            let server = try TestServer(configure: { $0.maxConnections = 1 << 30 }, plan: TestServer.echo)
            #expect(server.server.notes.count == 1)
            #expect(server.server.notes[0].contains("instead of 1073741824"))
        }

        @Test("A request's peer is the client's address")
        func peer() throws {
            let server = try TestServer { .answer(.response(TestServer.text($0.peer))) }
            #expect(try server.connect().request().text.hasPrefix("127.0.0.1:"))
        }

        @Test(
            "Stopping answers what workers are busy with, and ends streams, uploads, bodies and idle connections",
            arguments: StreamSending.allCases)
        func stopsWithEverythingOpen(sending: StreamSending) throws {
            let gate = Gate()
            let log = FrameLog()
            let consumer = HashingConsumer()
            let producer = CountingProducer(total: .max)
            let started = Gate()
            let server = try TestServer(configure: {
                $0.workers = 4
                $0.streamSending = sending
            }) { request in
                switch request.path {
                case "/work":
                    .answer(
                        .work {
                            started.open()
                            gate.wait()
                            return .response(TestServer.text("worked"))
                        })
                case "/stream": .answer(.stream(StreamServer.head, LogSource(log)))
                case "/upload": .consume(consumer)
                case "/download": .answer(.response(HTTPResponse(status: 200, body: .produced(producer))))
                default: .answer(.response(TestServer.text("")))
                }
            }
            let clients = try (0..<5).map { _ in try server.connect() }
            for (client, path) in zip(clients, ["/work", "/stream", "/upload", "/download", "/idle"]) {
                try client.sendRequest("POST", path, headers: path == "/upload" ? ["Content-Length: 1000"] : [])
            }
            try clients[2].send("abc")
            started.wait()
            let stream = try StreamClient(clients[1])
            _ = try clients[3].read(1 << 20)
            #expect(try clients[4].readResponse().status == 200)
            #expect(eventually { consumer.state.withLock { $0.bytes } == 3 })
            let stopper = Thread(name: "stop") { server.server.stop() }
            // The stream ends while the worker is still busy.
            #expect(try stream.readToCut().isEmpty)
            gate.open()
            stopper.join()
            #expect(try clients[0].readResponse().text == "worked")
            #expect(clients[0].isClosedByServer() && clients[4].isClosedByServer())
            #expect(throws: TestClientError.self) { try TestClient(port: server.port) }
            #expect(log.state.withLock { $0.closed == 1 && $0.calledAfterClose == 0 })
            #expect(producer.state.withLock { $0.cancels == 1 && $0.overlaps == 0 })
            if case .cut? = consumer.state.withLock({ $0.end }) {} else { Issue.record("the upload was not cut") }
            server.server.stop()
        }

        @Test(
            "Draining lets a stream go on until its source ends it, and answers with Connection: close",
            arguments: StreamSending.allCases)
        func drains(sending: StreamSending) throws {
            let gate = Gate()
            let server = try StreamServer(sending)
            let stream = try server.subscribe()
            let client = try server.base.connect()
            #expect(try client.request("GET", "/plain").header("Connection") == nil)
            let drainer = Thread(name: "drain") {
                server.base.server.drain(deadlineSeconds: 60)
                gate.open()
            }
            let port = server.base.port
            #expect(eventually { (try? TestClient(port: port)) == nil })
            #expect(try client.request("GET", "/plain").header("Connection") == "close")
            server.publish([Array("bye\n".utf8)])
            server.end()
            #expect(try stream.readToEnd() == Array("bye\n".utf8))
            gate.wait()
            drainer.join()
        }

        @Test("A second, harder stop shortens a drain, and both return", arguments: StreamSending.allCases)
        func stopDuringDrain(sending: StreamSending) throws {
            let server = try StreamServer(sending)
            let stream = try server.subscribe()
            let drainer = Thread(name: "drain") { server.base.server.drain(deadlineSeconds: 3_600) }
            let port = server.base.port
            #expect(eventually { (try? TestClient(port: port)) == nil })
            server.base.server.stop()
            drainer.join()
            #expect(try stream.readToCut().isEmpty)
            #expect(server.log.state.withLock { $0.closed == 1 && $0.calledAfterClose == 0 })
        }

        @Test("Nothing is left open: not after a stop, not after a drop, not after a start that failed")
        func leavesNoDescriptors() async {
            await #expect(processExitsWith: .success) {
                let before = openDescriptorCount()
                for round in 0..<12 {
                    let server = try StreamServer(round % 2 > 0 ? .socket : .callback)
                    let clients = try (0..<10).map { _ in try server.subscribe() }
                    clients.first?.close()
                    let plain = try server.base.connect()
                    _ = try plain.request("GET", "/plain")
                    if round % 3 > 0 { server.base.server.stop() }
                    if round % 3 > 1 { server.base.server.stop() }
                    let taken = ListenAddress(host: "127.0.0.1", port: server.base.port)
                    _ = try? HTTPDaemon(
                        configuration: HTTPDaemon.Configuration(listen: [taken, taken]),
                        application: TestApplication(planning: TestServer.echo))
                }
                // The runtime opens a few for itself, once, when it likes. Each kind of round comes twice.
                guard openDescriptorCount() < before + 4 else { exit(3) }
            }
        }
    }
}
