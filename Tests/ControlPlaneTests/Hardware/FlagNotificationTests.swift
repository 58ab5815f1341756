import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane

/// What user space is told of flags that hardware sets (R3-01…R3-05, R3-10…R3-17), as the scenarios F-30…F-35 and F-44 have
/// it. The monitor is a stream with `hw_flags=sysctl`.
@Suite struct FlagNotificationTests {
    private let prefix = "192.0.2.0/24"

    /// A namespace with the setting, a device, and who watches.
    struct Scenario {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))
        let device: SimulatedDevice
        var monitor: RouteMonitor

        init(mode: UInt8) throws {
            _ = try plane.putNamespace("default") { settings in
                var settings = settings ?? NamespaceSettings()
                settings.notifyOnFlagChangeIPv4 = mode
                settings.notifyOnFlagChangeIPv6 = mode
                return settings
            }
            device = try SimulatedDevice(plane)
            monitor = RouteMonitor(plane)
        }

        @discardableResult
        func write(_ verb: RouteVerb, _ prefix: String, metric: UInt32 = 1_024, _ hops: String...) throws -> StoredRoute
        {
            let result = try #require(try plane.write(verb, try routeWrite(plane, prefix, metric: metric, hops)))
            #expect(eventually { device.heard >= result.sequence || !isFirst(result) })
            return result.stored
        }

        func delete(_ prefix: String, metric: UInt32) throws {
            var selector = RouteSelector(prefix: try Prefix(prefix))
            selector.metric = metric
            let result = try #require(try plane.delete("default", .main, selector))
            #expect(eventually { device.heard >= result.sequence })
        }

        private func isFirst(_ result: WriteResult) -> Bool {
            let table = try? plane.routes("default", .main, result.key.prefix(result.table.family), limit: 1)
            return table?.routes.first?.key == result.key
        }
    }

    @Test("F-30: with 1, a route that is added is told twice: without flags, and when hardware has it")
    func f30() throws {
        var scenario = try Scenario(mode: 1)
        try scenario.write(.add, prefix, "eth1")
        #expect(scenario.monitor.lines() == ["NEW(1024)", "NEW(1024 rt_trap)"])
    }

    @Test("F-31: a better route is in hardware before the one that it displaced is told to have left")
    func f31() throws {
        var scenario = try Scenario(mode: 1)
        try scenario.write(.add, prefix, "eth1")
        _ = scenario.monitor.lines()
        try scenario.write(.add, prefix, metric: 1_022, "eth1")
        #expect(scenario.monitor.lines() == ["NEW(1022)", "NEW(1022 rt_trap)", "NEW(1024)"])
    }

    @Test("F-32: when the better route goes, the next one gets its flags")
    func f32() throws {
        var scenario = try Scenario(mode: 1)
        try scenario.write(.add, prefix, "eth1")
        try scenario.write(.add, prefix, metric: 1_022, "eth1")
        _ = scenario.monitor.lines()
        try scenario.delete(prefix, metric: 1_022)
        #expect(scenario.monitor.lines() == ["DEL(1022 rt_trap)", "NEW(1024 rt_trap)"])
    }

    @Test("F-33: with 2 only a failure is told, and a new route begins without it")
    func f33() throws {
        var scenario = try Scenario(mode: 2)
        scenario.device.fails = true
        try scenario.write(.add, prefix, "eth1")
        #expect(scenario.monitor.lines() == ["NEW(1024)", "NEW(1024 rt_offload_failed)"])
        scenario.device.fails = false
        try scenario.write(.replace, prefix, "eth2")
        #expect(scenario.monitor.lines() == ["NEW(1024)"])
    }

    @Test("F-34: who says the same twice is heard once, whatever the setting")
    func f34() throws {
        for mode in [1, 2] as [UInt8] {
            var scenario = try Scenario(mode: mode)
            scenario.device.fails = mode == 2
            let stored = try scenario.write(.add, prefix, "eth1")
            let (plane, head) = (scenario.plane, scenario.plane.log.head)
            let table = try plane.table("default", .inet, .main)
            let key = RouteKey(try Prefix(prefix), tos: 0, metric: 1_024, position: 0)
            let again = HardwareReport(table, key, version: stored.version, state: mode == 2 ? .failed : .trap)
            #expect(try plane.report([again], by: scenario.device.device.line).outcomes == [.unchanged])
            #expect(plane.log.head == head && scenario.monitor.lines().count == 2)
        }
    }

    /// The kernel tells each of the siblings that it keeps (R3-16); here the group is one object, and is told once.
    @Test("F-35: a list of nexthops is told once when hardware has it")
    func f35() throws {
        var scenario = try Scenario(mode: 1)
        try scenario.write(.add, "2001:db8::/32", "2001:db8::a", "2001:db8::b")
        #expect(scenario.monitor.lines() == ["NEW(1024)", "NEW(1024 rt_trap)"])
        // B-04: where the kernel is silent of what joins.
        try scenario.write(.append, "2001:db8::/32", "2001:db8::c")
        #expect(scenario.monitor.lines() == ["NEW(1024)", "NEW(1024 rt_trap)"])
    }

    @Test("With 0 nothing of flags is told, with 1 also a deletion once (R3-13), with 2 no mere trap")
    func modes() throws {
        for (mode, lines) in [(0, 1), (1, 2), (2, 1)] {
            var scenario = try Scenario(mode: UInt8(mode))
            try scenario.write(.add, prefix, "eth1")
            #expect(scenario.monitor.lines().count == lines, "mode \(mode)")
            try scenario.delete(prefix, metric: 1_024)
            #expect(scenario.monitor.lines() == ["DEL(1024 rt_trap)"], "mode \(mode)")
        }
    }

    @Test("The families have settings of their own, and the one that held when it happened counts")
    func families() throws {
        var scenario = try Scenario(mode: 1)
        let plane = scenario.plane
        _ = try plane.putNamespace("default") { settings in
            var settings = settings ?? NamespaceSettings()
            settings.notifyOnFlagChangeIPv6 = 0
            return settings
        }
        try scenario.write(.add, prefix, "eth1")
        try scenario.write(.add, "2001:db8::/32", "eth1")
        _ = try plane.putNamespace("default") { _ in NamespaceSettings() }
        #expect(scenario.monitor.lines() == ["NEW(1024)", "NEW(1024 rt_trap)", "NEW(1024)"])
    }

    @Test("F-44: a change of flags during a dump doesn't disturb it")
    func f44() throws {
        let scenario = try Scenario(mode: 1)
        let (plane, device) = (scenario.plane, scenario.device.device)
        let stored = try scenario.write(.add, prefix, "eth1")
        let table = try plane.table("default", .inet, .main)
        let key = RouteKey(try Prefix(prefix), tos: 0, metric: 1_024, position: 0)
        let (head, calls) = (plane.log.head, Counter())
        let member = RecordingMember(whileReplaying: { (_) throws(FIBError) in
            let state: HardwareState = calls.next() % 2 == 1 ? .offload : .trap
            let report = HardwareReport(table, key, version: stored.version, state: state)
            _ = try plane.report([report], by: device.line)
        })
        #expect(try plane.register(member, scope: .all) == 1)
        #expect(plane.log.head > head && member.now.dumpsInconsistent == 0 && member.heard.isEmpty)
    }
}
