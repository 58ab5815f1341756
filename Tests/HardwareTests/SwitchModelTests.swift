import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane
@testable import Hardware

/// What a switch of the profile `asic` makes of routes, neighbours and links.
@Suite struct SwitchModelTests {
    @Test(
        "A type of route comes to the state in which hardware can deal with it",
        arguments: [
            (RouteType.unicast, HardwareState.offload), (.blackhole, .offload), (.local, .trap), (.broadcast, .trap),
            (.anycast, .trap), (.multicast, .trap), (.unreachable, .trap), (.prohibit, .trap), (.throw, .trap),
        ])
    func types(type: RouteType, state: HardwareState) throws {
        var lab = ModelLab()
        if type.isWithoutNextHop {
            try lab.put("10.0.0.0/8", type: type)
        } else {
            try lab.put("10.0.0.0/8", "eth0", type: type)
        }
        #expect(lab.said() == ["10.0.0.0/8 \(state.name)"])
        #expect(lab.model.occupancy.ipv4 == 1)
    }

    @Test("Results come no sooner than the shortest latency, by the longest, and in order")
    func latency() throws {
        var lab = ModelLab { $0.latency = .init(minimum: 20, maximum: 50) ?? .standard }
        let prefixes = (0..<40).map { "10.\($0).0.0/16" }
        for prefix in prefixes { try lab.put(prefix, "eth0") }
        #expect(lab.said(after: 19).isEmpty)
        let early = lab.said(after: 15)
        let late = lab.said(after: 16)
        #expect(early + late == prefixes.map { "\($0) offload" } && !late.isEmpty)
        #expect(lab.model.deadline == nil)
    }

    @Test("The same seed gives the same times")
    func seed() throws {
        func times(_ seed: UInt64) throws -> [Int] {
            var lab = ModelLab {
                $0.latency = .init(minimum: 0, maximum: 1_000) ?? .standard
                $0.seed = seed
            }
            try lab.put("10.0.0.0/8", "eth0")
            return (0...1_000).map { _ in lab.said(after: 1).count }
        }
        #expect(try times(7) == times(7))
        #expect(try times(7) != times(8))
    }

