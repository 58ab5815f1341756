import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane
@testable import Hardware

/// What `fib_notifications.sh` asserts: the lines of `ip monitor route`, by the setting of `fib_notify_on_flag_change`. The
/// monitor is a filter with `hw_flags=sysctl`.
@Suite struct NetdevsimNotificationTests {
    private struct Monitored {
        let offload: OffloadLab
        var position: ChangeSequence
        let prefix: String
        let hop: String

        init(_ family: AddressFamily, _ mode: UInt8, _ change: (inout SwitchSettings) -> Void = { _ in }) throws {
            offload = try OffloadLab(marks: family == .inet ? .inet6 : .inet, change)
            (prefix, hop) = family == .inet ? ("192.0.2.0/24", "198.51.100.1") : ("2001:db8:1::/64", "2001:db8:2::2")
            _ = try offload.lab.plane.putNamespace("default") { settings in
                var settings = settings ?? NamespaceSettings()
                if family == .inet {
                    settings.notifyOnFlagChangeIPv4 = mode
                } else {
                    settings.notifyOnFlagChangeIPv6 = mode
                }
                return settings
            }
            position = offload.lab.plane.log.head
        }

        /// Of the prefix, since the last time.
        mutating func lines() throws -> [String] {
            try offload.lab.settle()
            let plane = offload.lab.plane
            var filter = EventFilter()
            filter.kinds = [.route]
            filter.hardware = .setting
            filter.selection.destination = try Prefix(prefix)
            var lines: [String] = []
            while let run = plane.log.read(after: position), let last = run.last {
                for change in run {
                    guard let selected = filter.select(change), selected.device == nil else { continue }
                    let isGone = selected.operation == .delete
                    guard case .route(_, _, let route) = isGone ? selected.old : selected.new else { continue }
                    let state = plane.presentDevices.state(of: route.hardware)
                    let flags = state.flags == .trap ? " rt_trap" : state == .failed ? " rt_offload_failed" : ""
                    lines.append((isGone ? "DEL" : "NEW") + (isGone ? "" : flags))
                }
                position = last.sequence
            }
            return lines
        }
    }

    @Test(
        "T3-40, T3-41, T3-42: lines of an addition, a replacement and a deletion, by the setting",
        arguments: [AddressFamily.inet, .inet6], [UInt8(0), 1, 2])
    func modes(family: AddressFamily, mode: UInt8) throws {
        var monitored = try Monitored(family, mode)
        let lab = monitored.offload.lab
        let once = ["NEW"], twice = ["NEW", "NEW rt_trap"]
        try lab.write(.add, monitored.prefix, monitored.hop)
        #expect(try monitored.lines() == (mode == 1 ? twice : once))
        try lab.write(.replace, monitored.prefix, "eth2")
        #expect(try monitored.lines() == (mode == 1 ? twice : once))
        try lab.delete(monitored.prefix)
        #expect(try monitored.lines() == ["DEL"])
    }

    @Test(
        "T3-43: a failure is told with 1 and with 2", arguments: [AddressFamily.inet, .inet6], [UInt8(0), 1, 2])
    func failure(family: AddressFamily, mode: UInt8) throws {
        var monitored = try Monitored(family, mode) { $0.faults.failsRouteOffload = true }
        try monitored.offload.lab.write(.add, monitored.prefix, monitored.hop)
        #expect(try monitored.lines() == (mode == 0 ? ["NEW"] : ["NEW", "NEW rt_offload_failed"]))
    }

    @Test("B-12: with 1, a failed deletion is told by each route that leaves hardware")
    func flush() throws {
        var monitored = try Monitored(.inet, 1)
        let lab = monitored.offload.lab
        try lab.write(.add, monitored.prefix, monitored.hop)
        try lab.write(.add, "198.51.100.0/24", "eth1")
        _ = try monitored.lines()
        try lab.change { $0.faults.failsRouteDelete = true }
        try lab.delete("198.51.100.0/24")
        #expect(try monitored.lines() == ["NEW"])
    }
}
