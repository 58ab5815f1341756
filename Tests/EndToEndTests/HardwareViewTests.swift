import TestSupport
import Testing

/// What an operator asks of hardware: which routes are not in it, for how long, and which are stuck.
@Suite struct HardwareViewTests {
    private func server(_ environment: String...) throws -> RunningServer {
        let server = try RunningServer(environment: environment)
        #expect(try server.post("/v1/listeners", #"{"name":"chip","role":"driver"}"#).status == 201)
        return server
    }

    private func add(_ server: RunningServer, _ prefix: String) throws -> UInt64 {
        let response = try server.post("/v1/routes", #"{"dst":"\#(prefix)","dev":"eth0"}"#)
        return try #require(try response.json()["version"]?.number)
    }

    private func report(_ server: RunningServer, _ prefix: String, _ version: UInt64, _ state: String) throws {
        let body = #"[{"route":{"dst":"\#(prefix)"},"version":\#(version),"state":"\#(state)","reason":"no room"}]"#
        #expect(try server.post("/v1/listeners/chip/hardware", body).status == 200)
    }

    private func list(_ server: RunningServer, _ query: String) throws -> [String] {
        let response = try server.get("/v1/routes?\(query)")
        #expect(response.status == 200, "\(response.text)")
        let rows = try #require(try response.json().array)
        if !query.contains("limit") { #expect(response.header("Fibd-Count") == "\(rows.count)") }
        return rows.compactMap { $0["dst"]?.string }
    }

    @Test("Routes are listed by what hardware makes of them, and for how long it has")
    func lists() throws {
        let server = try server()
        let versions = try ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"].map { try add(server, $0) }
        _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0","metric":9}"#)
        try report(server, "10.0.0.0/8", versions[0], "offload")
        try report(server, "11.0.0.0/8", versions[1], "failed")
        #expect(try list(server, "hw=pending") == ["12.0.0.0/8", "13.0.0.0/8"])
        #expect(try list(server, "hw=failed") == ["11.0.0.0/8"])
        #expect(try list(server, "hw=failed,offload") == ["10.0.0.0/8", "11.0.0.0/8"])
        #expect(try list(server, "hw=none") == ["10.0.0.0/8"])
        #expect(try list(server, "hw=pending&within=12.0.0.0/8") == ["12.0.0.0/8"])
        #expect(try list(server, "hw=pending&age=1h") == [])
        #expect(try eventually { try list(server, "hw=pending&age=50ms") == ["12.0.0.0/8", "13.0.0.0/8"] })
        #expect(try list(server, "hw=pending&limit=1") == ["12.0.0.0/8"])
        for query in ["hw=broken", "age=x", "age=5y", "age=-1s", "age="] {
            #expect(try server.get("/v1/routes?\(query)").status == 400, "\(query)")
        }
    }

    @Test("A route that a device owes an answer for is told of once, to those who are told what hardware does")
    func stuck() throws {
        let server = try server("FIBD_STUCK_SECONDS=1")
        let told = Follower(try server.follow("?heartbeat=1"))
        let deaf = Follower(try server.follow("?hw_flags=0&heartbeat=1"))
        let version = try add(server, "10.0.0.0/8")
        let frames = try told.reader.frames(through: "notice")
        let notice = try #require(frames.last)
        #expect(notice.id == nil)
        let data = try notice.json()
        #expect(data["notice"] == .string("stuck") && data["version"]?.number == version)
        #expect(data["entry"]?["dst"] == .string("10.0.0.0/8") && data["hw"]?["device"] == .string("chip"))
        #expect((data["age_ms"]?.number ?? 0) >= 1_000 && data["count"]?.number == 1)
        for frame in frames { try told.take(frame) }
        try report(server, "10.0.0.0/8", version, "offload")
        // Another look, and a change, and still each was told of once; `prev` doesn't know of notices.
        let next = try add(server, "11.0.0.0/8")
        let later = try told.reader.frames(through: "notice")
        for frame in later { try told.take(frame) }
        #expect(try later.last?.json()["version"]?.number == next)
        #expect(later.filter { $0.event == "notice" }.count == 1)
        var frame: EventFrame
        repeat {
            frame = try deaf.reader.next()
            #expect(try deaf.take(frame) != "notice")
        } while try frame.json()["version"]?.number != next
    }
}
