import TestSupport
import Testing

/// What `drivers/net/netdevsim/fib.sh` asserts of IPv6 routes that come or are replaced, over HTTP. Where the kernel has several
/// routes of one key, a list of nexthops is one route here (R1-24).
@Suite struct NetdevsimIPv6HTTPTests {
    private let prefix = "2001:db8:1::/64"
    private let two = "2001:db8:2::2"
    private let three = "2001:db8:2::3"
    private var several: String { "nexthop \(two) nexthop \(three)" }

    @Test("T3-14: a second route over a device is not in hardware; the first stays", arguments: NetdevsimLab.modes)
    func add(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("append \(prefix) dev dummy2 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap", "dummy2 1024")
    }

    @Test("T3-15: the lowest metric is in hardware", arguments: NetdevsimLab.modes)
    func metric(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("add \(prefix) dev dummy1 metric 1022")
        try lab.expect(prefix, "dummy1 1022 trap", "dummy1 1024")
        try lab.route("add \(prefix) dev dummy1 metric 1023")
        try lab.expect(prefix, "dummy1 1022 trap", "dummy1 1023", "dummy1 1024")
    }

    @Test("T3-16: what joins the route in hardware leaves it there", arguments: NetdevsimLab.modes)
    func appendSingle(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) via \(two) metric 1024")
        try lab.expect(prefix, "\(two) 1024 trap")
        try lab.route("append \(prefix) via \(three) metric 1024")
        try lab.expect(prefix, "\(two),\(three) 1024 trap")
        try lab.route("add \(prefix) via \(two) metric 1025")
        try lab.expect(prefix, "\(two),\(three) 1024 trap", "\(two) 1025")
        try lab.route("append \(prefix) via \(three) metric 1025")
        try lab.expect(prefix, "\(two),\(three) 1024 trap", "\(two),\(three) 1025")
    }

    @Test("T3-17: a replaced route is in hardware, and replacing a worse one leaves it", arguments: NetdevsimLab.modes)
    func replaceSingle(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("replace \(prefix) dev dummy2 metric 1024")
        try lab.expect(prefix, "dummy2 1024 trap")
        for device in ["dummy2", "dummy1"] {
            try lab.route("replace \(prefix) dev \(device) metric 1025")
            try lab.expect(prefix, "dummy2 1024 trap", "\(device) 1025")
        }
    }

    @Test("T3-18: the lowest metric of lists of nexthops is in hardware", arguments: NetdevsimLab.modes)
    func metricMultipath(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) metric 1024 \(several)")
        try lab.expect(prefix, "\(two),\(three) 1024 trap")
        try lab.route("add \(prefix) metric 1022 \(several)")
        try lab.expect(prefix, "\(two),\(three) 1022 trap", "\(two),\(three) 1024")
        try lab.route("add \(prefix) metric 1023 \(several)")
        try lab.expect(prefix, "\(two),\(three) 1022 trap", "\(two),\(three) 1023", "\(two),\(three) 1024")
    }

    @Test("T3-19: nexthops that join the list in hardware leave it there", arguments: NetdevsimLab.modes)
    func appendMultipath(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        let more = "nexthop 2001:db8:3::2 nexthop 2001:db8:3::3"
        let all = "\(two),\(three),2001:db8:3::2,2001:db8:3::3"
        try lab.route("add \(prefix) metric 1024 \(several)")
        try lab.expect(prefix, "\(two),\(three) 1024 trap")
        try lab.route("append \(prefix) metric 1024 \(more)")
        try lab.expect(prefix, "\(all) 1024 trap")
        try lab.route("add \(prefix) metric 1025 \(several)")
        try lab.route("append \(prefix) metric 1025 \(more)")
        try lab.expect(prefix, "\(all) 1024 trap", "\(all) 1025")
    }

    @Test("T3-20: a replaced list of nexthops is in hardware", arguments: NetdevsimLab.modes)
    func replaceMultipath(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        let others = "nexthop 2001:db8:3::2 nexthop 2001:db8:3::3"
        try lab.route("add \(prefix) metric 1024 \(several)")
        try lab.expect(prefix, "\(two),\(three) 1024 trap")
        try lab.route("replace \(prefix) metric 1024 \(others)")
        try lab.expect(prefix, "2001:db8:3::2,2001:db8:3::3 1024 trap")
        for hops in [others, several] { try lab.route("replace \(prefix) metric 1025 \(hops)") }
        try lab.expect(prefix, "2001:db8:3::2,2001:db8:3::3 1024 trap", "\(two),\(three) 1025")
    }

    @Test(
        "T3-21: nexthops that are added beside a route over a device are not in hardware", arguments: NetdevsimLab.modes
    )
    func appendMultipathToSingle(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) dev dummy1 metric 1024")
        try lab.expect(prefix, "dummy1 1024 trap")
        try lab.route("append \(prefix) metric 1024 \(several)")
        try lab.expect(prefix, "dummy1 1024 trap", "\(two),\(three) 1024")
    }
}
