import Glibc
import TestSupport
import Testing

/// `/v1/nexthops` and what is below it.
@Suite struct NextHopResourceTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private func rows(_ target: String) throws -> [JSONValue] {
        try #require(try server.get(target).json().array, "\(target)")
    }

    private func ids(_ query: String = "") throws -> [UInt64] {
        try rows("/v1/nexthops\(query)").compactMap { $0["id"]?.number }
    }

    /// 1 and 2 lead over links, 10 is the group of them, 4 a blackhole, 5 of IPv6.
    private func fill() throws {
        let all = """
            [{"id":1,"gateway":"192.0.2.2","dev":"eth0","protocol":"bgp"},{"id":2,"dev":"eth1"},{"id":4,"blackhole":null},
            {"id":5,"gateway":"2001:db8::1","dev":"eth0"},{"id":10,"group":[{"id":1,"weight":3},{"id":2}]}]
            """
        #expect(try server.post("/v1/nexthops", all).status == 200)
    }

    @Test("A nexthop is added, read, replaced by PUT, and removed")
    func life() throws {
        let added = try server.post("/v1/nexthops", #"{"gateway":"192.0.2.2","dev":"eth0","flags":["onlink"]}"#)
        #expect(added.status == 201 && added.header("Location") == "/v1/nexthops/1")
        let number = try #require(added.header("Fibd-Seq"))
        #expect(added.header("ETag") == "\"\(number)\"")
        #expect(
            added.text.withoutHashes == """
                {"dev":"eth0","family":"inet","flags":["onlink"],"gateway":"192.0.2.2","h":"H","id":1,"namespace":"default",\
                "seq":\(number),"version":\(number)}

                """)
        #expect(try server.get("/v1/nexthops/1").text == added.text)
        let put = try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth1"}"#)
        #expect(put.status == 200)
        #expect(try server.request("PUT", "/v1/nexthops/1", put.text).header("Fibd-Seq") == put.header("Fibd-Seq"))
        #expect(try server.request("PUT", "/v1/nexthops/7", #"{"blackhole":true}"#).status == 201)
        try server.expectRefusal("POST", "/v1/nexthops", #"{"id":7,"dev":"eth0"}"#, "409 EEXIST nexthop-exists")
        #expect(try server.post("/v1/nexthops?mode=replace", #"{"id":7,"dev":"eth0"}"#).status == 200)
        #expect(try server.delete("/v1/nexthops/7").status == 204)
        #expect(try server.delete("/v1/nexthops/7").refusal() == "404 ENOENT nexthop-not-found")
        #expect(try server.get("/v1/nexthops/7").refusal() == "404 ENOENT nexthop-not-found")
        #expect(try server.get("/v1/nexthops/0").status == 400 && server.get("/v1/nexthops/x").status == 400)
        #expect(try ids() == [1])
    }

    @Test("Conditions, dry runs and namespaces are those of all objects")
    func common() throws {
        let added = try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth0"}"#)
        let tag = try #require(added.header("ETag"))
        let other = ["If-Match: \"999\""]
        #expect(try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth1"}"#, headers: other).status == 412)
        #expect(try server.delete("/v1/nexthops/1", headers: other).status == 412)
        let none = ["If-None-Match: *"]
        #expect(try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth1"}"#, headers: none).status == 412)
        let dry = try server.request("PUT", "/v1/nexthops/2?dry_run=1", #"{"dev":"eth1"}"#)
        #expect(dry.status == 200 && dry.text.contains("\"dry_run\":true"))
        #expect(try ids() == [1])
        _ = try server.request("PUT", "/v1/namespaces/blue", "{}")
        let blue = try server.post("/v1/nexthops?namespace=blue", #"{"dev":"eth0"}"#)
        #expect(blue.header("Location") == "/v1/nexthops/1?namespace=blue")
        #expect(try rows("/v1/nexthops?namespace=blue").count == 1 && rows("/v1/nexthops").count == 2)
        try server.expectRefusal(
            "PUT", "/v1/nexthops/1?namespace=blue", #"{"namespace":"default","dev":"eth0"}"#, "422 EINVAL key-mismatch")
        try server.expectRefusal("PUT", "/v1/nexthops/1", #"{"id":2,"dev":"eth0"}"#, "422 EINVAL key-mismatch")
        #expect(
            try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth1"}"#, headers: ["If-Match: \(tag)"]).status == 200
        )
        #expect(try server.delete("/v1/namespaces/blue").status == 204)
        #expect(try eventually { try ids() == [1] })
    }

    @Test("Lists can be narrowed, come in pages, and what they and `ip -json nexthop` print is taken back")
    func lists() throws {
        try fill()
        #expect(try ids() == [1, 2, 4, 5, 10])
        #expect(try ids("?family=inet6") == [5] && ids("?dev=eth0") == [1, 5] && ids("?groups=1") == [10])
        #expect(try ids("?blackhole=1") == [4] && ids("?member=2") == [10] && ids("?protocol=bgp") == [1])
        #expect(try ids("?groups=0&blackhole=0&family=inet") == [1, 2])
        let page = try server.get("/v1/nexthops?limit=3")
        let next = try #require(page.header("Link").flatMap { text(of: $0, between: "<", and: ">") })
        #expect(try ids(String(next.dropFirst("/v1/nexthops".count))) == [5, 10])
        let all = try server.get("/v1/nexthops").text
        #expect(try server.post("/v1/nexthops?mode=replace", all).json()["unchanged"]?.number == 5)
        // iproute2 6.1, `ip -json -details nexthop show`.
        let printed = """
            [{"id":21,"gateway":"192.0.2.2","dev":"d1","scope":"link","protocol":"unspec","flags":[]},
            {"id":22,"scope":"global","blackhole":null,"protocol":"unspec","flags":[]},
            {"id":27,"gateway":"203.0.113.9","dev":"d1","scope":"link","protocol":"unspec","flags":["onlink"]},
            {"id":30,"group":[{"id":21,"weight":2},{"id":27,"weight":2}],"scope":"global","protocol":"unspec","flags":[]}]
            """
        #expect(try server.post("/v1/nexthops", printed).json()["created"]?.number == 4)
    }

    @Test("A flush says what goes, and how much")
    func flush() throws {
        try fill()
        #expect(try server.delete("/v1/nexthops").status == 400)
        #expect(try server.delete("/v1/nexthops?dev=eth0&expect=1").refusal() == "409 ESTALE count-mismatch")
        #expect(try server.delete("/v1/nexthops?dev=eth0&dry_run=1").json()["deleted"]?.number == 2)
        #expect(try server.delete("/v1/nexthops?dev=eth0").json()["deleted"]?.number == 2)
        #expect(try ids() == [2, 4, 10])
        #expect(try server.delete("/v1/nexthops?all=1").json()["deleted"]?.number == 3)
    }

    @Test("What is refused says why, and nothing changes")
    func refusals() throws {
        try fill()
        let before = try server.get("/v1/nexthops").text
        for (body, expected) in [
            (#"{"id":3}"#, "422 EINVAL nexthop-missing"),
            (#"{"id":3,"group":[{"id":9}]}"#, "422 EINVAL nexthop-object-unknown"),
            (#"{"id":3,"group":[{"id":1},{"id":4}]}"#, "422 EINVAL nexthop-invalid"),
            (#"{"id":3,"group":[{"weight":4}]}"#, "422 EINVAL missing-field"),
            (#"{"id":3,"group":[{"id":1,"weight":0}]}"#, "422 EINVAL weight-invalid"),
            (#"{"id":3,"group":[{"id":1}],"type":"resilient"}"#, "422 EOPNOTSUPP unsupported"),
            (#"{"id":3,"dev":"eth0","fdb":null}"#, "422 EOPNOTSUPP unsupported"),
            (
                #"{"id":3,"dev":"eth0","gateway":"192.0.2.1","via":{"host":"2001:db8::1"}}"#,
                "422 EINVAL nexthop-conflict"
            ),
        ] { try server.expectRefusal("POST", "/v1/nexthops", body, expected) }
        try server.expectRefusal("PUT", "/v1/nexthops/10", #"{"dev":"eth0"}"#, "422 EINVAL nexthop-invalid")
        #expect(try server.post("/v1/nexthops", #"{"id":3,"dev":"eth0","weight":2}"#).status == 400)
        #expect(try server.get("/v1/nexthops").text == before)
    }

    @Test("Routes name a nexthop by nhid: listed, selected, looked up, deleted by it, and gone with it")
    func routes() throws {
        try fill()
        let added = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","nhid":10}"#)
        #expect(added.status == 201 && added.text.contains("\"nhid\":10") && !added.text.contains("gateway"))
        #expect(try server.post("/v1/routes", #"{"dst":"10.1.0.0/16","nhid":4}"#).status == 201)
        #expect(try server.post("/v1/routes", #"{"dst":"2001:db8::/32","nhid":5}"#).status == 201)
        // As the kernel, 0 is none.
        #expect(try server.post("/v1/routes", #"{"dst":"10.2.0.0/16","nhid":0,"dev":"eth5"}"#).status == 201)
        try server.expectRefusal(
            "POST", "/v1/routes", #"{"dst":"10.3.0.0/16","nhid":1,"dev":"eth0"}"#, "422 EINVAL nexthop-conflict")
        try server.expectRefusal(
            "POST", "/v1/routes", #"{"dst":"10.3.0.0/16","nhid":77}"#, "422 EINVAL nexthop-object-unknown")
        #expect(try rows("/v1/routes?nhid=4,5").count == 2)
        // One row each way, whatever it leads to.
        #expect(try server.post("/v1/routes?mode=replace", added.text).header("ETag") == added.header("ETag"))
        let found = try server.get("/v1/lookup?dst=10.0.0.1").json()
        #expect(found["nhid"]?.number == 10 && found["dev"] != nil)
        let refused = try server.get("/v1/lookup?dst=10.1.0.1").json()
        #expect(refused["result"] == .string("blackhole") && refused["code"] == .string("EINVAL"))
        let path = "/v1/routes/10.0.0.0/8"
        #expect(try server.delete("\(path)?nhid=1").refusal() == "404 ESRCH route-not-found")
        #expect(try server.delete("\(path)?nhid=10").status == 204)
        #expect(try server.delete("/v1/routes?nhid=4").json()["deleted"]?.number == 1)
        #expect(try server.delete("/v1/nexthops/5").status == 204)
        #expect(try rows("/v1/routes").compactMap { $0["dst"]?.string } == ["10.2.0.0/16"])
    }

    @Test("Streams tell of nexthops, of groups that shrink, and of the routes that go with them, each with its cause")
    func events() throws {
        try fill()
        _ = try server.post("/v1/routes", #"{"dst":"10.0.0.0/8","nhid":1}"#)
        let reader = try server.follow("?kinds=nexthop,route")
        let replayed = try reader.frames(through: "sync").map { try $0.json() }
        #expect(replayed.compactMap { $0["entry"]?["id"]?.number } == [1, 2, 4, 5, 10])
        _ = try server.delete("/v1/nexthops/1")
        var told: [String] = []
        while told.count < 3 {
            let frame = try reader.next()
            guard ["nexthop", "route"].contains(frame.event) else { continue }
            let data = try frame.json()
            told.append("\(frame.event) \(data["op"]?.string ?? "") \(data["cause"]?["reason"]?.string ?? "-")")
        }
        #expect(told == ["nexthop delete -", "nexthop replace nexthop-removed", "route delete nexthop-removed"])
        let follower = Follower(try server.follow("?kinds=nexthop,route&until=sync"))
        try follower.followToSync()
        #expect(follower.count == 4)
    }

    @Test("A switch like the kernel's simulator counts nexthop objects and refuses what has no room (R3-33)")
    func capacity() throws {
        let server = try RunningServer(arguments: ["--ephemeral"])
        let settings = #"{"profile":"netdevsim","capacity":{"nexthops":4}}"#
        #expect(try server.request("PATCH", "/v1/devices/asic0", settings).status == 200)
        #expect(try server.post("/v1/devices/asic0/restart", "{}").status < 300)
        func occupancy() throws -> UInt64? {
            try server.get("/v1/devices/asic0").json()["occupancy"]?["nexthops"]?.number
        }
        #expect(try server.post("/v1/nexthops", #"{"id":1,"dev":"eth0"}"#).status == 201)
        try server.expectRefusal(
            "POST", "/v1/nexthops", #"{"id":2,"group":[{"id":1,"weight":4}]}"#, "507 ENOSPC not-admitted")
        #expect(try server.post("/v1/nexthops", #"{"id":2,"group":[{"id":1,"weight":3}]}"#).status == 201)
        #expect(try eventually { try occupancy() == 4 })
        // To replace one takes a place of its own, until the former one has gone.
        try server.expectRefusal("PUT", "/v1/nexthops/1", #"{"dev":"eth1"}"#, "507 ENOSPC not-admitted")
        #expect(try server.delete("/v1/nexthops/2").status == 204)
        #expect(try eventually { try occupancy() == 1 })
        #expect(try server.request("PUT", "/v1/nexthops/1", #"{"dev":"eth1"}"#).status == 200)
        #expect(try eventually { try occupancy() == 1 })
    }

    @Test("Nexthops and the routes that use them survive a restart, with their versions", arguments: [true, false])
    func restart(isKilled: Bool) throws {
        let directory = TemporaryDirectory()
        let first = try RunningServer(arguments: ["--data-dir", directory.path])
        _ = try first.post(
            "/v1/nexthops",
            """
            [{"id":1,"gateway":"192.0.2.2","dev":"eth0","flags":["onlink"],"protocol":"bgp"},{"id":2,"dev":"eth1"},
            {"id":4,"blackhole":true,"family":"inet6"},{"id":4294967295,"group":[{"id":1,"weight":256},{"id":2}]}]
            """)
        _ = try first.post("/v1/routes", #"{"dst":"10.0.0.0/8","nhid":4294967295}"#)
        let before = try first.get("/v1/nexthops").text
        first.process.signal(isKilled ? SIGKILL : SIGTERM)
        #expect(first.process.waitForExit() != nil)
        let second = try RunningServer(arguments: ["--data-dir", directory.path])
        #expect(try second.get("/v1/nexthops").text == before)
        #expect(try second.get("/v1/lookup?dst=10.0.0.1").json()["nhid"]?.number == 4_294_967_295)
    }
}
