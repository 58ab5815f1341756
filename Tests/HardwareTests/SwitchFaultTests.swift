import Addressing
import ChangeLog
import ControlPlane
import Routing
import Testing

@testable import Hardware

/// Want of room, and what goes wrong on purpose, in the profile `asic`.
@Suite struct SwitchFaultTests {
    @Test("What has no room fails, with what is full; what replaces another route needs none")
    func full() throws {
        var lab = ModelLab { $0.capacity.ipv4 = 1 }
        try lab.put("10.0.0.0/8", "eth0")
        try lab.put("11.0.0.0/8", "eth0")
        try lab.put("2001:db8::/32", "eth0")
        #expect(
            lab.said() == [
                "10.0.0.0/8 offload", "11.0.0.0/8 failed: ipv4 table is full (1 of 1)", "2001:db8::/32 offload",
            ])
        try lab.put("10.0.0.0/8", "eth1")
        #expect(lab.said() == ["10.0.0.0/8 offload"])
    }

    @Test("Those that wait are tried again in order when there is room, and not before their pause is over")
    func waiting() throws {
        var lab = ModelLab { $0.capacity.ipv4 = 1 }
        for index in 0..<4 { try lab.put("10.\(index).0.0/16", "eth0") }
        _ = lab.said()
        try lab.delete("10.0.0.0/16")
        #expect(lab.said(after: 50) == [])
        #expect(lab.said(after: 50) == ["10.1.0.0/16 offload"])
        #expect(lab.said(after: 100_000) == [])
        lab.change { $0.capacity.ipv4 = 3 }
        #expect(lab.said(after: 0) == ["10.2.0.0/16 offload", "10.3.0.0/16 offload"])
        #expect(lab.model.counters.retries == 3 && lab.model.deadline == nil)
    }

    @Test("What waits and is replaced or deleted meanwhile is not tried as what it was")
    func waitingForNothing() throws {
        var lab = ModelLab { $0.capacity.ipv4 = 1 }
        for index in 0..<3 { try lab.put("10.\(index).0.0/16", "eth0") }
        try lab.put("10.1.0.0/16", "eth1")
        try lab.delete("10.2.0.0/16")
        _ = lab.said()
        lab.change { $0.capacity.ipv4 = nil }
        #expect(lab.said(after: 1_000) == ["10.1.0.0/16 offload"])
        #expect(lab.model.occupancy.ipv4 == 2)
    }

    @Test("Who finds no room again waits twice as long, up to half a minute")
    func backOff() throws {
        var lab = ModelLab { $0.capacity.nexthops = 2 }
        try lab.put("10.0.0.0/8", "eth0")
        // Needs two, where there is one; so there is always room to try.
        try lab.put("11.0.0.0/8", "eth1", "eth2")
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 failed: nexthop table is full (1 of 2)"])
        var times: [UInt64] = []
        for _ in 0..<150_000 where times.count < 11 {
            let before = lab.model.counters.retries
            _ = lab.said(after: 1)
            if lab.model.counters.retries > before { times.append(lab.now) }
        }
        let pauses = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(pauses == [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
    }

    @Test("Nexthops are counted by leg, and those of the route that is replaced make room")
    func nextHops() throws {
        var lab = ModelLab { $0.capacity.nexthops = 2 }
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0", "192.0.2.2@eth0")
        try lab.put("11.0.0.0/8", "192.0.2.2@eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload", "11.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 2)
        try lab.put("10.0.0.0/8", "192.0.2.3@eth0")
        #expect(lab.said() == ["10.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 2)
        try lab.put("11.0.0.0/8", "eth1", "eth2")
        #expect(lab.said() == ["11.0.0.0/8 failed: nexthop table is full (2 of 2)"])
        // What failed has left in hardware what was there.
        #expect(lab.model.occupancy.ipv4 == 2 && lab.model.occupancy.nexthops == 2)
        try lab.delete("10.0.0.0/8")
        _ = lab.said()
        #expect(lab.said(after: 100) == ["11.0.0.0/8 offload"] && lab.model.occupancy.nexthops == 2)
    }

    @Test("A lower capacity turns no one out, and lets no one in")
    func lowered() throws {
        var lab = ModelLab()
        for index in 0..<4 { try lab.put("10.\(index).0.0/16", "eth0") }
        _ = lab.said()
        lab.change { $0.capacity.ipv4 = 2 }
        try lab.put("10.9.0.0/16", "eth0")
        #expect(lab.said() == ["10.9.0.0/16 failed: ipv4 table is full (4 of 2)"])
    }

    @Test("Each n-th programming fails, each n-th result is lost, each n-th is told twice")
    func counted() throws {
        var lab = ModelLab {
            $0.faults.failEvery = 3
            $0.faults.loseEvery = 5
            $0.faults.duplicateEvery = 4
        }
        var last = ChangeSequence.zero
        for index in 1...8 { last = try lab.put("10.\(index).0.0/16", "eth0") }
        let failed = "failed: simulated failure"
        #expect(
            lab.said() == [
                "10.1.0.0/16 offload", "10.2.0.0/16 offload", "10.3.0.0/16 \(failed)", "10.4.0.0/16 offload",
                "10.4.0.0/16 offload", "10.6.0.0/16 \(failed)", "10.7.0.0/16 offload", "10.8.0.0/16 offload",
                "10.8.0.0/16 offload",
            ])
        let counters = lab.model.counters
        #expect(counters.failed == 2 && counters.lost == 1 && counters.duplicated == 2 && counters.programmed == 6)
        // What is lost was dealt with all the same.
        #expect(lab.model.processed == last)
    }

    @Test("A stale report is of the version before, and comes later")
    func stale() throws {
        var lab = ModelLab { $0.faults.staleEvery = 2 }
        try lab.put("10.0.0.0/8", "eth0")
        try lab.put("10.0.0.0/8", "eth1")
        #expect(lab.said() == ["10.0.0.0/8 offload (101)", "10.0.0.0/8 offload"])
        #expect(lab.said() == ["10.0.0.0/8 offload (101)"])
    }

    @Test("With reordering, results overtake each other, none is missing, and all is answered only at the end")
    func reorder() throws {
        var lab = ModelLab {
            $0.faults.reorders = true
            $0.latency = .init(minimum: 0, maximum: 20) ?? .standard
        }
        let prefixes = (0..<100).map { "10.\($0).0.0/16" }
        for prefix in prefixes { try lab.put(prefix, "eth0") }
        var last = ChangeSequence.zero
        for prefix in prefixes { last = try lab.put(prefix, "eth1") }
        var order: [HardwareReport] = []
        for _ in 0..<100 where lab.model.processed < last { order += lab.reports(after: 1) }
        #expect(order.count == 200 && lab.model.processed == last)
        let versions = order.map(\.version)
        #expect(Set(versions).count == 200 && versions != versions.sorted())
        // Of one route too: so what is said last is stale.
        let latest = Dictionary(order.map { ($0.key, $0.version) }, uniquingKeysWith: { $1 })
        #expect(latest.values.contains { $0.rawValue <= 200 })
    }

    @Test("Of one version, what a later result has overtaken is not reported any more", arguments: UInt64(1)...20)
    func overtaken(seed: UInt64) throws {
        var lab = ModelLab {
            $0.faults.reorders = true
            $0.seed = seed
            $0.latency = .init(minimum: 0, maximum: 10) ?? .standard
        }
        try lab.put("10.0.0.0/8", "192.0.2.1@eth0")
        var said: [String] = []
        for state in [NeighbourState.failed, .reachable, .failed] {
            for _ in 0..<10 { said += lab.said(after: 1) }
            try lab.neighbour("eth0", "192.0.2.1", state)
        }
        for _ in 0..<40 { said += lab.said(after: 1) }
        #expect(said.last == "10.0.0.0/8 trap: neighbour 192.0.2.1 on eth0 is FAILED")
    }

    @Test("A stale report is not given once its version is there again and has been answered for")
    func staleNoMore() throws {
        var lab = ModelLab { $0.latency = .init(minimum: 0, maximum: 500) ?? .standard }
        let version = try lab.put("10.0.0.0/8", "eth0", metric: 20)
        #expect(lab.said(after: 500) == ["10.0.0.0/8 offload"])
        lab.change { $0.faults.staleEvery = 1 }
        try lab.put("10.0.0.0/8", "eth1", metric: 10)
        var reports = lab.reports(after: 500)
        lab.change { settings in
            settings.latency = .init(minimum: 0, maximum: 0) ?? .standard
            settings.faults = .init()
            settings.faults.failsRouteOffload = true
        }
        try lab.promote("10.0.0.0/8", "eth0", metric: 20, version: version)
        for _ in 0..<20 { reports += lab.reports(after: 100) }
        #expect(reports.last { $0.version == version }?.state == .failed)
    }

    @Test("A deletion that fails leaves the prefix in hardware until there is a route again")
    func failedDelete() throws {
        var lab = ModelLab { $0.faults.failsRouteDelete = true }
        try lab.put("10.0.0.0/8", "eth0")
        try lab.delete("10.0.0.0/8")
        #expect(lab.said() == ["10.0.0.0/8 offload (101)"])
        #expect(lab.model.occupancy.ipv4 == 1 && lab.model.counters.failedDeletes == 1)
        lab.change { $0.capacity.ipv4 = 1 }
        try lab.put("10.0.0.0/8", "eth1")
        #expect(lab.said() == ["10.0.0.0/8 offload"] && lab.model.occupancy.ipv4 == 1)
        lab.change { $0.faults.failsRouteDelete = false }
        try lab.delete("10.0.0.0/8")
        #expect(lab.said() == [] && lab.model.occupancy.ipv4 == 0 && lab.model.counters.deleted == 1)
    }

    @Test("A failed replacement is tried again where it is, and what hardware had goes with the route")
    func failedReplacement() throws {
        var lab = ModelLab()
        try lab.put("10.0.0.0/8", "eth0", metric: 20)
        _ = lab.said()
        lab.change { $0.faults.failsRouteOffload = true }
        try lab.put("10.0.0.0/8", "eth1", metric: 10)
        #expect(lab.said() == ["10.0.0.0/8 failed: fail_route_offload is set"])
        #expect(lab.model.occupancy.ipv4 == 1 && lab.model.occupancy.nexthops == 1)
        lab.change { $0.faults.failsRouteOffload = false }
        try lab.retry("10.0.0.0/8")
        #expect(lab.said() == ["10.0.0.0/8 offload"] && lab.model.occupancy.ipv4 == 1)
        try lab.delete("10.0.0.0/8")
        #expect(lab.said() == [] && lab.model.occupancy == SwitchOccupancy())
    }
}