    @Test(
        "A route is offloaded while one of its legs can be used, and trapped, with the neighbour's name, while none can"
    )
    func neighbours() throws {
        var lab = ModelLab()
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0", "192.0.2.2@eth1")
        try lab.put("11.0.0.0/8", "eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"])
        try lab.neighbour("eth0", "192.0.2.1", .failed)
        #expect(lab.said() == [])
        try lab.neighbour("eth1", "192.0.2.2", .incomplete)
        #expect(lab.said() == ["10.0.0.0/8 trap: neighbour 192.0.2.1 on eth0 is FAILED"])
        try lab.neighbour("eth1", "192.0.2.2", .stale)
        #expect(lab.said() == ["10.0.0.0/8 offload"])
        // A neighbour that is gone isn't known, which is no obstacle where nothing is checked.
        try lab.neighbour("eth1", "192.0.2.2", .failed)
        try lab.neighbour("eth0", "192.0.2.1", nil)
        #expect(lab.said() == [])
    }

    @Test("Where nexthops are checked, a neighbour must be known")
    func strict() throws {
        var lab = ModelLab()
        lab.check(.strict)
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0")
        try lab.put("11.0.0.0/8", "192.0.2.1")
        #expect(
            lab.said() == [
                "10.0.0.0/8 trap: neighbour 192.0.2.1 on eth0 is not known",
                "11.0.0.0/8 trap: neighbour 192.0.2.1 is not known",
            ])
        try lab.neighbour("eth0", "192.0.2.1", .reachable)
        #expect(lab.said() == ["10.0.0.0/8 offload"])
        lab.check(.open)
        #expect(lab.said() == ["11.0.0.0/8 offload"])
    }

    @Test("Neighbours that change at one time are looked at once, whatever came between")
    func coalesced() throws {
        var lab = ModelLab()
        for index in 0..<200 { try lab.put("10.0.\(index).0/24", "192.0.2.1@eth0") }
        _ = lab.said()
        for state in [NeighbourState.failed, .reachable, .failed, .reachable, .probe] {
            try lab.neighbour("eth0", "192.0.2.1", state)
        }
        // All is as it was.
        #expect(lab.said() == [])
        try lab.neighbour("eth0", "192.0.2.1", .reachable)
        try lab.neighbour("eth0", "192.0.2.1", .failed)
        #expect(lab.said() == (0..<200).map { "10.0.\($0).0/24 trap: neighbour 192.0.2.1 on eth0 is FAILED" })
    }

    @Test("What leads only over links that are not offloaded is not for hardware, and comes there when one is")
    func links() throws {
        var lab = ModelLab()
        lab.link("eth0", isOffloaded: false)
        try lab.put("10.0.0.0/8", "eth0")
        try lab.put("11.0.0.0/8", "eth0", "eth1")
        try lab.put("12.0.0.0/8", "192.0.2.1")
        #expect(
            lab.said() == ["10.0.0.0/8 none: link-not-offloaded", "11.0.0.0/8 offload", "12.0.0.0/8 offload"])
        #expect(lab.model.occupancy.ipv4 == 2)
        lab.link("eth1", isOffloaded: false)
        #expect(lab.said() == ["11.0.0.0/8 none: link-not-offloaded"])
        #expect(lab.model.occupancy.ipv4 == 1 && lab.model.occupancy.nexthops == 1)
        lab.link("eth0", isOffloaded: nil)
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"])
        #expect(lab.model.occupancy.ipv4 == 3)
    }

    @Test("A link that is offloaded again before the switch has looked leaves no route without an answer")
    func hastyLink() throws {
        var lab = ModelLab()
        try lab.put("10.0.0.0/8", "eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload"])
        lab.change { $0.faults.failsRouteOffload = true }
        try lab.put("11.0.0.0/8", "eth0")
        #expect(lab.said() == ["11.0.0.0/8 failed: fail_route_offload is set"])
        lab.change { $0.faults.failsRouteOffload = false }
        for isOffloaded in [false, true] { lab.link("eth0", isOffloaded: isOffloaded) }
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"])
        #expect(lab.model.occupancy.ipv4 == 2)
        // Once is enough.
        lab.link("eth0", isOffloaded: true)
        #expect(lab.said() == [])
    }

    @Test("All entries are looked at after a link has changed, though more come before it has looked")
    func sweepBesideArrivals() throws {
        var lab = ModelLab()
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload"])
        // It has looked at all there was: the next look begins behind that.
        try lab.neighbour("eth0", "192.0.2.1", .failed)
        #expect(lab.said() == ["10.0.0.0/8 trap: neighbour 192.0.2.1 on eth0 is FAILED"])
        try lab.put("11.0.0.0/8", "eth0")
        #expect(lab.said() == ["11.0.0.0/8 offload"])
        lab.link("eth0", isOffloaded: false)
        try lab.put("12.0.0.0/8", "eth1")
        #expect(
            lab.said().sorted() == [
                "10.0.0.0/8 none: link-not-offloaded", "11.0.0.0/8 none: link-not-offloaded", "12.0.0.0/8 offload",
            ])
    }

    @Test("R2-07, R2-08: nexthops that join or leave program the route anew, at its version of then")
    func nextHops() throws {
        var lab = ModelLab()
        try lab.put("2001:db8::/32", "fe80::1@eth0")
        try lab.append("2001:db8::/32", "fe80::2@eth1")
        #expect(lab.said() == ["2001:db8::/32 offload (101)", "2001:db8::/32 offload"])
        #expect(lab.model.occupancy.nexthops == 2)
        try lab.delete("2001:db8::/32", "fe80::1@eth0")
        #expect(lab.said() == ["2001:db8::/32 offload"])
        #expect(lab.model.occupancy.nexthops == 1 && lab.model.occupancy.ipv6 == 1)
        try lab.delete("2001:db8::/32")
        #expect(lab.said() == [] && lab.model.occupancy == SwitchOccupancy() && lab.model.counters.deleted == 1)
    }

    @Test("R2-13: the deletion of what it doesn't know does no harm, and is answered")
    func unknownDeletion() throws {
        var lab = ModelLab()
        let sequence = try lab.delete("10.0.0.0/8")
        #expect(lab.said() == [] && lab.model.processed == sequence && lab.model.counters.deleted == 0)
    }

    @Test("It says how far all has been answered, deletions included")
    func processed() throws {
        var lab = ModelLab { $0.latency = .init(minimum: 10, maximum: 10) ?? .standard }
        lab.model.joined(at: ChangeSequence(rawValue: 90))
        #expect(lab.model.processed.rawValue == 90)
        try lab.put("10.0.0.0/8", "eth0")
        lab.now += 5
        let deletion = try lab.delete("10.0.0.0/8")
        _ = lab.said(after: 5)
        #expect(lab.model.processed.rawValue == 101)
        _ = lab.said(after: 5)
        #expect(lab.model.processed == deletion)
    }

    @Test("A retry programs what failed, answers once more for what did not, and leaves alone what isn't there")
    func retry() throws {
        var lab = ModelLab { $0.faults.failEvery = 1 }
        try lab.put("10.0.0.0/8", "eth0")
        #expect(lab.said() == ["10.0.0.0/8 failed: simulated failure"])
        lab.change { $0.faults.failEvery = 0 }
        #expect(lab.said(after: 100_000) == [])
        try lab.retry("10.0.0.0/8")
        try lab.retry("10.0.0.0/8")
        try lab.retry("11.0.0.0/8")
        #expect(lab.said() == ["10.0.0.0/8 offload", "10.0.0.0/8 offload"])
        #expect(lab.model.counters.retries == 2 && lab.model.counters.failed == 1)
    }

    @Test("A restart forgets everything but what was counted")
    func restart() throws {
        var lab = ModelLab()
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0")
        try lab.neighbour("eth0", "192.0.2.1", .failed)
        _ = lab.said()
        let processed = lab.model.processed
        try lab.put("11.0.0.0/8", "eth0")
        lab.model.restart(lab.model.settings)
        lab.model._checkInvariants()
        #expect(lab.said() == [] && lab.model.occupancy == SwitchOccupancy())
        #expect(lab.model.counters.programmed == 1 && lab.model.processed == processed)
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload"])
    }
}
