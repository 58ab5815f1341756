import Glibc
import TestSupport
import Testing

/// Many, slow and vanishing clients. One after the other: they are about time and memory.
@Suite(.serialized) struct LoadTests {
    private static let ndjson = "Content-Type: application/x-ndjson"

    private func rows(_ numbers: Range<Int>) -> String {
        numbers.map { "{\"dst\":\"10.\($0 / 65_536).\($0 / 256 % 256).\($0 % 256)/32\",\"dev\":\"a\"}\n" }.joined()
    }

    /// Answers, has as many descriptors open as before, and has grown by no more than `kibibytes`.
    private func expectWell(
        _ server: RunningServer, descriptors: Int, since resident: Int, growth kibibytes: Int,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try server.get("/livez").text == "ok\n", sourceLocation: location)
        let isBack = eventually { server.descriptorCount <= descriptors }
        #expect(isBack, "\(server.descriptors)", sourceLocation: location)
        let grown = server.residentKiB - resident
        #expect(grown <= kibibytes, "grown by \(grown) KiB", sourceLocation: location)
        let follower = Follower(try server.follow("?until=sync&kinds=namespace"))
        try follower.followToSync()
    }

    @Test("200,000 changes pass a reader who stands still: no one else notices, and he starts anew, or is closed")
    func stalledReaders() throws {
        let logBytes = 8 << 20
        let server = try RunningServer("--log-bytes", "\(logBytes)")
        let descriptors = server.descriptorCount
        let resident = server.residentKiB
        let stalled = Follower(try server.follow("?heartbeat=60", receiveBuffer: 4_096))
        try stalled.followToSync()
        let closing = try server.follow("?heartbeat=60&on_overflow=close", receiveBuffer: 4_096)
        _ = try closing.frames(through: "sync")
        let good = try server.startCurl(["-N", "/v1/events?heartbeat=60"])
        let goodBest = try server.startCurl(["-N", "/v1/events?heartbeat=60&view=best&kinds=route"])
        #expect(eventually { good.output.contains("sync") && goodBest.output.contains("sync") })
        // As fast as the good readers go: the log is shorter than what they are given in all.
        var head = 6
        func awaitGoodReaders() {
            let end = "\"seq\":\(head),"
            #expect(eventually { good.outputEnd.contains(end) && goodBest.outputEnd.contains(end) }, "up to \(head)")
        }
        for block in 0..<20 {
            let response = try server.post(
                "/v1/routes", rows(block * 5_000..<(block + 1) * 5_000), headers: [Self.ndjson])
            #expect(try response.json()["created"]?.number == 5_000)
            head += 5_000
            awaitGoodReaders()
        }
        for block in 0..<100_000 / 4_096 + 1 {
            let within = "10.\(block / 16).\(block % 16 * 16).0/20"
            let response = try server.delete("/v1/routes?within=\(within)")
            head += Int(try response.json()["deleted"]?.number ?? 0)
            awaitGoodReaders()
        }
        #expect(head == 200_006)
        // He reads on: what was in the pipe, then the reset and the state as it is now.
        while try stalled.take(stalled.reader.next()) != "reset" {}
        try stalled.followToSync()
        #expect(stalled.count == 6)
        _ = try server.post("/v1/routes", #"{"dst":"172.16.0.0/12","dev":"b"}"#)
        #expect(try stalled.followDeltas(1) == ["add"])
        head += 1
        awaitGoodReaders()
        let last = try #require(try closing.frames(through: "error").last)
        #expect(try last.json()["code"] == .string("ENOBUFS"))
        #expect(closing.client.isClosedByServer())
        for reader in [good, goodBest] { reader.signal(SIGTERM) }
        #expect(good.waitForExit() != nil && goodBest.waitForExit() != nil)
        for (reader, changes) in [(good, 200_001), (goodBest, 200_001)] {
            #expect(try count("^event: route", in: reader) == changes)
            #expect(try count("^event: (reset|error)", in: reader) == 0)
        }
        stalled.reader.client.close()
        closing.client.close()
        // The log (8 MiB, with the frames that are kept for readers), a table of 5,000 and then 100,000 routes at 200
        // bytes while it was full, and what the allocator keeps of both.
        try expectWell(server, descriptors: descriptors, since: resident, growth: 2 * logBytes / 1_024 + 64 << 10)
    }

    /// Of lines in what a program wrote, by one that is quicker than a debug build.
    private func count(_ pattern: String, in process: ChildProcess) throws -> Int? {
        let grep = try ChildProcess("grep", ["-cE", pattern], input: process.outputBytes)
        guard grep.waitForExit() != nil else { return nil }
        return Int(grep.output.filter { $0 != "\n" })
    }

    @Test("Readers who leave in the middle of a replay leave nothing behind")
    func leavingDuringReplay() throws {
        let server = try RunningServer()
        let response = try server.post("/v1/routes", rows(0..<20_000), headers: [Self.ndjson])
        #expect(response.status == 200)
        let round = {
            for index in 0..<40 {
                let reader = try server.follow(index % 2 == 0 ? "" : "?view=best", receiveBuffer: 4_096)
                _ = try reader.frames(3)
                if index % 3 == 0 { reader.client.reset() } else { reader.client.close() }
            }
            #expect(try server.get("/livez").status == 200)
        }
        let descriptors = server.descriptorCount
        try round()
        #expect(eventually { server.descriptorCount <= descriptors }, "\(server.descriptors)")
        let resident = server.residentKiB
        for _ in 0..<4 { try round() }
        // Each reader had at most a send buffer and a turn's worth of frames; the second to fifth round find the
        // allocator's room of the first.
        try expectWell(server, descriptors: descriptors, since: resident, growth: 16 << 10)
    }

    @Test(
        "Thousands of idle connections, half of them streams: the server answers, and is as it was when they have gone")
    func idleConnections() throws {
        let wanted = 5_000
        let allowed = raiseDescriptorLimit(to: wanted + 500)
        let count = min(wanted, allowed - 500)
        if count < wanted { print("idleConnections: only \(count) of \(wanted): \(allowed) files may be open") }
        try #require(count > 0)
        let server = try RunningServer()
        let descriptors = server.descriptorCount
        let resident = server.residentKiB
        var clients: [TestClient] = []
        for number in 0..<count {
            let client = try server.client()
            if number % 2 == 0 {
                try client.sendRequest("GET", "/v1/events?replay=none&heartbeat=60")
            } else if number % 4 == 1 {
                try client.send("GET /v1 HTTP/1.1\r\n")
            }
            clients.append(client)
        }
        for number in stride(from: 0, to: count, by: 2) { _ = try clients[number].read(through: "event: sync") }
        // Not by the number of descriptors before: a thread that was starting may have had its name's file open then.
        let areThere = eventually { server.descriptors.count { $0.hasPrefix("socket:") } > count }
        #expect(areThere, "\(server.descriptorCount) descriptors, \(descriptors) before")
        #expect(try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a"}"#).status == 201)
        for number in stride(from: 0, to: count, by: 2) { _ = try clients[number].read(through: "event: route") }
        let perConnection = (server.residentKiB - resident) / count
        #expect(perConnection < 96, "\(perConnection) KiB a connection")
        for client in clients { client.close() }
        // libmicrohttpd's pools go back to the allocator; a tenth of them may stay as its fragments.
        try expectWell(server, descriptors: descriptors, since: resident, growth: count * 96)
    }

    @Test("Connections beyond the limit wait and are served when others leave")
    func connectionLimit() throws {
        let server = try RunningServer("--max-connections", "4")
        var first = try (0..<4).map { _ in try server.client() }
        for client in first { #expect(try client.request("GET", "/livez").status == 200) }
        let waiting = try server.client()
        try waiting.sendRequest("GET", "/livez")
        first.removeLast()
        #expect(try waiting.readResponse().text == "ok\n")
    }

    @Test("When all connections are taken there is room for health and administration, and for nothing else")
    func reservedConnections() throws {
        let server = try RunningServer("--max-connections", "4")
        var taken = try (0..<4).map { _ in try server.client() }
        for client in taken { #expect(try client.request("GET", "/v1/routes").status == 200) }
        for target in ["/livez", "/readyz", "/metrics", "/v1", "/v1/listeners"] {
            #expect(try server.get(target).status == 200, "\(target)")
        }
        for target in ["/v1/routes", "/v1/events", "/v1/listeners/1/events"] {
            let refused = try server.get(target)
            #expect(refused.status == 503 && refused.header("Retry-After") != nil, "\(target)")
            #expect(try refused.problem()["reason"] == .string("too-many-connections"), "\(target)")
        }
        // Who takes a reserved place and asks for nothing doesn't keep it.
        let silent = try (0..<16).map { _ in try server.client() }
        #expect(eventually { (try? server.get("/livez").status) == 200 })
        #expect(eventually { silent.allSatisfy { $0.isClosedByServer() } })
        taken.removeLast()
        #expect(eventually { (try? server.get("/v1/routes").status) == 200 })
    }

    @Test("A storm of short connections leaves nothing behind")
    func shortConnections() throws {
        let server = try RunningServer()
        let round = { (count: Int) in
            for number in 0..<count {
                let client = try server.client()
                switch number % 5 {
                case 0: break
                case 1: try client.send("POST /v1/routes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
                case 2: try client.send("GET /v1/rou")
                case 3: try client.sendRequest("GET", "/v1/events")
                default: _ = try client.request("GET", "/v1/routes")
                }
                if number % 2 == 0 { client.reset() } else { client.close() }
            }
        }
        let descriptors = server.descriptorCount
        try round(200)
        #expect(eventually { server.descriptorCount <= descriptors }, "\(server.descriptors)")
        let resident = server.residentKiB
        try round(1_000)
        // All but nothing is kept a connection: 4 KiB each would be a leak.
        try expectWell(server, descriptors: descriptors, since: resident, growth: 4_096)
    }
}

extension ChildProcess {
    /// The last of what it wrote.
    fileprivate var outputEnd: String { String(decoding: outputBytes(last: 600), as: UTF8.self) }
}
