import TestSupport
import Testing

/// `ack=hardware`: answers that wait until devices have said what became of a write.
@Suite struct HardwareWaitTests {
    let server: RunningServer

    init() throws {
        server = try RunningServer()
        #expect(try server.post("/v1/listeners", #"{"name":"chip","role":"driver"}"#).status == 201)
    }

    /// A request on its way.
    private func start(_ method: String, _ target: String, _ body: String = "", headers: [String] = []) throws
        -> TestClient
    {
        let client = try server.client()
        try client.sendRequest(
            method, target, headers: body.isEmpty ? headers : headers + ["Content-Type: application/json"],
            body: body.isEmpty ? nil : Array(body.utf8))
        return client
    }

    private func report(_ prefix: String, _ version: UInt64, _ state: String) throws -> JSONValue {
        let body =
            #"[{"route":{"dst":"\#(prefix)","table":"main","namespace":"default"},"version":\#(version),"state":"\#(state)"}]"#
        let response = try server.post("/v1/listeners/chip/hardware", body)
        #expect(response.status == 200, "\(response.text)")
        return try response.json()
    }

    /// The version of the route, once it is there.
    private func version(_ path: String) throws -> UInt64 {
        #expect(eventually { (try? server.get(path).status) == 200 })
        return try #require(try server.get(path).json()["version"]?.number)
    }

    private static let route = #"{"dst":"10.0.0.0/8","dev":"eth0"}"#
    private static let path = "/v1/routes/10.0.0.0/8"

    @Test("A write is answered when its device has answered for this version", arguments: ["offload", "trap"])
    func answered(state: String) throws {
        let client = try start("POST", "/v1/routes?ack=hardware", Self.route)
        let version = try version(Self.path)
        #expect(try server.get(Self.path).json()["hw"]?["state"] == .string("pending"))
        #expect(try report("10.0.0.0/8", version, state)["accepted"]?.number == 1)
        let response = try client.readResponse()
        #expect(response.status == 201 && response.header("Fibd-Hardware") == nil)
        #expect(response.header("Location") == "/v1/routes/10.0.0.0/8?table=main&metric=0")
        #expect(response.header("ETag") == "\"\(version)\"" && response.header("Fibd-Seq") == "\(version)")
        let row = try response.json()
        #expect(row["hw"]?["state"] == .string(state) && row["hw"]?["version"]?.number == version)
        // Nothing is written, and hardware has it already.
        let again = try server.post("/v1/routes?mode=replace&ack=hardware", Self.route)
        #expect(try again.status == 200 && again.json()["hw"]?["state"] == .string(state))
    }

