import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane
@testable import Hardware

/// What `drivers/net/netdevsim/fib.sh` asserts of IPv6. Where the kernel has several routes of one key, a list of nexthops is one
/// route here (R1-24).
@Suite struct NetdevsimIPv6Tests {
    private let prefix = "2001:db8:1::/64"
    private let offload: OffloadLab
    private var lab: SwitchLab { offload.lab }

    init() throws { offload = try OffloadLab(marks: .inet) }

    private func states() throws -> [String] { try lab.settledStates() }

    @Test("T3-14: a second route over a device, of the same metric, is not in hardware; the first stays")
    func add() throws {
        try lab.add(prefix)
        try lab.write(.append, prefix, "eth2")
        #expect(try states() == [prefix + " trap", prefix])
    }

    @Test("T3-15, T3-18: the lowest metric is in hardware, of routes with one nexthop or several", arguments: [1, 2])
    func metric(hops: Int) throws {
        func add(_ metric: UInt32) throws {
            if hops == 1 {
                try lab.write(.add, prefix, metric: metric, "2001:db8:2::2")
            } else {
                try lab.write(.add, prefix, metric: metric, "2001:db8:2::2", "2001:db8:2::3")
            }
        }
        try add(1_024)
        #expect(try offload.inHardware() == [prefix])
        try add(1_022)
        #expect(try offload.inHardware() == [prefix + " 1022"])
        try add(1_023)
        #expect(try offload.inHardware() == [prefix + " 1022"])
    }

    @Test("T3-16, T3-19: what joins the route in hardware leaves it there; what joins a worse one changes nothing")
    func append() throws {
        try lab.write(.add, prefix, "2001:db8:2::2")
        #expect(try offload.inHardware() == [prefix])
        try lab.write(.append, prefix, "2001:db8:2::3")
        #expect(try states() == [prefix + " trap"])
        try lab.write(.append, prefix, "2001:db8:2::4", "2001:db8:2::5")
        #expect(try states() == [prefix + " trap"])
        try lab.write(.add, prefix, metric: 1_025, "2001:db8:2::2")
        try lab.write(.append, prefix, metric: 1_025, "2001:db8:2::3")
        #expect(try states() == [prefix + " trap", prefix + " 1025"])
        // R3-26: what was appended is not counted.
        #expect(lab.asic.status.occupancy.ipv6 == 1)
    }

    @Test("T3-17, T3-20: a replaced route is in hardware, and replacing a worse one changes nothing there")
    func replace() throws {
        try lab.write(.add, prefix, "2001:db8:2::2")
        try lab.write(.replace, prefix, "2001:db8:2::3")
        #expect(try offload.inHardware() == [prefix])
        try lab.write(.replace, prefix, "2001:db8:2::2", "2001:db8:2::4")
        #expect(try offload.inHardware() == [prefix])
        try lab.write(.add, prefix, metric: 1_025, "2001:db8:2::2", "2001:db8:2::3")
        try lab.write(.replace, prefix, metric: 1_025, "2001:db8:2::2")
        #expect(try states() == [prefix + " trap", prefix + " 1025"])
    }

    @Test("T3-21: nexthops that are added beside a route over a device are not in hardware")
    func appendToDevice() throws {
        try lab.add(prefix)
        try lab.write(.append, prefix, "2001:db8:2::2", "2001:db8:2::3")
        #expect(try states() == [prefix + " trap", prefix])
    }

    @Test("T3-22…T3-30: what is left of a prefix is in hardware, whatever had one nexthop or several")
    func delete() throws {
        try lab.write(.add, prefix, "2001:db8:2::2", "2001:db8:2::3")
        try lab.write(.add, prefix, metric: 1_025, "2001:db8:2::2")
        try lab.write(.add, prefix, metric: 1_026, "2001:db8:2::2", "2001:db8:2::3")
        try lab.write(.add, prefix, metric: 1_027, "2001:db8:2::2")
        // One nexthop of the first (T3-26), one that isn't first (T3-23).
        try lab.delete(prefix, metric: 1_024, "2001:db8:2::3")
        #expect(try offload.inHardware() == [prefix])
        try lab.delete(prefix, metric: 1_027)
        #expect(try offload.inHardware() == [prefix])
        for next in ["1025", "1026"] {
            try lab.delete(prefix)
            #expect(try offload.inHardware() == [prefix + " " + next])
        }
        try lab.delete(prefix)
        #expect(try states() == [] && offload.inHardware() == [])
    }

    @Test("T3-31, T3-32: after a reload only the first route of a prefix is in hardware")
    func replay() throws {
        try lab.write(.add, prefix, "2001:db8:2::2")
        try lab.write(.add, prefix, metric: 1_023, "2001:db8:2::2", "2001:db8:2::3")
        _ = try lab.asic.restart()
        #expect(try states() == [prefix + " 1023 trap", prefix])
    }

    @Test("T3-33, T3-34, T3-35: what is beyond the limit is refused, and so is a reload of it")
    func limit() throws {
        for index in 0..<20 { try lab.write(.add, "2001:db8:\(index + 10)::/64", "2001:db8:2::2") }
        try lab.change { $0.capacity.ipv6 = 10 }
        #expect(throws: FIBError.self) { try lab.asic.restart() }
        #expect(lab.states().count == 20 && lab.states().allSatisfy { !$0.hasSuffix("trap") })
        for index in 0..<10 { try lab.delete("2001:db8:\(index + 10)::/64") }
        _ = try lab.asic.restart()
        #expect(try offload.inHardware().count == 10)
        for hops in 1...2 {
            #expect(throws: FIBError.self) {
                if hops == 1 {
                    try lab.write(.add, prefix, "2001:db8:2::2")
                } else {
                    try lab.write(.add, prefix, "2001:db8:2::2", "2001:db8:2::3")
                }
            }
        }
        #expect(lab.asic.status.counters.vetoed == 2 && lab.states().count == 10)
    }

    @Test("T3-36: after a deletion that hardware refused, its whole table is empty, and the device can go")
    func failedDelete() throws {
        for index in 0..<5 { try lab.write(.add, "2001:db8:\(index + 10)::/64", "2001:db8:2::2") }
        #expect(try offload.inHardware().count == 5)
        try lab.change { $0.faults.failsRouteDelete = true }
        try lab.delete("2001:db8:12::/64")
        #expect(try offload.inHardware() == [] && lab.states().count == 4)
        lab.asic.remove()
        #expect(lab.states().count == 4 && lab.plane.presentDevices.isEmpty)
    }
}
