import TestSupport
import Testing

/// What the simulated switch makes of routes, by the links and neighbours that are there.
@Suite struct SwitchNeighbourTests {
    let server: RunningServer

    init() throws {
        server = try RunningServer("--simulated-switch", "asic0")
        _ = try server.request("PUT", "/v1/namespaces/strict", #"{"nexthop_check":"strict"}"#)
        for number in 1...2 {
            let body = #"{"addresses":["192.0.\#(number).1/24"]}"#
            #expect(try server.request("PUT", "/v1/links/eth\(number)?namespace=strict", body).status == 201)
        }
    }

    private func add(_ body: String, _ namespace: String = "strict") throws {
        let response = try server.post("/v1/routes?namespace=\(namespace)&ack=applied", body)
        #expect(response.status == 201, "\(response.text)")
    }

    private func neighbour(_ device: String, _ address: String, _ state: String, _ namespace: String = "strict") throws
    {
        let target = "/v1/neighbors/\(device)/\(address)?namespace=\(namespace)"
        #expect(try [200, 201].contains(server.request("PUT", target, #"{"state":"\#(state)"}"#).status))
    }

    private func hardware(_ path: String, _ namespace: String = "strict") throws -> JSONValue? {
        try server.get("/v1/routes/\(path)?namespace=\(namespace)&metric=0").json()["hw"]
    }

    /// Waits for the state.
    private func expect(_ path: String, _ state: String, _ namespace: String = "strict", line: Int = #line) throws {
        var last: JSONValue?
        let isThere = try eventually {
            last = try hardware(path, namespace)
            return last?["state"] == .string(state)
        }
        #expect(isThere, "line \(line): \(path) is \(String(describing: last))")
    }

    @Test(
        "In a strict namespace a route is offloaded once its neighbour is known, and trapped while it isn't or has failed"
    )
    func strict() throws {
        try add(#"{"dst":"10.0.0.0/8","gateway":"192.0.1.9"}"#)
        try expect("10.0.0.0/8", "trap")
        #expect(try hardware("10.0.0.0/8")?["reason"]?.string?.contains("192.0.1.9") == true)
        try neighbour("eth1", "192.0.1.9", "REACHABLE")
        try expect("10.0.0.0/8", "offload")
        try neighbour("eth1", "192.0.1.9", "FAILED")
        try expect("10.0.0.0/8", "trap")
        try neighbour("eth1", "192.0.1.9", "STALE")
        try expect("10.0.0.0/8", "offload")
        #expect(try server.delete("/v1/neighbors/eth1/192.0.1.9?namespace=strict").status == 204)
        try expect("10.0.0.0/8", "trap")
    }

    @Test(
        "A multipath route falls from offload to trap when its neighbours fail, and comes back with the first of them")
    func multipath() throws {
        try add(#"{"dst":"10.0.0.0/8","nexthops":[{"gateway":"192.0.1.9"},{"gateway":"192.0.2.9"}]}"#)
        for (device, address) in [("eth1", "192.0.1.9"), ("eth2", "192.0.2.9")] {
            try neighbour(device, address, "REACHABLE")
        }
        try expect("10.0.0.0/8", "offload")
        try neighbour("eth1", "192.0.1.9", "FAILED")
        try neighbour("eth2", "192.0.2.9", "FAILED")
        try expect("10.0.0.0/8", "trap")
        try neighbour("eth2", "192.0.2.9", "REACHABLE")
        try expect("10.0.0.0/8", "offload")
    }

    @Test("In an open namespace an unknown neighbour will do, and one that is known to have failed won't")
    func open() throws {
        try add(#"{"dst":"10.0.0.0/8","gateway":"192.0.1.9","dev":"eth1"}"#, "default")
        try expect("10.0.0.0/8", "offload", "default")
        try neighbour("eth1", "192.0.1.9", "FAILED", "default")
        try expect("10.0.0.0/8", "trap", "default")
        try neighbour("eth1", "192.0.1.9", "REACHABLE", "default")
        try expect("10.0.0.0/8", "offload", "default")
    }

    @Test("Routes of addresses of one's own are trapped, those of subnets offloaded")
    func addresses() throws {
        func state(_ path: String, _ table: String) throws -> String? {
            try server.get("/v1/routes/\(path)?namespace=strict&table=\(table)").json()["hw"]?["state"]?.string
        }
        #expect(try eventually { try state("192.0.1.1/32", "local") == "trap" })
        #expect(try eventually { try state("192.0.1.255/32", "local") == "trap" })
        #expect(try eventually { try state("192.0.1.0/24", "main") == "offload" })
    }

    @Test("A route that moves up because a better one is deleted is programmed, and that is told")
    func promoted() throws {
        try add(#"{"dst":"10.0.0.0/8","dev":"eth1"}"#, "default")
        try add(#"{"dst":"10.0.0.0/8","dev":"eth2","metric":9}"#, "default")
        try expect("10.0.0.0/8", "offload", "default")
        let follower = Follower(try server.follow("?kinds=route&namespace=default"))
        try follower.followToSync()
        #expect(try server.delete("/v1/routes/10.0.0.0/8?metric=0&ack=hardware").status == 204)
        // The other one is pending before it moves up, and then it is in hardware.
        #expect(try follower.followDeltas(3) == ["flags", "delete", "flags"])
        let row = try server.get("/v1/routes/10.0.0.0/8").json()
        #expect(row["metric"]?.number == 9 && row["hw"]?["state"] == .string("offload"))
    }

    @Test("A link that is left to software has none of its routes in the switch, until it isn't any more")
    func unoffloaded() throws {
        try add(#"{"dst":"10.0.0.0/8","dev":"eth1"}"#, "default")
        try expect("10.0.0.0/8", "offload", "default")
        _ = try server.request("PUT", "/v1/links/eth1", #"{"offload":false}"#)
        try expect("10.0.0.0/8", "none", "default")
        let response = try server.post("/v1/routes?ack=hardware", #"{"dst":"11.0.0.0/8","dev":"eth1"}"#)
        #expect(try response.status == 201 && response.json()["hw"]?["reason"] == .string("link-not-offloaded"))
        _ = try server.request("PUT", "/v1/links/eth1", #"{"offload":true}"#)
        try expect("10.0.0.0/8", "offload", "default")
        try expect("11.0.0.0/8", "offload", "default")
    }

    @Test("A write waits for the switch, and is told of what fails there")
    func waiting() throws {
        let good = try server.post("/v1/routes?ack=hardware", #"{"dst":"10.0.0.0/8","dev":"eth1"}"#)
        #expect(try good.status == 201 && good.json()["hw"]?["state"] == .string("offload"))
        #expect(try server.request("PATCH", "/v1/devices/asic0", #"{"faults":{"fail_every":1}}"#).status == 200)
        let bad = try server.post("/v1/routes?ack=hardware", #"{"dst":"11.0.0.0/8","dev":"eth1"}"#)
        #expect(bad.status == 201 && bad.header("Fibd-Hardware") == "failed")
        #expect(try server.request("PATCH", "/v1/devices/asic0", #"{"faults":{"fail_every":0}}"#).status == 200)
        #expect(try server.request("POST", "/v1/routes/11.0.0.0/8/hardware/retry").status == 202)
        try expect("11.0.0.0/8", "offload", "default")
        #expect(try server.delete("/v1/routes/11.0.0.0/8?ack=hardware").status == 204)
    }
}
