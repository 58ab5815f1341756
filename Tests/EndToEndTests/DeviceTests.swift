import ChangeLog
import TestSupport
import Testing

/// `/v1/devices`: simulated switches over HTTP.
@Suite struct DeviceTests {
    private let server: RunningServer

    init() throws { server = try RunningServer("--simulated-switch", "asic0") }

    private func patch(_ body: String, _ query: String = "") throws -> TestResponse {
        try server.request("PATCH", "/v1/devices/asic0\(query)", body)
    }

    private func put(_ name: String, _ body: String? = nil, _ query: String = "") throws -> TestResponse {
        try server.request("PUT", "/v1/devices/\(name)\(query)", body)
    }

    private func device(_ name: String = "asic0") throws -> JSONValue { try server.get("/v1/devices/\(name)").json() }

    private func add(_ destination: String, _ more: String = "") throws {
        let response = try server.post("/v1/routes", #"{"dst":"\#(destination)","dev":"eth0"\#(more)}"#)
        #expect(response.status == 201, "\(response.text)")
    }

    /// Waits for the state of the route.
    private func state(_ route: String, becomes state: String) throws -> JSONValue? {
        var hardware: JSONValue?
        let isReached = try eventually {
            hardware = try server.get("/v1/routes/\(route)").json()["hw"]
            return hardware?["state"] == .string(state)
        }
        #expect(isReached, "\(route) is \(hardware.map { "\($0)" } ?? "nothing")")
        return hardware
    }

    @Test("A server has one switch, and its row says what it is set to and how it goes with it, keys sorted")
    func row() throws {
        #expect(
            try eventually {
                let device = try device()
                return device["state"] == .string("up") && device["queue"]?.number == 0
            })
        let generation = try #require(try device()["generation"]?.number)
        let entry =
            #"{"capacity":{"filters":null,"ipv4":null,"ipv4_rules":null,"ipv6":null,"ipv6_rules":null,"nexthops":null},"#
            + #""faults":{"duplicate_every":0,"fail_every":0,"fail_route_delete":false,"fail_route_offload":false,"#
            + #""lose_every":0,"reorder":false,"#
            + #""stale_every":0},"latency_ms":{"max":1,"min":0},"name":"asic0","profile":"asic","seed":1}"#
        #expect(try server.get("/v1/devices/asic0").header("ETag") == "\"7\"")
        #expect(
            try server.get("/v1/devices/asic0").text
                == #"{"capacity":{"filters":null,"ipv4":null,"ipv4_rules":null,"ipv6":null,"ipv6_rules":null,"#
                + #""nexthops":null},"counters":{"deleted":0,"#
                + #""duplicated":0,"failed":0,"failed_deletes":0,"lost":0,"programmed":0,"retries":0,"stale":0,"#
                + #""vetoed":0},"faults":{"duplicate_every":0,"fail_every":0,"fail_route_delete":false,"#
                + #""fail_route_offload":false,"lose_every":0,"reorder":false,"stale_every":0},"generation":\#(generation),"#
                + #""h":"\#(entryHash(entry).text)","kind":"simulated","latency_ms":{"max":1,"min":0},"name":"asic0","occupancy":{"filters":0,"ipv4":0,"#
                + #""ipv4_rules":0,"ipv6":0,"ipv6_rules":0,"nexthops":0},"profile":"asic","queue":0,"seed":1,"seq":7,"#
                + #""state":"up","version":7}"# + "\n")
    }

    @Test("A route is pending, and offloaded as soon as the switch has it; streams tell both")
    func offload() throws {
        let reader = try server.follow("?replay=none")
        _ = try reader.frames(through: "sync")
        try add("10.0.0.0/8")
        let hardware = try #require(try state("10.0.0.0/8", becomes: "offload"))
        #expect(hardware["device"] == .string("asic0"))
        let frames = try [reader.frames(through: "route").last, reader.frames(through: "route").last].map {
            try #require($0).json()
        }
        #expect(frames.map { $0["op"] } == [.string("add"), .string("flags")])
        #expect(frames.map { $0["hw"]?["state"] } == [.string("pending"), .string("offload")])
        #expect(try eventually { try device()["occupancy"]?["ipv4"]?.number == 1 })
    }

