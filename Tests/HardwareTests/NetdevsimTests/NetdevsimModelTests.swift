import Addressing
import ChangeLog
import ControlPlane
import Routing
import Testing

@testable import Hardware

/// The kernel's simulator, rule by rule (R3-20…R3-34), on the model alone.
@Suite struct NetdevsimModelTests {
    private func lab(_ change: (inout SwitchSettings) -> Void = { _ in }) -> ModelLab {
        ModelLab { settings in
            settings.profile = .netdevsim
            change(&settings)
        }
    }

    @Test(
        "R3-21: everything is trapped, a millisecond after it came", arguments: [RouteType.unicast, .blackhole, .local])
    func trap(type: RouteType) throws {
        var lab = lab()
        if type == .blackhole {
            try lab.put("10.0.0.0/8", type: type)
        } else {
            try lab.put("10.0.0.0/8", "eth0", type: type)
        }
        #expect(lab.said(after: 0) == [] && lab.said(after: 1) == ["10.0.0.0/8 trap"])
    }

    @Test("Neither neighbours nor links matter to it")
    func surroundings() throws {
        var lab = lab()
        lab.link("eth0", isOffloaded: false)
        try lab.neighbour("eth0", "192.0.2.1", .failed)
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0")
        #expect(lab.said() == ["10.0.0.0/8 trap"])
    }

    @Test("R3-22, R3-23: what nexthops join or leave is done without delay, but in its turn (R3-24)")
    func instant() throws {
        var lab = lab()
        try lab.put("2001:db8::/32", "fe80::1@eth0")
        _ = lab.said()
        try lab.append("2001:db8::/32", "fe80::2@eth0")
        #expect(lab.said(after: 0) == ["2001:db8::/32 trap"])
        try lab.put("10.0.0.0/8", "eth0")
        try lab.delete("2001:db8::/32", "fe80::1@eth0")
        #expect(lab.said(after: 0) == [])
        #expect(lab.said(after: 1) == ["10.0.0.0/8 trap", "2001:db8::/32 trap"])
    }

    @Test("R3-26: the place of a replacement is given back, a deletion gives back one, and what moves up none")
    func account() throws {
        var lab = lab()
        try lab.put("10.0.0.0/8", "eth0", metric: 2)
        let version = try #require(lab.routes.values.first).value.version
        #expect(lab.said() == ["10.0.0.0/8 trap"] && lab.model.givenBack.ipv4 == 0)
        try lab.put("10.0.0.0/8", "eth1", metric: 1)
        _ = lab.said()
        #expect(lab.model.givenBack.ipv4 == 1)
        try lab.promote("10.0.0.0/8", "eth0", metric: 2, version: version)
        #expect(lab.said() == ["10.0.0.0/8 trap"] && lab.model.givenBack.ipv4 == 1)
        try lab.delete("10.0.0.0/8")
        _ = lab.said()
        #expect(lab.model.givenBack.ipv4 == 2 && lab.model.occupancy.ipv4 == 0)
    }

    @Test("R3-26: nexthops that leave are a deletion to the account, and what is unknown as well")
    func quirks() throws {
        var lab = lab()
        try lab.put("2001:db8::/32", "fe80::1@eth0", "fe80::2@eth0")
        try lab.delete("2001:db8::/32", "fe80::1@eth0")
        _ = lab.said()
        #expect(lab.model.givenBack.ipv6 == 1 && lab.model.occupancy.ipv6 == 1)
        try lab.delete("2001:db8:1::/48")
        _ = lab.said()
        #expect(lab.model.givenBack.ipv6 == 2)
        var account = SwitchAccount(.init())
        account.giveBack(.init(ipv4: 5, ipv6: 5))
        #expect(account.counts == .init())
    }

    @Test("R3-30: a failure takes its time, keeps what was there, and its place until the deletion")
    func failedOffload() throws {
        var lab = lab()
        try lab.put("2001:db8::/32", "fe80::1@eth0")
        _ = lab.said()
        lab.change { $0.faults.failsRouteOffload = true }
        try lab.append("2001:db8::/32", "fe80::2@eth0")
        #expect(lab.said(after: 0) == [])
        #expect(lab.said(after: 1) == ["2001:db8::/32 failed: fail_route_offload is set"])
        try lab.put("2001:db8::/32", "fe80::3@eth0")
        #expect(lab.said() == ["2001:db8::/32 failed: fail_route_offload is set"])
        #expect(lab.model.givenBack.ipv6 == 0 && lab.model.occupancy.ipv6 == 1)
        try lab.delete("2001:db8::/32")
        #expect(lab.said() == [] && lab.model.givenBack.ipv6 == 1 && lab.model.occupancy.ipv6 == 0)
    }

    @Test("R3-31: a refused deletion empties the table, and nothing comes back but by an event of its own")
    func failedDelete() throws {
        var lab = lab()
        for index in 0..<20 { try lab.put("10.\(index).0.0/16", "eth0") }
        _ = lab.said()
        lab.change { $0.faults.failsRouteDelete = true }
        let deletion = try lab.delete("10.3.0.0/16")
        #expect(lab.said() == (0..<20).filter { $0 != 3 }.map { "10.\($0).0.0/16 none" })
        #expect(lab.model.occupancy.ipv4 == 0 && lab.model.givenBack.ipv4 == 20)
        #expect(lab.model.processed == deletion && lab.model.counters.failedDeletes == 1)
        try lab.put("10.5.0.0/16", "eth1")
        #expect(lab.said(after: 100_000) == ["10.5.0.0/16 trap"])
    }

    @Test("R3-31: nexthops whose leaving is refused empty the table as well, and what is left of the route is none")
    func failedPartialDelete() throws {
        var lab = lab()
        try lab.put("2001:db8::/32", "fe80::1@eth0", "fe80::2@eth0")
        try lab.put("10.0.0.0/8", "eth0")
        _ = lab.said()
        lab.change { $0.faults.failsRouteDelete = true }
        try lab.delete("2001:db8::/32", "fe80::1@eth0")
        #expect(lab.said().sorted() == ["10.0.0.0/8 none", "2001:db8::/32 none"])
        #expect(lab.model.givenBack == .init(ipv4: 1, ipv6: 1) && lab.model.occupancy == SwitchOccupancy())
    }

    @Test("A flush tells of the route that hardware had, where its successor has failed")
    func flushOfFormer() throws {
        var lab = lab()
        try lab.put("10.0.0.0/8", "eth0", metric: 2)
        try lab.put("11.0.0.0/8", "eth0")
        _ = lab.said()
        lab.change { $0.faults.failsRouteOffload = true }
        try lab.put("10.0.0.0/8", "eth1", metric: 1)
        _ = lab.said()
        lab.change { $0.faults.failsRouteDelete = true }
        try lab.delete("11.0.0.0/8")
        #expect(lab.said() == ["10.0.0.0/8 none (101)"])
        #expect(lab.model.occupancy.ipv4 == 0)
    }

    @Test("R3-22: nexthops that join what isn't there fail")
    func unknownAppend() throws {
        var lab = lab()
        try lab.put("2001:db8::/32", "fe80::1@eth0")
        _ = lab.said()
        lab.change { $0.faults.failsRouteDelete = true }
        try lab.delete("2001:db8:1::/48")
        _ = lab.said()
        lab.change { $0.faults.failsRouteDelete = false }
        try lab.append("2001:db8::/32", "fe80::2@eth0")
        #expect(lab.said() == ["2001:db8::/32 failed: the entry that nexthops join or leave is not in hardware"])
    }
}