    @Test("A failure is told in a header, or as an error if that was asked for; the route stays")
    func failed() throws {
        let first = try start("POST", "/v1/routes?ack=hardware", Self.route)
        _ = try report("10.0.0.0/8", try version(Self.path), "failed")
        let response = try first.readResponse()
        #expect(response.status == 201 && response.header("Fibd-Hardware") == "failed")
        #expect(try response.json()["hw"]?["state"] == .string("failed"))
        let second = try start("PUT", "/v1/routes/11.0.0.0/8?ack=hardware&fail=1", #"{"dev":"eth0"}"#)
        let version = try version("/v1/routes/11.0.0.0/8")
        _ = try report("11.0.0.0/8", version, "failed")
        let error = try second.readResponse()
        #expect(error.status == 424 && error.header("Fibd-Seq") == "\(version)")
        #expect(try error.problem()["code"] == .string("EIO"))
        #expect(try error.problem()["reason"] == .string("hardware-failed"))
        #expect(try server.get("/v1/routes/11.0.0.0/8").status == 200)
    }

    @Test("What is not for hardware is answered at once, with the reason")
    func notForHardware() throws {
        _ = try server.request("PUT", "/v1/links/mgmt0", #"{"offload":false}"#)
        func reason(_ body: String) throws -> JSONValue? {
            let response = try server.post("/v1/routes?ack=hardware", body)
            #expect(response.status == 201, "\(response.text)")
            let row = try response.json()
            #expect(row["hw"]?["state"] == .string("none"))
            return row["hw"]?["reason"]
        }
        #expect(try reason(#"{"dst":"10.1.0.0/16","dev":"mgmt0"}"#) == .string("link-not-offloaded"))
        _ = try server.post("/v1/routes", #"{"dst":"10.2.0.0/16","dev":"eth0","metric":5}"#)
        #expect(try reason(#"{"dst":"10.2.0.0/16","dev":"eth0","metric":6}"#) == .string("not-first"))
        #expect(try server.delete("/v1/listeners/chip").status == 204)
        #expect(try reason(#"{"dst":"10.3.0.0/16","dev":"eth0"}"#) == .string("no-device"))
    }

    @Test("A route that is replaced, removed or displaced meanwhile is told, and by what")
    func superseded() throws {
        let replaced = try start("POST", "/v1/routes?ack=hardware", Self.route)
        _ = try version(Self.path)
        let new = try server.request("PUT", Self.path, #"{"dev":"eth1"}"#).json()["version"]?.number ?? 0
        let stale = try replaced.readResponse()
        #expect(stale.status == 409 && stale.header("ETag") == "\"\(new)\"")
        #expect(try stale.problem()["code"] == .string("ESTALE"))
        #expect(try stale.problem()["reason"] == .string("route-superseded"))
        let removed = try start("PUT", "/v1/routes/11.0.0.0/8?ack=hardware", #"{"dev":"eth0"}"#)
        _ = try version("/v1/routes/11.0.0.0/8")
        #expect(try server.delete("/v1/routes/11.0.0.0/8").status == 204)
        let gone = try removed.readResponse()
        #expect(gone.status == 409 && gone.header("ETag") == nil)
        let displaced = try start("POST", "/v1/routes?ack=hardware", #"{"dst":"12.0.0.0/8","dev":"eth0","metric":9}"#)
        _ = try version("/v1/routes/12.0.0.0/8")
        _ = try server.post("/v1/routes", #"{"dst":"12.0.0.0/8","dev":"eth0","metric":8}"#)
        let response = try displaced.readResponse()
        #expect(try response.status == 201 && response.json()["hw"]?["reason"] == .string("not-first"))
    }

    @Test("Who waits too long gets 202 with the route as it is, and the connection goes on")
    func late() throws {
        let client = try start("POST", "/v1/routes?ack=hardware", Self.route, headers: ["Prefer: wait=1"])
        let response = try client.readResponse()
        #expect(try response.status == 202 && response.json()["hw"]?["state"] == .string("pending"))
        _ = try report("10.0.0.0/8", try version(Self.path), "offload")
        #expect(try client.request("GET", Self.path).json()["hw"]?["state"] == .string("offload"))
        let none = try server.request(
            "PUT", "/v1/routes/11.0.0.0/8?ack=hardware", #"{"dev":"a"}"#, headers: ["Prefer: wait=0"])
        #expect(none.status == 202)
    }

    @Test("All devices that are to program it are waited for; one that goes is not")
    func severalDevices() throws {
        #expect(try server.post("/v1/listeners", #"{"name":"other","role":"driver"}"#).status == 201)
        let client = try start("POST", "/v1/routes?ack=hardware", Self.route)
        _ = try report("10.0.0.0/8", try version(Self.path), "offload")
        #expect(try server.get(Self.path).json()["hw"]?["state"] == .string("pending"))
        #expect(try server.delete("/v1/listeners/other").status == 204)
        let response = try client.readResponse()
        #expect(try response.status == 201 && response.json()["hw"]?["state"] == .string("offload"))
    }

    @Test("A deletion is answered when the devices that had the route have processed it")
    func deletion() throws {
        _ = try server.post("/v1/routes", Self.route)
        _ = try report("10.0.0.0/8", try version(Self.path), "offload")
        let reader = try server.followListener("chip")
        _ = try reader.frames(through: "sync")
        let client = try start("DELETE", Self.path + "?ack=hardware")
        let number = try #require(try reader.frames(1)[0].json()["seq"]?.number)
        #expect(eventually { (try? server.get("/v1/listeners/chip").json()["delivered"]?.number) == number })
        #expect(try server.request("PUT", "/v1/listeners/chip/acknowledged", #"{"seq":\#(number)}"#).status == 200)
        let response = try client.readResponse()
        #expect(response.status == 204 && response.header("Fibd-Seq") == "\(number)")
        // No device has it: nothing to wait for.
        _ = try server.post("/v1/routes?ack=applied", #"{"dst":"11.0.0.0/8","dev":"a","metric":1}"#)
        _ = try server.post("/v1/routes", #"{"dst":"11.0.0.0/8","dev":"a","metric":2}"#)
        #expect(try server.delete("/v1/routes/11.0.0.0/8?metric=2&ack=hardware").status == 204)
    }

    @Test("A deletion that no device has processed in time is 202")
    func lateDeletion() throws {
        _ = try server.post("/v1/routes", Self.route)
        #expect(try server.delete(Self.path + "?ack=hardware", headers: ["Prefer: wait=0"]).status == 202)
        #expect(try server.get(Self.path).status == 404)
    }

    @Test("A flush waits for all devices, and one that removes nothing for none")
    func flush() throws {
        _ = try server.post("/v1/routes", Self.route)
        let none = try server.delete("/v1/routes?dev=nosuch&ack=hardware")
        #expect(try none.status == 200 && none.json()["deleted"]?.number == 0)
        #expect(try server.delete("/v1/routes?all=1&ack=hardware", headers: ["Prefer: wait=0"]).status == 202)
    }

    @Test("A transaction waits for all of its routes, and tells how many are in which state")
    func transaction() throws {
        let body = """
            [{"dst":"10.0.0.0/8","dev":"a"},{"dst":"11.0.0.0/8","dev":"a"},{"dst":"11.0.0.0/8","dev":"a","metric":7}]
            """
        let client = try start("POST", "/v1/routes?ack=hardware", body)
        let versions = (try version("/v1/routes/10.0.0.0/8"), try version("/v1/routes/11.0.0.0/8?metric=0"))
        _ = try report("10.0.0.0/8", versions.0, "offload")
        _ = try report("11.0.0.0/8", versions.1, "failed")
        let response = try client.readResponse()
        #expect(response.status == 200 && response.header("Fibd-Hardware") == "failed")
        let hardware = try response.json()["hardware"]
        #expect(hardware?["offload"]?.number == 1 && hardware?["failed"]?.number == 1 && hardware?["none"]?.number == 1)
    }

    @Test("A transaction of which routes were superseded or failed names them")
    func transactionRefused() throws {
        let body = #"[{"dst":"10.0.0.0/8","dev":"a"},{"dst":"11.0.0.0/8","dev":"a"}]"#
        let client = try start("POST", "/v1/routes?ack=hardware&fail=1", body)
        _ = try report("10.0.0.0/8", try version("/v1/routes/10.0.0.0/8"), "offload")
        _ = try report("11.0.0.0/8", try version("/v1/routes/11.0.0.0/8"), "failed")
        let failed = try client.readResponse()
        #expect(failed.status == 424)
        #expect(try failed.problem()["errors"]?.array?.first?["pointer"] == .string("/1"))
        let second = try start("POST", "/v1/routes?mode=replace&ack=hardware", body.replacing("\"a\"", with: "\"b\""))
        #expect(eventually { (try? server.get("/v1/routes/11.0.0.0/8").json()["dev"]) == .string("b") })
        _ = try server.request("PUT", "/v1/routes/10.0.0.0/8", #"{"dev":"c"}"#)
        _ = try report("11.0.0.0/8", try version("/v1/routes/11.0.0.0/8"), "offload")
        let stale = try second.readResponse()
        #expect(stale.status == 409)
        #expect(try stale.problem()["errors"]?.array?.first?["pointer"] == .string("/0"))
    }

    @Test("What can't wait says so, and changes nothing")
    func refused() throws {
        let rows = (0..<10_001).map { #"{"dst":"10.\#($0 / 256 % 256).\#($0 % 256).0/24","dev":"a"}"# }
        let many = try server.post("/v1/routes?ack=hardware", "[\(rows.joined(separator: ","))]")
        #expect(many.status == 413)
        let ndjson = try server.request(
            "POST", "/v1/routes?ack=hardware", rows[0], headers: ["Content-Type: application/x-ndjson"])
        #expect(ndjson.status == 422)
        #expect(try server.get("/v1/routes").json().array?.isEmpty == true)
    }
}

/// Links that are left to software.
@Suite struct LinkOffloadTests {
    @Test("Routes over a link that is left to software are for no device, and are pending again when it isn't any more")
    func flips() throws {
        let server = try RunningServer()
        #expect(try server.post("/v1/listeners", #"{"name":"chip","role":"driver"}"#).status == 201)
        _ = try server.request("PUT", "/v1/links/eth0", "{}")
        func state(_ path: String) throws -> String? {
            try server.get("/v1/routes/\(path)").json()["hw"]?["state"]?.string
        }
        _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#)
        _ = try server.post("/v1/routes", #"{"dst":"11.0.0.0/8","nexthops":[{"dev":"eth0"},{"dev":"eth1"}]}"#)
        _ = try server.post("/v1/routes", #"{"dst":"12.0.0.0/8","dev":"eth1"}"#)
        let follower = Follower(try server.follow("?kinds=link,route"))
        try follower.followToSync()
        _ = try server.request("PUT", "/v1/links/eth0", #"{"offload":false}"#)
        #expect(try follower.followDeltas(2) == ["replace", "flags"])
        #expect(
            try state("10.0.0.0/8") == "none" && state("11.0.0.0/8") == "pending" && state("12.0.0.0/8") == "pending")
        _ = try server.post("/v1/routes", #"{"dst":"13.0.0.0/8","dev":"eth0"}"#)
        #expect(try state("13.0.0.0/8") == "none")
        _ = try server.request("PUT", "/v1/links/eth0", #"{"offload":true}"#)
        #expect(try follower.followDeltas(4) == ["add", "replace", "flags", "flags"])
        for path in ["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8"] { #expect(try state(path) == "pending") }
    }
}
