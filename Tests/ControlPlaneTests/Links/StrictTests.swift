import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane

/// What a strict namespace asks of nexthops (R1-71…R1-83, R1-100), with the set-up and vectors that were measured on a kernel.
@Suite struct StrictTests {
    /// d1 198.51.100.1/24 and 2001:db8:1::1/64, d2 192.0.2.1/24 and 2001:db8:2::1/64, d3 without address; all up.
    private func lab() throws -> LinkLab {
        let lab = LinkLab()
        _ = try lab.plane.putNamespace("default") { settings in
            var settings = settings ?? NamespaceSettings()
            settings.nextHopCheck = .strict
            return settings
        }
        try lab.put("d1", ["198.51.100.1/24", "2001:db8:1::1/64"])
        try lab.put("d2", ["192.0.2.1/24", "2001:db8:2::1/64"])
        try lab.put("d3")
        return lab
    }

    /// One route as `ip route add` would have it.
    struct Wanted: Sendable {
        var prefix: String
        var hops: [String] = []
        var isOnLink = false
        var source: String?
        var type = RouteType.unicast
        var scope: RouteScope?
        var tos: UInt8 = 0
        var table = TableID.main

        init(_ prefix: String, _ hops: String...) { (self.prefix, self.hops) = (prefix, hops) }
        init(_ prefix: String, _ hop: String, source: String) {
            self.init(prefix, hop)
            self.source = source
        }
        init(onLink prefix: String, _ hop: String) {
            self.init(prefix, hop)
            isOnLink = true
        }
    }

    private func outcome(_ wanted: Wanted, _ lab: LinkLab, _ verb: RouteVerb = .add) throws -> String {
        do {
            let prefix = try Prefix(wanted.prefix)
            var fields = RouteInfo.Fields()
            fields.type = wanted.type
            fields.scope = wanted.scope ?? (prefix.family == .inet ? wanted.type.minimumScope : .global)
            fields.nextHops = try wanted.hops.map { text in
                var hop = try leg(text)
                if wanted.isOnLink { hop.flags.insert(.onlink) }
                return hop
            }
            fields.preferredSource = try wanted.source.map { try IPAddress($0) }
            let route = try Route.validated(prefix: prefix, tos: wanted.tos, metric: nil, fields: fields)
            let table = try lab.plane.table("default", prefix.family, wanted.table)
            let result = try #require(try lab.plane.write(verb, RouteWrite(table, route, EntryWriter())))
            let devices = result.stored.info.nextHops.map(\.device).joined(separator: ",")
            return "ok \(devices)"
        } catch let error as FIBError {
            return error.errno.rawValue
        }
    }

