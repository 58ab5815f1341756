import Addressing
import ChangeLog
import ControlPlane
import Routing
import Testing

@testable import Hardware

/// What a switch of the profile `asic` makes of nexthop objects and of the routes that use them.
@Suite struct SwitchNextHopTests {
    @Test("A route goes where its nexthop object goes, also when that changes: who is in hardware stays there")
    func replacement() throws {
        var lab = ModelLab()
        lab.nextHop(1, "192.0.2.1@eth0")
        try lab.put("10.0.0.0/8", nhid: 1)
        try lab.put("11.0.0.0/8", nhid: 1)
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 1)
        let programmed = lab.model.counters.programmed
        // To another one that can be used: nothing is said, and nothing is programmed but the nexthop.
        lab.nextHop(1, "192.0.2.9@eth1")
        #expect(lab.said() == [] && lab.model.counters.programmed == programmed)
        try lab.neighbour("eth1", "192.0.2.9", .failed)
        #expect(lab.said().count == 2)
        lab.nextHop(1, "192.0.2.1@eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"])
    }

    @Test("A group is offloaded while a member can be used; a blackhole always is")
    func groups() throws {
        var lab = ModelLab()
        lab.nextHop(1, "192.0.2.1@eth0")
        lab.nextHop(2, "192.0.2.2@eth1")
        lab.group(10, 1, 2)
        lab.blackhole(4)
        try lab.put("10.0.0.0/8", nhid: 10)
        try lab.put("11.0.0.0/8", nhid: 4)
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 2)
        try lab.neighbour("eth0", "192.0.2.1", .failed)
        #expect(lab.said() == [])
        // A member that can't be used any more is all that is left.
        lab.group(10, 1)
        #expect(lab.said() == ["10.0.0.0/8 trap: neighbour 192.0.2.1 on eth0 is FAILED"])
        lab.nextHop(1, "192.0.2.7@eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 1)
        lab.blackhole(1)
        #expect(lab.said() == [] && lab.model.occupancy.nexthops == 0)
    }

    @Test("Routes of a nexthop that is gone are trapped until they go; links that are left to software count")
    func gone() throws {
        var lab = ModelLab()
        lab.nextHop(1, "eth0")
        try lab.put("10.0.0.0/8", nhid: 1)
        #expect(lab.said() == ["10.0.0.0/8 offload"])
        lab.nextHop(1, nil)
        #expect(lab.said() == ["10.0.0.0/8 trap: nexthop 1 is gone"])
        lab.nextHop(1, "eth1")
        #expect(lab.said() == ["10.0.0.0/8 offload"])
        lab.link("eth1", isOffloaded: false)
        #expect(lab.said() == ["10.0.0.0/8 none: link-not-offloaded"])
        try lab.delete("10.0.0.0/8")
        _ = lab.said()
        #expect(lab.model.groups.count == 0 && lab.model.occupancy.nexthops == 0)
    }

    @Test(
        "A nexthop that finds no room where it is to lead fails its routes; they are in hardware again once there is some"
    )
    func room() throws {
        var lab = ModelLab { $0.capacity.nexthops = 2 }
        lab.nextHop(1, "192.0.2.1@eth0")
        lab.nextHop(2, "192.0.2.2@eth0")
        lab.group(10, 1)
        try lab.put("10.0.0.0/8", nhid: 10)
        try lab.put("11.0.0.0/8", "192.0.2.9@eth1")
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"])
        lab.group(10, 1, 2)
        #expect(lab.said() == ["10.0.0.0/8 failed: nexthop table is full (2 of 2)"])
        #expect(lab.model.occupancy.nexthops == 2)
        // As long as that is so, further routes fail as well.
        try lab.put("12.0.0.0/8", nhid: 10)
        #expect(lab.said() == ["12.0.0.0/8 failed: nexthop table is full (2 of 2)"])
        try lab.delete("11.0.0.0/8")
        #expect(lab.said() == ["10.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 2)
        try lab.retry("12.0.0.0/8")
        #expect(lab.said() == ["12.0.0.0/8 offload"])
    }

    @Test(
        "R3-33: the kernel's simulator counts a single nexthop once and a group by its weights; to replace takes both places"
    )
    func account() throws {
        var account = SwitchAccount(.init(nexthops: 5))
        let single = NextHopObject(id: 1, family: .inet, .leg(NextHop(device: "eth0")))
        let group = NextHopObject(id: 2, family: nil, .group([.init(id: 1, weight: 3)]))
        try account.admit(single)
        account.settle("default", 1, single)
        try account.admit(group)
        account.settle("default", 2, group)
        #expect(account.nextHops == 4)
        let veto = #expect(throws: ChainVeto.self) { try account.admit(group) }
        #expect(veto?.message == "its nexthop table has no room for 3 more (4 of 5)")
        try account.admit(single)
        #expect(account.nextHops == 5)
        account.settle("default", 1, single)
        #expect(account.nextHops == 4)
        try account.admit(single)
        account.withdraw(single)
        // A group that loses a member does so unasked.
        account.settle("default", 2, NextHopObject(id: 2, family: nil, .group([.init(id: 1)])))
        #expect(account.nextHops == 2)
        account.settle("default", 2, nil)
        account.settle("default", 1, nil)
        #expect(account.nextHops == 0)
    }
}
