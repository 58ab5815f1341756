import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane
@testable import Hardware

/// What `drivers/net/netdevsim/fib.sh` asserts of IPv4.
@Suite struct NetdevsimIPv4Tests {
    private let prefix = "192.0.2.0/24"

    @Test("T3-01: of identical routes the first is in hardware: an appended one isn't, a prepended one takes its place")
    func identical() throws {
        let offload = try OffloadLab()
        let lab = offload.lab
        try lab.add(prefix)
        try lab.write(.append, prefix, "eth2")
        #expect(try lab.settledStates() == [prefix + " trap", prefix])
        try lab.write(.prepend, prefix, "eth3")
        #expect(try lab.settledStates() == [prefix + " trap", prefix, prefix])
    }

    @Test("T3-02: the highest tos is in hardware")
    func tos() throws {
        let offload = try OffloadLab()
        try offload.lab.add(prefix)
        #expect(try offload.inHardware() == [prefix])
        try offload.lab.add(prefix, tos: 8)
        #expect(try offload.inHardware() == [prefix + " tos 8"])
        try offload.lab.add(prefix, tos: 4)
        #expect(try offload.inHardware() == [prefix + " tos 8"])
    }

    @Test("T3-03: the lowest metric is in hardware")
    func metric() throws {
        let offload = try OffloadLab()
        try offload.lab.add(prefix, metric: 1_024)
        #expect(try offload.inHardware() == [prefix])
        try offload.lab.add(prefix, metric: 1_022)
        #expect(try offload.inHardware() == [prefix + " 1022"])
        try offload.lab.add(prefix, metric: 1_023)
        #expect(try offload.inHardware() == [prefix + " 1022"])
    }

    @Test("T3-04: a replaced route is in hardware, and replacing a worse one changes nothing there")
    func replace() throws {
        let offload = try OffloadLab()
        try offload.lab.add(prefix)
        try offload.lab.write(.replace, prefix, "eth2")
        #expect(try offload.inHardware() == [prefix])
        try offload.lab.add(prefix, metric: 1_025)
        try offload.lab.write(.replace, prefix, metric: 1_025, "eth2")
        #expect(try offload.inHardware() == [prefix])
    }

    @Test("T3-05: when the route in hardware goes, the next one comes there")
    func delete() throws {
        let offload = try OffloadLab()
        for metric in [1_024, 1_025, 1_026] as [UInt32] { try offload.lab.add(prefix, metric: metric) }
        try offload.lab.delete(prefix, metric: 1_024)
        #expect(try offload.inHardware() == [prefix + " 1025"])
        try offload.lab.delete(prefix, metric: 1_026)
        #expect(try offload.inHardware() == [prefix + " 1025"])
    }

    @Test("T3-06: prefixes of one address and different lengths are both in hardware")
    func lengths() throws {
        let offload = try OffloadLab()
        try offload.lab.add("192.0.2.0/24")
        try offload.lab.add("192.0.2.0/25")
        #expect(try offload.inHardware() == ["192.0.2.0/25", "192.0.2.0/24"])
    }