    @Test(
        "IPv4 routes are taken and refused as they were by a kernel",
        arguments: [
            (Wanted("10.0.0.0/8", "10.9.9.9"), "ENETUNREACH"), (Wanted("10.0.0.0/8", "198.51.100.255"), "EINVAL"),
            (Wanted("10.0.0.0/8", "198.51.100.2%d2"), "ENETUNREACH"),
            (Wanted(onLink: "10.0.0.0/8", "9.9.9.9"), "ENODEV"),
            (Wanted(onLink: "10.0.0.0/8", "198.51.100.1%d1"), "EINVAL"),
            (Wanted(onLink: "10.0.0.0/8", "9.9.9.9%d1"), "ok d1"),
            (Wanted("10.0.0.0/8", "198.51.100.1%d1"), "ok d1"), (Wanted("10.0.0.0/8"), "ENODEV"),
            (Wanted("10.0.0.0/8", "198.51.100.2"), "ok d1"), (Wanted("10.0.0.0/8", "nosuch"), "ENODEV"),
            (Wanted("10.0.0.0/8", "198.51.100.2", source: "9.9.9.9"), "EINVAL"),
            (Wanted("10.0.0.0/8", "198.51.100.2", source: "192.0.2.1"), "ok d1"),
            (Wanted("10.0.0.0/8", "198.51.100.2", "192.0.2.2"), "ok d1,d2"),
            (Wanted("10.0.0.0/8", "198.51.100.2", "203.0.113.2"), "ENETUNREACH"),
            (Wanted("10.0.0.0/8", "2001:db8:1::2"), "ok d1"), (Wanted("10.0.0.0/8", "2001:db8:99::2"), "EHOSTUNREACH"),
        ])
    func inet(wanted: Wanted, expected: String) throws { #expect(try outcome(wanted, try lab()) == expected) }

    @Test(
        "IPv6 routes are taken and refused as they were by a kernel",
        arguments: [
            (Wanted("2001:db8:200::/64", "2001:db8:99::9"), "EHOSTUNREACH"),
            (Wanted("2001:db8:200::/64", "fe80::1"), "EINVAL"), (Wanted("2001:db8:200::/64", "fe80::1%d3"), "ok d3"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::1"), "EINVAL"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::1%d1"), "EINVAL"),
            (Wanted("2001:db8:200::/64", "ff02::1%d1"), "EINVAL"), (Wanted("2001:db8:200::/64"), "ENODEV"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::2", source: "2001:db8:55::1"), "EINVAL"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::2", source: "2001:db8:2::1"), "ok d1"),
            (Wanted("2001:db8:200::/64", "d1", "2001:db8:1::2"), "EINVAL"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::2", "2001:db8:1::2"), "EEXIST"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::2%d2"), "EHOSTUNREACH"),
            (Wanted("2001:db8:200::/64", "2001:db8:1::2"), "ok d1"), (Wanted("2001:db8:200::/64", "d3"), "ok d3"),
            (Wanted(onLink: "2001:db8:200::/64", "2001:db8:1::2%d2"), "EINVAL"),
            (Wanted(onLink: "2001:db8:200::/64", "2001:db8:1::2"), "ENODEV"),
            (Wanted(onLink: "2001:db8:200::/64", "2001:db8:99::2%d2"), "ok d2"),
            (Wanted("2001:db8:200::/64", "lo"), "ENODEV"),
        ])
    func inet6(wanted: Wanted, expected: String) throws { #expect(try outcome(wanted, try lab()) == expected) }

    @Test("R1-78, R1-100: links that are down, and those without IPv6, lead nowhere")
    func downLinks() throws {
        let lab = try lab()
        try lab.put("d3", isUp: false)
        #expect(try outcome(Wanted("10.0.0.0/8", "d3"), lab) == "ENETDOWN")
        #expect(try outcome(Wanted(onLink: "10.0.0.0/8", "9.9.9.9%d3"), lab) == "ENETDOWN")
        #expect(try outcome(Wanted("2001:db8:200::/64", "d3"), lab) == "ENETDOWN")
        try lab.put("d3", isUp: true, disablesIPv6: true)
        #expect(try outcome(Wanted("10.0.0.0/8", "d3"), lab) == "ok d3")
        #expect(try outcome(Wanted("2001:db8:200::/64", "d3"), lab) == "EACCES")
    }

    @Test("R1-100: of several ways to an onlink gateway, that over the named link counts")
    func onLinkGatewayBehindTwo() throws {
        let lab = try lab()
        let prefix = "2001:db8:100::/40"
        #expect(try outcome(Wanted(prefix, "d1"), lab, .append) == "ok d1")
        #expect(try outcome(Wanted(onLink: "2001:db8:200::/64", "2001:db8:100::9%d2"), lab) == "EINVAL")
        #expect(try outcome(Wanted(prefix, "2001:db8:2::2"), lab, .append) == "ok d2")
        #expect(try outcome(Wanted(onLink: "2001:db8:200::/64", "2001:db8:100::9%d2"), lab) == "ok d2")
        #expect(try outcome(Wanted(onLink: "2001:db8:300::/64", "2001:db8:100::9%d1"), lab) == "ok d1")
        #expect(try outcome(Wanted(onLink: "2001:db8:400::/64", "2001:db8:100::9%d3"), lab) == "EINVAL")
    }

    @Test("R1-72: a gateway isn't behind another gateway, nor behind a route that refuses")
    func gatewayBehindGateway() throws {
        let lab = try lab()
        #expect(try outcome(Wanted("10.0.0.0/8", "198.51.100.2"), lab) == "ok d1")
        #expect(try outcome(Wanted("20.0.0.0/8", "10.1.1.1"), lab) == "ENETUNREACH")
        for type in [RouteType.unreachable, .prohibit, .blackhole] {
            var refusing = Wanted("30.\(type.rawValue).0.0/16")
            refusing.type = type
            #expect(try outcome(refusing, lab) == "ok ")
            #expect(try outcome(Wanted("20.0.0.0/8", "30.\(type.rawValue).0.1"), lab) == "ENETUNREACH")
        }
        var link = Wanted("40.0.0.0/8", "d1")
        link.scope = .link
        #expect(try outcome(link, lab) == "ok d1")
        #expect(try outcome(Wanted("20.0.0.0/8", "40.0.0.1"), lab) == "ok d1")
        #expect(try outcome(Wanted("2001:db8:200::/64", "2001:db8:1::2"), lab) == "ok d1")
        #expect(try outcome(Wanted("2001:db8:300::/64", "2001:db8:200::1"), lab) == "EHOSTUNREACH")
    }

    @Test("R1-72: a table's own routes come first, then those that the rules lead to")
    func ownTable() throws {
        let lab = try lab()
        var link = Wanted("40.0.0.0/8", "d2")
        link.scope = .link
        link.table = TableID(rawValue: 100)
        #expect(try outcome(link, lab) == "ok d2")
        var wanted = Wanted("20.0.0.0/8", "40.0.0.1")
        #expect(try outcome(wanted, lab) == "ENETUNREACH")
        wanted.table = TableID(rawValue: 100)
        #expect(try outcome(wanted, lab) == "ok d2")
        var other = Wanted("21.0.0.0/8", "198.51.100.2")
        other.table = TableID(rawValue: 100)
        #expect(try outcome(other, lab) == "ok d1")
    }

    @Test("Every verb checks, before it looks whether there is such a route")
    func verbs() throws {
        let lab = try lab()
        for verb in [RouteVerb.add, .replace, .change, .append, .prepend] {
            #expect(try outcome(Wanted("10.0.0.0/8", "10.9.9.9"), lab, verb) == "ENETUNREACH")
        }
        #expect(try outcome(Wanted("10.0.0.0/8", "198.51.100.2"), lab, .change) == "ENOENT")
    }

    @Test(
        "What a strict namespace took is an entry like any other, with the device that its gateway is reached through")
    func entries() throws {
        var lab = try lab()
        for number in 0..<50 { #expect(try outcome(Wanted("10.\(number).0.0/16", "198.51.100.2"), lab) == "ok d1") }
        lab.plane.snapshot()._checkInvariants()
        #expect(try outcome(Wanted("10.0.0.0/16", "198.51.100.2"), lab, .replace) == "ok d1")
        _ = lab.news()
        #expect(try outcome(Wanted("10.0.0.0/16", "198.51.100.2%d1"), lab, .replace) == "ok d1")
        #expect(lab.news() == [], "the same route, said in more words")
        try lab.put("d1", isUp: false)
        #expect(lab.routes == [])
    }

    @Test("A transaction may make the links and gateways that its routes need")
    func transaction() throws {
        let lab = try lab()
        var edit = LinkEdit(name: "d4")
        edit.addresses = [try linkAddress("203.0.113.1/24")]
        let table = try lab.plane.table("default", .inet, .main)
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: try IPAddress("203.0.113.2"))]
        let route = try Route.validated(prefix: try Prefix("10.0.0.0/8"), tos: 0, metric: nil, fields: fields)
        let write = TransactionOperation.route(.write(.add, RouteWrite(table, route, EntryWriter())))
        let error = #expect(throws: TransactionError.self) { try lab.plane.transact([write]) }
        #expect(error?.error.errno == .enetunreach)
        _ = try lab.plane.transact([.object(ObjectOperation("default", .putLink(edit))), write])
        #expect(
            try lab.plane.routes("default", .main, route.prefix, limit: 1).routes[0].value.info.nextHops[0].device
                == "d4")
    }

    @Test("A neighbour needs a link")
    func neighbours() throws {
        let lab = try lab()
        try lab.neighbour("d1", "198.51.100.2")
        let error = #expect(throws: FIBError.self) { try lab.neighbour("nosuch", "198.51.100.2") }
        #expect(error?.errno == .enodev)
    }

    @Test("R1-72: what refuses packets to a gateway refuses the gateway, with its own errno")
    func refusedGateways() throws {
        for (action, errno) in [
            (PolicyRule.Action.prohibit, "EACCES"), (.blackhole, "EINVAL"), (.unreachable, "ENETUNREACH"),
        ] {
            let lab = try lab()
            try RuleLab(lab.plane).add(5) { $0.action = action }
            #expect(try outcome(Wanted("10.0.0.0/8", "198.51.100.2"), lab) == errno)
            // The table of the route comes before the rules.
            #expect(try outcome(Wanted("10.0.0.0/8", "d1"), lab) == "ok d1")
        }
        // Packets that look for an IPv4 gateway are made here, those for an IPv6 one come from nowhere.
        let lab = try lab()
        for family in [AddressFamily.inet, .inet6] {
            try RuleLab(lab.plane).add(5, family) { ($0.action, $0.input) = (.prohibit, "lo") }
        }
        #expect(try outcome(Wanted("10.0.0.0/8", "198.51.100.2"), lab) == "EACCES")
        #expect(try outcome(Wanted("2001:db8:200::/64", "2001:db8:1::2"), lab) == "ok d1")
    }

    @Test("R1-76: an own address is no gateway on any link, and the scope is looked at before the device")
    func onLink() throws {
        let lab = try lab()
        #expect(try outcome(Wanted(onLink: "10.0.0.0/8", "198.51.100.1%d2"), lab) == "EINVAL")
        #expect(try outcome(Wanted(onLink: "10.0.0.0/8", "198.51.100.7%d2"), lab) == "ok d2")
        var near = Wanted(onLink: "10.0.0.0/8", "198.51.100.7")
        near.scope = .link
        #expect(try outcome(near, lab) == "EINVAL")
    }

    @Test("R1-100: an own address stays one while its link is down, as a source and as no gateway")
    func ownAddresses() throws {
        let lab = try lab()
        try lab.put("d1", isUp: false)
        #expect(try outcome(Wanted("2001:db8:200::/64", "2001:db8:1::1%d2"), lab) == "EINVAL")
        #expect(try outcome(Wanted("2001:db8:200::/64", "d2", source: "2001:db8:1::1"), lab) == "ok d2")
        try lab.put("d1", ["2001:db8:1::5/64"])
        #expect(try outcome(Wanted("2001:db8:300::/64", "d2", source: "2001:db8:1::1"), lab) == "EINVAL")
        // Each link that has it counts.
        try lab.put("d3", ["2001:db8:1::5/64"])
        try lab.put("d1", [])
        #expect(try outcome(Wanted("2001:db8:300::/64", "d2", source: "2001:db8:1::5"), lab) == "ok d2")
        try lab.remove("d3")
        #expect(try outcome(Wanted("2001:db8:400::/64", "d2", source: "2001:db8:1::5"), lab) == "EINVAL")
    }

    @Test("R1-58: two nexthops that only differ in that one names its device are the same")
    func resolvedTwins() throws {
        let lab = try lab()
        let wanted = Wanted("2001:db8:200::/64", "2001:db8:1::2", "2001:db8:1::2%d1")
        #expect(try outcome(wanted, lab) == "EEXIST")
        #expect(try outcome(Wanted("2001:db8:200::/64", "2001:db8:1::2", "2001:db8:2::2%d2"), lab) == "ok d1,d2")
    }
}
