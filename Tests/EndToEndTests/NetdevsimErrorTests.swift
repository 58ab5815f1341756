import TestSupport
import Testing

/// What `drivers/net/netdevsim/fib.sh` asserts where there is no room and where hardware refuses, over HTTP.
@Suite struct NetdevsimErrorHTTPTests {
    private static let cases = ["inet", "inet6"].flatMap { family in NetdevsimLab.modes.map { (family, $0) } }

    private func prefix(_ family: String, _ index: Int) -> String {
        family == "inet" ? "192.0.\(index).0/24" : "2001:db8:\(100 + index)::/64"
    }

    private func resource(_ family: String) -> String { family == "inet" ? "ipv4" : "ipv6" }

    /// T3-11, T3-33, T3-34.
    private func add(_ family: String, _ hops: String, _ mode: Int) throws {
        let lab = try NetdevsimLab(family, mode: mode)
        // Routes of addresses are counted as well (R3-28).
        let others = try lab.occupancy(resource(family))
        try lab.device(#"{"capacity":{"\#(resource(family))":10}}"#)
        #expect(try lab.reload())
        let admitted = try (0..<20).filter { try lab.isAdmitted("add \(prefix(family, $0)) \(hops) metric 1024") }
        #expect(admitted == Array(0..<10 - Int(others)))
        #expect(try lab.countInHardware(family) == 10 && lab.occupancy(resource(family)) == 10)
        for index in admitted.count..<20 { #expect(try lab.routes(prefix(family, index)) == []) }
        // R3-26: what would only replace is refused too, and a deletion makes room.
        #expect(try !lab.isAdmitted("replace \(prefix(family, 0)) dev dummy2 metric 1024"))
        try lab.route("del \(prefix(family, 0))")
        try lab.settle()
        #expect(try lab.isAdmitted("add \(prefix(family, 30)) \(hops) metric 1024"))
        try lab.removeLink("dummy1")
        try lab.removeDevice()
    }

    @Test("T3-11: of 20 IPv4 routes, those beyond a limit of 10 are refused", arguments: NetdevsimLab.modes)
    func addIPv4(mode: Int) throws { try add("inet", "dev dummy1", mode) }

    @Test("T3-33: of 20 IPv6 routes, those beyond a limit of 10 are refused", arguments: NetdevsimLab.modes)
    func addIPv6(mode: Int) throws { try add("inet6", "via 2001:db8:2::2", mode) }

    @Test("T3-34: of 20 lists of nexthops, those beyond a limit of 10 are refused", arguments: NetdevsimLab.modes)
    func addMultipath(mode: Int) throws {
        try add("inet6", "nexthop 2001:db8:2::2 nexthop 2001:db8:2::3", mode)
    }

    @Test(
        "T3-12, T3-35: a reload without room fails; without these routes, and with room, one succeeds", arguments: cases
    )
    func replay(family: String, mode: Int) throws {
        let lab = try NetdevsimLab(family, mode: mode)
        let others = try Int(lab.occupancy(resource(family)))
        for index in 0..<20 { try lab.route("add \(prefix(family, index)) dev dummy1 metric 1024") }
        #expect(try lab.countInHardware(family) == 20 + others)
        try lab.device(#"{"capacity":{"\#(resource(family))":10}}"#)
        #expect(try !lab.reload())
        // R3-29: no listener, and no flags.
        #expect(try lab.countInHardware(family) == 0)
        #expect(try lab.server.get("/v1/devices/asic0").json()["state"] == .string("down"))
        try lab.removeLink("dummy1")
        try lab.device(#"{"capacity":{"\#(resource(family))":100}}"#)
        #expect(try lab.reload())
        try lab.route("add \(prefix(family, 0)) dev dummy2 metric 1024")
        try lab.expect(prefix(family, 0), "dummy2 1024 trap")
    }

    @Test(
        "T3-13, T3-36: after a deletion that hardware refused its table is empty, and link and device can go",
        arguments: cases)
    func failedDelete(family: String, mode: Int) throws {
        let lab = try NetdevsimLab(family, mode: mode)
        try lab.route("add \(prefix(family, 0)) dev dummy1 metric 1024")
        try lab.route("add \(prefix(family, 1)) dev dummy2 metric 1024")
        try lab.expect(prefix(family, 1), "dummy2 1024 trap")
        try lab.device(#"{"faults":{"fail_route_delete":true}}"#)
        try lab.route("del \(prefix(family, 0))")
        try lab.settle()
        try lab.device(#"{"faults":{"fail_route_delete":false}}"#)
        // R3-31: nothing comes back by itself.
        #expect(try lab.countInHardware(family) == 0 && lab.occupancy(resource(family)) == 0)
        #expect(try lab.server.get("/v1/devices/asic0").json()["counters"]?["failed_deletes"]?.number == 1)
        #expect(try lab.routes(prefix(family, 0)) == [] && lab.routes(prefix(family, 1)) == ["dummy2 1024"])
        for link in ["dummy1", "dummy2", "dummy3"] { try lab.removeLink(link) }
        #expect(try lab.server.get("/v1/routes?family=\(family)").json().array?.isEmpty == true)
        try lab.removeDevice()
    }
}
