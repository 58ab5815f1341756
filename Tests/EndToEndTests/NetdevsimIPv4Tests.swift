import TestSupport
import Testing

/// What `drivers/net/netdevsim/fib.sh` asserts of IPv4, over HTTP. Each name has the number of the assertion.
@Suite struct NetdevsimIPv4HTTPTests {
    private let prefix = "192.0.2.0/24"

    @Test("T3-01: of identical routes the first is in hardware", arguments: NetdevsimLab.modes)
    func identical(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("append \(prefix) dev dummy2 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap", "dummy2 1024")
        try lab.route("prepend \(prefix) dev dummy3 metric 1024")
        try lab.expect(prefix, "dummy3 1024 trap", "dummy1 1024", "dummy2 1024")
    }

    @Test("T3-02: the highest tos is in hardware", arguments: NetdevsimLab.modes)
    func tos(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("add \(prefix) dev dummy1 tos 8 metric 1024")
        try lab.expect(prefix, "dummy1 1024 tos 8 trap", "dummy1 1024")
        try lab.route("add \(prefix) dev dummy1 tos 4 metric 1024")
        try lab.expect(prefix, "dummy1 1024 tos 8 trap", "dummy1 1024 tos 4", "dummy1 1024")
    }

    @Test("T3-03: the lowest metric is in hardware", arguments: NetdevsimLab.modes)
    func metric(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("add \(prefix) dev dummy1 metric 1022")
        try lab.expect(prefix, "dummy1 1022 trap", "dummy1 1024")
        try lab.route("add \(prefix) dev dummy1 metric 1023")
        try lab.expect(prefix, "dummy1 1022 trap", "dummy1 1023", "dummy1 1024")
    }

    @Test(
        "T3-04: a replaced route is in hardware, and replacing a worse one leaves it there",
        arguments: NetdevsimLab.modes)
    func replace(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("replace \(prefix) dev dummy2 metric 1024")
        try lab.expect(prefix, "dummy2 1024 trap")
        for device in ["dummy1", "dummy3"] {
            try lab.route("replace \(prefix) dev \(device) metric 1025")
            try lab.expect(prefix, "dummy2 1024 trap", "\(device) 1025")
        }
    }

    @Test("T3-05: when the route in hardware goes, the next one comes there", arguments: NetdevsimLab.modes)
    func delete(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        for metric in 1_024...1_026 { try lab.route("add \(prefix) dev dummy1 metric \(metric)") }
        try lab.expect(prefix, "dummy1 1024 trap", "dummy1 1025", "dummy1 1026")
        try lab.route("del \(prefix) metric 1024")
        try lab.expect(prefix, "dummy1 1025 trap", "dummy1 1026")
        try lab.route("del \(prefix) metric 1026")
        try lab.expect(prefix, "dummy1 1025 trap")
    }

    @Test("T3-06: prefixes of one address and different lengths are both in hardware", arguments: NetdevsimLab.modes)
    func lengths(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        for length in [24, 25] { try lab.route("add 192.0.2.0/\(length) dev dummy1 metric 1024") }
        for length in [24, 25] { try lab.expect("192.0.2.0/\(length)", "dummy1 1024 trap") }
    }

    @Test("T3-07: after a reload the lowest metric is in hardware", arguments: NetdevsimLab.modes)
    func replayMetric(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        for metric in [1_024, 1_023] { try lab.route("add \(prefix) dev dummy1 metric \(metric)") }
        #expect(try lab.reload())
        try lab.expect(prefix, "dummy1 1023 trap", "dummy1 1024")
    }

    @Test("T3-08: after a reload the highest tos is in hardware", arguments: NetdevsimLab.modes)
    func replayTos(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        for tos in [0, 8] { try lab.route("add \(prefix) dev dummy1 tos \(tos) metric 1024") }
        #expect(try lab.reload())
        try lab.expect(prefix, "dummy1 1024 tos 8 trap", "dummy1 1024")
    }

    @Test("T3-09: after a reload all lengths are in hardware", arguments: NetdevsimLab.modes)
    func replayLengths(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        for length in [24, 25] { try lab.route("add 192.0.2.0/\(length) dev dummy1 metric 1024") }
        #expect(try lab.reload())
        for length in [24, 25] { try lab.expect("192.0.2.0/\(length)", "dummy1 1024 trap") }
    }

    @Test("T3-10: 20 routes of one prefix go with their link, and then the device", arguments: NetdevsimLab.modes)
    func flush(mode: Int) throws {
        let lab = try NetdevsimLab("inet", mode: mode)
        for metric in 1_024..<1_044 { try lab.route("add \(prefix) dev dummy1 metric \(metric)") }
        #expect(try lab.countInHardware("inet") == 1)
        try lab.removeLink("dummy1")
        try lab.expect(prefix)
        #expect(try lab.occupancy("ipv4") == 0)
        try lab.route("add \(prefix) dev dummy2 metric 1024")
        try lab.expect(prefix, "dummy2 1024 trap")
        try lab.removeDevice()
    }
}