    @Test("Settings are merged, null is the default, and a dry run shows what would be")
    func merge() throws {
        let changed = try patch(#"{"capacity":{"ipv4":10},"latency_ms":{"max":5},"seed":9}"#)
        #expect(changed.status == 200 && changed.header("Fibd-Seq") != nil)
        let tried = try patch(#"{"capacity":null,"latency_ms":{"min":3,"max":7}}"#, "?dry_run=1").json()
        #expect(tried["outcome"] == .string("replaced"))
        #expect(tried["entry"]?["capacity"]?["ipv4"] == .null)
        #expect(tried["entry"]?["latency_ms"]?["min"]?.number == 3 && tried["entry"]?["seed"]?.number == 9)
        #expect(try device()["capacity"]?["ipv4"]?.number == 10)
        #expect(try patch(#"{"capacity":{"ipv4":null},"latency_ms":null,"seed":null}"#).status == 200)
        let row = try device()
        #expect(row["capacity"]?["ipv4"] == .null && row["latency_ms"]?["max"]?.number == 1)
        #expect(row["seed"]?.number == 1)
    }

    @Test("What a listing prints is taken as it is, its status ignored")
    func roundTrip() throws {
        #expect(try patch(#"{"capacity":{"ipv6":7},"faults":{"fail_every":3}}"#).status == 200)
        let row = try server.get("/v1/devices/asic0").text
        let written = try put("asic0", row)
        #expect(
            written.status == 200 && written.text.contains(#""ipv6":7"#) && written.text.contains(#""fail_every":3"#))
    }

    @Test(
        "What can't be is refused, with the place",
        arguments: [
            (#"{"colour":1}"#, 400, "/colour"), (#"{"capacity":{"ipv5":1}}"#, 400, "/capacity/ipv5"),
            (#"{"capacity":{"ipv4":-1}}"#, 422, "/capacity/ipv4"),
            (#"{"capacity":{"ipv4":"x"}}"#, 400, "/capacity/ipv4"),
            (#"{"latency_ms":{"min":2}}"#, 422, "/latency_ms"), (#"{"latency_ms":{"max":60001}}"#, 422, "/latency_ms"),
            (#"{"profile":"tofino"}"#, 422, "/profile"), (#"{"faults":{"lose_every":-2}}"#, 422, "/faults/lose_every"),
            (#"{"name":"asic1"}"#, 422, "/name"), (#"{"seed":-1}"#, 422, "/seed"), (#"[]"#, 400, ""),
        ])
    func refused(body: String, status: Int, pointer: String) throws {
        for response in [try patch(body), try put("asic0", body)] {
            #expect(response.status == status, "\(response.text)")
            #expect(try response.problem()["errors"]?[0]?["pointer"] == .string(pointer), "\(response.text)")
        }
    }

    @Test("Further switches come and go; routes name all, and the state is that of the one worst off")
    func several() throws {
        let created = try put("asic1", #"{"capacity":{"ipv4":1}}"#)
        #expect(created.status == 201 && created.header("Location") == "/v1/devices/asic1")
        try add("10.0.0.0/8")
        _ = try state("10.0.0.0/8", becomes: "offload")
        try add("11.0.0.0/8")
        let hardware = try #require(try state("11.0.0.0/8", becomes: "failed"))
        #expect(hardware["device"] == .string("asic1"))
        #expect(hardware["reason"] == .string("ipv4 table is full (1 of 1)"))
        #expect(
            try eventually {
                let devices = try server.get("/v1/routes/11.0.0.0/8").json()["hw"]?["devices"]
                return devices?["asic0"]?["state"] == .string("offload")
            })
        let list = try server.get("/v1/devices")
        #expect(list.header("Fibd-Count") == "2")
        #expect(try [0, 1].map { try list.json()[$0]?["name"] } == [.string("asic0"), .string("asic1")])
        #expect(try server.delete("/v1/devices/asic1").status == 204)
        #expect(try server.get("/v1/routes/11.0.0.0/8").json()["hw"]?["state"] == .string("offload"))
        #expect(try server.get("/v1/devices/asic1").status == 404)
        #expect(try server.delete("/v1/devices/asic1").status == 404)
    }

    @Test("A list comes in pages and as lines")
    func pages() throws {
        #expect(try put("b").status == 201)
        let page = try server.get("/v1/devices?limit=1")
        #expect(page.header("Link") == "</v1/devices?limit=1&after=asic0>; rel=\"next\"")
        let lines = try server.get("/v1/devices?after=asic0", headers: ["Accept: application/x-ndjson"])
        #expect(try lines.lines().map { $0["name"] } == [.string("b")])
    }

    @Test("Names are shared with drivers: who comes second is refused, and a driver's device is not changed here")
    func drivers() throws {
        let taken = try server.post("/v1/listeners", #"{"name":"asic0","role":"driver"}"#)
        #expect(taken.status == 409)
        #expect(try taken.problem()["reason"] == .string("device-exists"))
        #expect(try server.post("/v1/listeners?dry_run=1", #"{"name":"asic0","role":"driver"}"#).status == 409)
        #expect(try server.post("/v1/listeners", #"{"name":"asic0"}"#).status == 201)
        #expect(try server.post("/v1/listeners", #"{"name":"real","role":"driver"}"#).status == 201)
        let row = try device("real")
        #expect(row["kind"] == .string("driver") && row["generation"]?.number != nil && row["state"] == .string("up"))
        #expect(try put("real").status == 409)
        #expect(try server.request("PATCH", "/v1/devices/real", "{}").status == 422)
        #expect(try server.delete("/v1/devices/real").status == 422)
        #expect(try server.post("/v1/devices/real/restart", "").status == 422)
        #expect(try server.post("/v1/devices/none/restart", "").status == 404)
    }

    @Test("A restart is a new generation, told by one event, after which all is programmed anew")
    func restart() throws {
        try add("10.0.0.0/8")
        _ = try state("10.0.0.0/8", becomes: "offload")
        let before = try #require(try device()["generation"]?.number)
        let reader = try server.follow("?replay=none")
        _ = try reader.frames(through: "sync")
        let restarted = try server.post("/v1/devices/asic0/restart", "")
        let generation = try #require(try restarted.json()["generation"]?.number)
        #expect(restarted.status == 200 && generation > before)
        let event = try #require(try reader.frames(through: "device").last).json()
        #expect(event["entry"]?["generation"]?.number == generation)
        _ = try state("10.0.0.0/8", becomes: "offload")
        #expect(try server.post("/v1/devices/asic0/restart?dry_run=1", "").status == 200)
        #expect(try device()["generation"]?.number == generation)
    }

    @Test("The kernel's simulator refuses what it has no room for, and a reload without room leaves no device")
    func netdevsim() throws {
        #expect(try patch(#"{"profile":"netdevsim","capacity":{"ipv4":2}}"#).status == 200)
        for index in 1...2 { try add("10.\(index).0.0/16") }
        _ = try state("10.2.0.0/16", becomes: "trap")
        let refused = try server.post("/v1/routes", #"{"dst":"10.3.0.0/16","dev":"eth0"}"#)
        #expect(refused.status == 507)
        #expect(try refused.problem()["reason"] == .string("not-admitted"))
        #expect(try server.get("/v1/routes/10.3.0.0/16").status == 404)
        // In force with the next reload.
        #expect(try patch(#"{"capacity":{"ipv4":1}}"#).status == 200)
        let reload = try server.post("/v1/devices/asic0/restart", "")
        #expect(reload.status == 507)
        #expect(try reload.problem()["code"] == .string("ENOSPC"))
        let row = try device()
        #expect(row["state"] == .string("down") && row["generation"] == .null)
        #expect(try server.get("/v1/routes/10.1.0.0/16").json()["hw"] == nil)
        #expect(try patch(#"{"capacity":null}"#).status == 200)
        #expect(try server.post("/v1/devices/asic0/restart", "").status == 200)
        _ = try state("10.1.0.0/16", becomes: "trap")
    }

    @Test("A failed route is pending again by a retry, which drivers see as well, and is programmed")
    func retry() throws {
        #expect(try patch(#"{"faults":{"fail_route_offload":true}}"#).status == 200)
        try add("10.0.0.0/8", #","metric":5"#)
        try add("10.0.0.0/8", #","metric":6"#)
        _ = try state("10.0.0.0/8?metric=5", becomes: "failed")
        let path = "/v1/routes/10.0.0.0/8/hardware/retry"
        #expect(try server.post(path + "?metric=6", "").problem()["reason"] == .string("not-first"))
        #expect(try server.post(path + "?metric=7", "").status == 404)
        #expect(try server.post("/v1/routes/11.0.0.0/8/hardware/retry", "").status == 404)
        #expect(try server.post(path + "?dry_run=1", "").status == 200)
        #expect(try patch(#"{"faults":null,"latency_ms":{"min":200,"max":200}}"#).status == 200)
        let reader = try server.follow("?replay=none")
        _ = try reader.frames(through: "sync")
        let retried = try server.post(path, "")
        #expect(retried.status == 202)
        #expect(try retried.json()["hw"]?["state"] == .string("pending"))
        let event = try #require(try reader.frames(through: "route").last).json()
        #expect(event["op"] == .string("flags") && event["hw"]?["state"] == .string("pending"))
        _ = try state("10.0.0.0/8?metric=5", becomes: "offload")
        let done = try server.post(path, "")
        #expect(done.status == 409)
        #expect(try done.problem()["reason"] == .string("nothing-to-retry"))
        #expect(try device()["counters"]?["retries"]?.number == 1)
    }

    @Test("Conditions: a write may ask for a version, and a PUT that there be none; a restart makes no version")
    func conditions() throws {
        #expect(try server.request("PUT", "/v1/devices/asic0", headers: ["If-None-Match: *"]).status == 412)
        #expect(try server.request("PUT", "/v1/devices/asic1", headers: ["If-None-Match: *"]).status == 201)
        #expect(try server.request("PUT", "/v1/devices/asic2", headers: ["If-Match: \"1\""]).status == 412)
        let body = #"{"seed":8}"#
        for method in ["PUT", "PATCH", "DELETE"] {
            let refused = try server.request(
                method, "/v1/devices/asic0", method == "DELETE" ? nil : body, headers: ["If-Match: \"1\""])
            #expect(refused.status == 412, "\(method)")
        }
        #expect(try server.request("PATCH", "/v1/devices/asic2", body, headers: ["If-Match: \"1\""]).status == 404)
        #expect(try server.post("/v1/devices/asic0/restart", "", headers: ["If-Match: \"7\""]).status == 422)
        let changed = try server.request("PATCH", "/v1/devices/asic0", body, headers: ["If-Match: \"7\""])
        let (tag, number) = try (#require(changed.header("ETag")), #require(changed.header("Fibd-Seq")))
        #expect(changed.status == 200 && tag != "\"7\"" && tag == "\"\(number)\"")
        #expect(try server.get("/v1/devices/asic0").header("ETag") == tag)
        // The same again is no other version, and no change.
        let again = try patch(body)
        #expect(again.header("ETag") == tag && again.header("Fibd-Seq") == changed.header("Fibd-Seq"))
        #expect(try server.request("DELETE", "/v1/devices/asic0", headers: ["If-Match: \(tag)"]).status == 204)
    }

    @Test("Without --simulate-faults none can be set, and what is set otherwise can")
    func noFaults() throws {
        let server = try RunningServer("--simulated-switch", "asic0", "--no-simulate-faults")
        let refused = try server.request("PATCH", "/v1/devices/asic0", #"{"faults":{"fail_every":2}}"#)
        #expect(refused.status == 403)
        let problem = try refused.problem()
        #expect(problem["code"] == .string("EPERM"))
        #expect(problem["detail"]?.string?.contains("--simulate-faults") == true)
        #expect(
            try server.request("PATCH", "/v1/devices/asic0", #"{"seed":3,"faults":{"fail_every":0}}"#).status == 200)
    }

    @Test("A name that is none is refused at the start, and 'none' is none")
    func names() throws {
        #expect(throws: (any Error).self) { try RunningServer("--simulated-switch", "-x") }
        let server = try RunningServer("--simulated-switch", "none")
        #expect(try server.get("/v1/devices").text == "[]\n")
    }

    @Test("A driver from before a restart keeps its name, and the log says that there is no switch")
    func takenName() throws {
        let directory = TemporaryDirectory()
        let first = try RunningServer("--data-dir", directory.path, "--simulated-switch", "none")
        #expect(try first.post("/v1/listeners", #"{"name":"asic0","role":"driver"}"#).status == 201)
        #expect(first.stop() == 0)
        let second = try RunningServer("--data-dir", directory.path, "--simulated-switch", "asic0")
        #expect(try second.get("/v1/devices/asic0").json()["kind"] == .string("driver"))
        #expect(second.log.contains("there is no simulated switch"))
    }

    @Test("After a restart of the server the switch programs what was kept, and says that it did not know it")
    func kept() throws {
        let directory = TemporaryDirectory()
        let first = try RunningServer("--data-dir", directory.path, "--simulated-switch", "asic0")
        #expect(try first.post("/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#).status == 201)
        #expect(try eventually { try first.get("/v1/routes/10.0.0.0/8").json()["hw"]?["state"] == .string("offload") })
        #expect(first.stop() == 0)
        let second = try RunningServer("--data-dir", directory.path, "--simulated-switch", "asic0")
        #expect(try eventually { try second.get("/v1/routes/10.0.0.0/8").json()["hw"]?["state"] == .string("offload") })
    }

    @Test("R4-85: a link that leaves the hardware in a transaction doesn't join a block with filters in it there")
    func filters() throws {
        for link in ["eth0", "eth1"] { _ = try server.request("PUT", "/v1/links/\(link)", "{}") }
        let qdisc = #"{"kind":"ingress","ingress_block":1}"#
        #expect(try server.post("/v1/links/eth0/qdiscs", qdisc).status == 201)
        let filter = #"{"protocol":"all","kind":"matchall","options":{"skip_sw":true}}"#
        #expect(try server.post("/v1/blocks/1/filters", filter).status == 201)
        func join(isOffloaded: Bool, _ query: String = "") throws -> TestResponse {
            try server.post(
                "/v1/transactions\(query)",
                """
                {"operations":[{"op":"change","kind":"link","value":{"ifname":"eth1","offload":\(isOffloaded)}},
                {"op":"add","kind":"qdisc","value":{"dev":"eth1","kind":"ingress","ingress_block":1}}]}
                """)
        }
        for query in ["", "?dry_run=1"] {
            let refused = try join(isOffloaded: false, query)
            #expect(try refused.refusal() == "422 EOPNOTSUPP unsupported", "\(refused.text)")
            #expect(refused.text.contains(#""rule":"R4-85""#), "\(refused.text)")
        }
        #expect(try join(isOffloaded: true).status == 200)
        #expect(try server.get("/v1/blocks/1/filters").text.contains(#""in_hw_count":1,"#))
    }
}