    @Test("T3-07, T3-08, T3-09: after a reload the same are in hardware")
    func replay() throws {
        let offload = try OffloadLab()
        for metric in [1_024, 1_023] as [UInt32] { try offload.lab.add("192.0.2.0/24", metric: metric) }
        for tos in [0, 8] as [UInt8] { try offload.lab.add("198.51.100.0/24", tos: tos) }
        for length in [25, 26] { try offload.lab.add("203.0.113.0/\(length)") }
        let before = try offload.inHardware()
        _ = try offload.lab.asic.restart()
        #expect(try offload.inHardware() == before)
        #expect(
            before == ["192.0.2.0/24 1023", "198.51.100.0/24 tos 8", "203.0.113.0/26", "203.0.113.0/25"])
    }

    @Test("T3-10: 20 routes of one prefix go, and leave nothing in hardware")
    func flush() throws {
        let offload = try OffloadLab()
        for metric in 1...20 as ClosedRange<UInt32> { try offload.lab.add(prefix, metric: metric) }
        var selection = RouteSelection()
        selection.families = [.inet]
        _ = try offload.lab.plane.flush(selection)
        #expect(try offload.inHardware() == [])
        #expect(offload.lab.asic.status.occupancy.ipv4 == 0)
    }

    @Test("T3-11: what is beyond the limit is refused, and nothing comes of it")
    func limit() throws {
        let offload = try OffloadLab { $0.capacity.ipv4 = 10 }
        let added = try (0..<20).filter { try offload.adds("192.0.\($0).0/24") }
        #expect(added == Array(0..<10))
        #expect(try offload.inHardware().count == 10)
        #expect(offload.lab.asic.status.counters.vetoed == 10 && offload.lab.asic.status.occupancy.ipv4 == 10)
        // R3-26: so is what would only replace.
        #expect(throws: FIBError.self) { try offload.lab.write(.replace, "192.0.1.0/24", "eth2") }
        try offload.lab.delete("192.0.1.0/24")
        try offload.lab.settle()
        #expect(try offload.adds("192.0.99.0/24"))
    }

    @Test("A refused transaction gives back what it had taken")
    func withdrawn() throws {
        let offload = try OffloadLab { $0.capacity.ipv4 = 3 }
        let plane = offload.lab.plane
        let operations: [TransactionOperation] = try (0..<5).map { index in
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(device: "eth0")]
            let route = try Route.validated(
                prefix: try Prefix("10.\(index).0.0/16"), tos: 0, metric: 5, fields: fields)
            return .route(.write(.add, RouteWrite(try plane.table("default", .inet, .main), route, EntryWriter())))
        }
        #expect(throws: (any Error).self) { _ = try plane.transact(operations) }
        #expect(offload.lab.asic.status.occupancy.ipv4 == 0)
        for index in 0..<3 { #expect(try offload.adds("10.\(index).0.0/16")) }
    }

    @Test("T3-12: a reload without room fails, leaves no states, and one with room succeeds")
    func replayLimit() throws {
        let offload = try OffloadLab()
        let lab = offload.lab
        for index in 0..<20 { try lab.add("192.0.\(index).0/24") }
        #expect(try offload.inHardware().count == 20)
        // R3-25: not before the reload.
        try lab.change { $0.capacity.ipv4 = 10 }
        #expect(try offload.adds("192.0.99.0/24"))
        #expect { try lab.asic.restart() } throws: { ($0 as? FIBError)?.errno == .enospc }
        #expect(!lab.asic.status.isUp && lab.asic.status.generation == nil && lab.plane.presentDevices.isEmpty)
        #expect(lab.states().allSatisfy { !$0.hasSuffix("trap") && !$0.hasSuffix("pending") })
        // Nobody is asked, and nothing is programmed.
        try lab.add("192.0.100.0/24")
        #expect(throws: FIBError.self) { try lab.asic.restart() }
        try lab.change { $0.capacity.ipv4 = 100 }
        _ = try lab.asic.restart()
        #expect(try offload.inHardware().count == 22 && lab.asic.status.isUp)
    }

    @Test("T3-13: after a deletion that hardware refused, its whole table is empty, and the device can go")
    func failedDelete() throws {
        let offload = try OffloadLab()
        let lab = offload.lab
        for index in 0..<5 { try lab.add("192.0.\(index).0/24") }
        #expect(try offload.inHardware().count == 5)
        try lab.change { $0.faults.failsRouteDelete = true }
        try lab.delete("192.0.2.0/24")
        #expect(try offload.inHardware() == [] && lab.states().count == 4)
        #expect(lab.asic.status.occupancy.ipv4 == 0)
        try lab.change { $0.faults.failsRouteDelete = false }
        try lab.write(.replace, "192.0.3.0/24", "eth2")
        #expect(try offload.inHardware() == ["192.0.3.0/24"])
        _ = try lab.asic.restart()
        #expect(try offload.inHardware().count == 4)
        lab.asic.remove()
        #expect(lab.states() == [0, 1, 3, 4].map { "192.0.\($0).0/24" })
    }
}
