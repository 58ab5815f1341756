import TestSupport
import Testing

/// What `drivers/net/netdevsim/fib.sh` asserts of IPv6 routes that go, and of reloads, over HTTP.
@Suite struct NetdevsimIPv6DeletionHTTPTests {
    private static let prefix = "2001:db8:1::/64"
    /// One nexthop and two, as words of `ip route` and as rows show them.
    private static let single = (words: "via 2001:db8:2::2", shown: "2001:db8:2::2")
    private static let several = (
        words: "nexthop 2001:db8:2::2 nexthop 2001:db8:2::3", shown: "2001:db8:2::2,2001:db8:2::3"
    )

    private typealias Hops = (words: String, shown: String)

    private let prefix = Self.prefix

    /// The only route goes.
    private func deleteSole(_ hops: Hops, _ mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        let others = try lab.occupancy("ipv6")
        try lab.route("add \(prefix) metric 1024 \(hops.words)")
        try lab.expect(prefix, "\(hops.shown) 1024 trap")
        try lab.route("del \(prefix) metric 1024")
        try lab.expect(prefix)
        #expect(try lab.occupancy("ipv6") == others)
    }

    /// One goes that is not the first.
    private func deleteLater(_ hops: Hops, _ mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        for metric in [1_024, 1_025] { try lab.route("add \(prefix) metric \(metric) \(hops.words)") }
        try lab.expect(prefix, "\(hops.shown) 1024 trap", "\(hops.shown) 1025")
        try lab.route("del \(prefix) metric 1025")
        try lab.expect(prefix, "\(hops.shown) 1024 trap")
    }

    /// The first one goes, and the next comes into hardware.
    private func deleteFirst(_ hops: Hops, then next: Hops, _ mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) metric 1024 \(hops.words)")
        try lab.route("add \(prefix) metric 1025 \(next.words)")
        try lab.expect(prefix, "\(hops.shown) 1024 trap", "\(next.shown) 1025")
        try lab.route("del \(prefix) metric 1024")
        try lab.expect(prefix, "\(next.shown) 1025 trap")
    }

    @Test("T3-22: a sole route with one nexthop goes", arguments: NetdevsimLab.modes)
    func sole(mode: Int) throws { try deleteSole(Self.single, mode) }

    @Test("T3-23: a route with one nexthop goes that isn't the first; the first stays", arguments: NetdevsimLab.modes)
    func later(mode: Int) throws { try deleteLater(Self.single, mode) }

    @Test("T3-24: the first goes, and the next comes; both have one nexthop", arguments: NetdevsimLab.modes)
    func first(mode: Int) throws { try deleteFirst(Self.single, then: Self.single, mode) }

    @Test("T3-25: the first goes, and the next, with several nexthops, comes", arguments: NetdevsimLab.modes)
    func firstThenMultipath(mode: Int) throws { try deleteFirst(Self.single, then: Self.several, mode) }

    @Test("T3-26: one nexthop leaves, and the rest stays in hardware", arguments: NetdevsimLab.modes)
    func oneNextHop(mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        try lab.route("add \(prefix) metric 1024 \(Self.several.words)")
        try lab.expect(prefix, "\(Self.several.shown) 1024 trap")
        try lab.route("del \(prefix) metric 1024 via 2001:db8:2::2")
        try lab.expect(prefix, "2001:db8:2::3 1024 trap")
    }

    @Test("T3-27: a sole route with several nexthops goes", arguments: NetdevsimLab.modes)
    func soleMultipath(mode: Int) throws { try deleteSole(Self.several, mode) }

    @Test("T3-28: a list of nexthops goes that isn't the first; the first stays", arguments: NetdevsimLab.modes)
    func laterMultipath(mode: Int) throws { try deleteLater(Self.several, mode) }

    @Test("T3-29: a list of nexthops goes, and the next, with one, comes", arguments: NetdevsimLab.modes)
    func multipathThenSingle(mode: Int) throws { try deleteFirst(Self.several, then: Self.single, mode) }

    @Test("T3-30: a list of nexthops goes, and the next comes", arguments: NetdevsimLab.modes)
    func multipathThenMultipath(mode: Int) throws { try deleteFirst(Self.several, then: Self.several, mode) }

    @Test(
        "T3-31: after a reload the first of the routes with one nexthop is in hardware", arguments: NetdevsimLab.modes)
    func replay(mode: Int) throws { try replay(Self.single, mode) }

    @Test("T3-32: after a reload the first list of nexthops is in hardware", arguments: NetdevsimLab.modes)
    func replayMultipath(mode: Int) throws { try replay(Self.several, mode) }

    private func replay(_ hops: Hops, _ mode: Int) throws {
        let lab = try NetdevsimLab("inet6", mode: mode)
        for metric in [1_024, 1_023] { try lab.route("add \(prefix) metric \(metric) \(hops.words)") }
        #expect(try lab.reload())
        try lab.expect(prefix, "\(hops.shown) 1023 trap", "\(hops.shown) 1024")
    }
}
