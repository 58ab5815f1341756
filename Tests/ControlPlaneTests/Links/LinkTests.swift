import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane

/// What links, their addresses and carrier mean for routes (R1-110…R1-116), with the events that tell of it.
@Suite struct LinkTests {
    @Test("R1-116: an address on a link that is up brings its local, subnet and broadcast routes")
    func addresses() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64"])
        #expect(
            lab.news() == [
                "link add eth0", "add 192.0.2.1/32 eth0 local (link-added #0)",
                "add 192.0.2.0/24 eth0 (link-added #0)", "add 192.0.2.255/32 eth0 local (link-added #0)",
                "add 192.0.2.2/32 eth0 local (link-added #0)", "add 2001:db8::1/128 eth0 local (link-added #0)",
                "add 2001:db8::/64 eth0 (link-added #0)",
            ])
        let (route, _) = try #require(try route(lab, "192.0.2.0/24"))
        #expect(route.info.fields.scope == .link && route.info.protocol == .kernel)
        #expect(route.info.fields.preferredSource == (try IPAddress("192.0.2.1")))
        let (_, key) = try #require(try self.route(lab, "2001:db8::/64"))
        #expect(key.metric == 256)
    }

    @Test(
        "R1-116: the source of the local route of a subnet's second address is the first one, as long as that is there")
    func secondaryAddress() throws {
        let lab = LinkLab()
        func source() throws -> String? {
            let prefix = try Prefix("192.0.2.2/32")
            let found = try lab.plane.routes("default", .local, prefix, limit: 2).routes
            #expect(found.count == 1)
            return found.first?.value.info.fields.preferredSource.map { "\($0)" }
        }
        try lab.put("eth0", ["192.0.2.1/24", "192.0.2.2/24"])
        #expect(try source() == "192.0.2.1")
        try lab.put("eth0", ["192.0.2.2/24"])
        #expect(try source() == "192.0.2.2")
        lab.plane.snapshot()._checkInvariants()
    }

    @Test("R1-116: an address on a link that is down brings its local IPv4 route only; going up brings the rest")
    func addressesOfDown() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/31", "2001:db8::1/128"], isUp: false)
        #expect(lab.news() == ["link add eth0", "add 192.0.2.1/32 eth0 local (link-added #0)"])
        try lab.put("eth0", isUp: true)
        #expect(
            lab.news() == [
                "link replace eth0", "add 192.0.2.0/31 eth0 (link-up #0)",
                "add 2001:db8::1/128 eth0 local (link-up #0)", "add 2001:db8::1/128 eth0 (link-up #0)",
            ])
        try lab.put("eth0", isUp: true)
        #expect(lab.news() == [])
    }

    @Test("R1-110: with its link goes every route that leads over it alone; what has other legs stays, with a dead one")
    func down() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24", "2001:db8::1/64"])
        try lab.put("eth1", [])
        try lab.add("10.0.0.0/8", "192.0.2.9%eth0")
        try lab.add("10.1.0.0/16", "192.0.2.9%eth0", "198.51.100.1%eth1")
        try lab.add("2001:db8:1::/48", "2001:db8::9%eth0", "fe80::1%eth1")
        try lab.add("2001:db8:2::/48", "eth0")
        try lab.neighbour("eth0", "192.0.2.9")
        _ = lab.news()
        try lab.put("eth0", isUp: false)
        #expect(
            lab.news() == [
                "link replace eth0", "neigh delete 192.0.2.9%eth0 (link-down #0)",
                "delete 192.0.2.0/24 eth0 (link-down #0)", "delete 192.0.2.255/32 eth0 local (link-down #0)",
                "delete 2001:db8::1/128 eth0 local (link-down #0)", "delete 2001:db8::/64 eth0 (link-down #0)",
                "delete 10.0.0.0/8 192.0.2.9%eth0 (link-down #0)", "status 10.1.0.0/16 dead,- (link-down #0)",
                "status 2001:db8:1::/48 dead,- (link-down #0)", "delete 2001:db8:2::/48 eth0 (link-down #0)",
            ])
        #expect(try lab.plane.object(.link("eth0"), in: "default").0?.link?.addresses.count == 2)
        try lab.put("eth1", isUp: false)
        #expect(
            lab.news() == [
                "link replace eth1", "delete 10.1.0.0/16 192.0.2.9%eth0,198.51.100.1%eth1 (link-down #0)",
                "delete 2001:db8:1::/48 2001:db8::9%eth0,fe80::1%eth1 (link-down #0)",
            ])
    }

    @Test("R1-113: up again, dead legs live; removed routes don't come back, but for those of addresses")
    func up() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24"])
        try lab.put("eth1")
        try lab.add("10.0.0.0/8", "eth0")
        try lab.add("10.1.0.0/16", "192.0.2.9%eth0", "198.51.100.1%eth1")
        try lab.put("eth0", isUp: false)
        _ = lab.news()
        try lab.put("eth0", isUp: true)
        #expect(
            lab.news() == [
                "link replace eth0", "add 192.0.2.0/24 eth0 (link-up #0)",
                "add 192.0.2.255/32 eth0 local (link-up #0)", "status 10.1.0.0/16 -,- (link-up #0)",
            ])
        #expect(lab.routes == ["10.1.0.0/16"])
    }

    @Test("R1-111: without carrier legs are marked and routes stay; local ones aren't marked")
    func carrier() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24", "2001:db8::1/64"])
        try lab.add("10.0.0.0/8", "192.0.2.9%eth0")
        try lab.neighbour("eth0", "192.0.2.9")
        try lab.neighbour("eth0", "192.0.2.8", .permanent)
        let before = lab.plane.snapshot().summary(of: RouteSelection())
        let version = try lab.plane.object(.link("eth0"), in: "default").0?.version
        _ = lab.news()
        try lab.setCarrier("eth0", false)
        #expect(
            lab.news() == [
                "link status eth0", "neigh delete 192.0.2.9%eth0 (carrier-lost #0)",
                "status 10.0.0.0/8 linkdown (carrier-lost #0)", "status 192.0.2.0/24 linkdown (carrier-lost #0)",
                "status 192.0.2.255/32 linkdown (carrier-lost #0)", "status 2001:db8::/64 linkdown (carrier-lost #0)",
            ])
        #expect(lab.plane.snapshot().summary(of: RouteSelection()) == before)
        #expect(try lab.plane.object(.link("eth0"), in: "default").0?.version == version)
        try lab.setCarrier("eth0", false)
        #expect(lab.news() == [])
        try lab.setCarrier("eth0", true)
        #expect(lab.news().count == 5)
    }

    @Test("Neighbours that came while their link was down stay when something else of it changes")
    func neighboursOfDown() throws {
        var lab = LinkLab()
        try lab.put("eth0", isUp: false)
        try lab.neighbour("eth0", "192.0.2.9")
        _ = lab.news()
        try lab.put("eth0", mtu: 9_000)
        try lab.put("eth0", isUp: true)
        #expect(lab.news() == ["link replace eth0", "link replace eth0"])
        try lab.remove("eth0")
        #expect(lab.news().first { $0.hasPrefix("neigh") } == "neigh delete 192.0.2.9%eth0 (link-removed #0)")
    }

    @Test("R1-112: with a link that is gone goes every IPv4 route with a leg there; IPv6 ones lose the leg")
    func removal() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24"])
        try lab.put("eth1")
        try lab.add("10.1.0.0/16", "192.0.2.9%eth0", "198.51.100.1%eth1")
        try lab.add("2001:db8:1::/48", "2001:db8::9%eth0", "fe80::1%eth1")
        try lab.add("2001:db8:2::/48", "eth0")
        try lab.add("10.2.0.0/16", "eth1")
        _ = lab.news()
        let result = try lab.remove("eth0")
        #expect(
            lab.news() == [
                "link delete eth0", "delete 192.0.2.1/32 eth0 local (link-removed #0)",
                "delete 192.0.2.0/24 eth0 (link-removed #0)", "delete 192.0.2.255/32 eth0 local (link-removed #0)",
                "delete 10.1.0.0/16 192.0.2.9%eth0,198.51.100.1%eth1 (link-removed #0)",
                "replace 2001:db8:1::/48 fe80::1%eth1 (link-removed #0)",
                "delete 2001:db8:2::/48 eth0 (link-removed #0)",
            ])
        #expect(result.sequence == lab.plane.log.head)
        lab.plane.snapshot()._checkInvariants()
    }

    @Test("R1-110, R1-112: a link that goes takes an IPv6 route with it whose other legs are dead already")
    func removalAfterOthers() throws {
        var lab = LinkLab()
        for name in ["eth0", "eth1", "eth2"] { try lab.put(name, isUp: true) }
        try lab.add("2001:db8:1::/48", "fe80::1%eth0", "fe80::1%eth1")
        try lab.add("2001:db8:2::/48", "fe80::1%eth1", "fe80::1%eth2")
        try lab.put("eth0", isUp: false)
        _ = lab.news()
        try lab.remove("eth1")
        #expect(
            lab.news().filter { !$0.hasPrefix("link") } == [
                "delete 2001:db8:1::/48 fe80::1%eth0,fe80::1%eth1 (link-removed #0)",
                "replace 2001:db8:2::/48 fe80::1%eth2 (link-removed #0)",
            ])
    }

    @Test(
        "R1-114: in IPv6 a source is lost with its address, in all tables, but not with its link, nor under a nexthop object"
    )
    func sourcesIPv6() throws {
        let lab = LinkLab()
        try lab.put("eth0", ["2001:db8::1/64", "2001:db8::7/64"], isUp: true)
        try lab.put("eth1", isUp: true)
        try lab.add("2001:db8:1::/48", "eth1", source: "2001:db8::7", table: TableID(rawValue: 77))
        try lab.add("2001:db8:2::/48", "eth1", source: "2001:db8::1")
        try lab.nextHop(1) { ($0.family, $0.device) = (.inet6, "eth1") }
        try lab.add("2001:db8:3::/48", nhid: 1, source: "2001:db8::7")
        func sources() -> [String] {
            var walk = RouteWalk(lab.plane.snapshot(), RouteSelection())
            var found: [String] = []
            while let (_, route) = walk.next() {
                if let source = route.value.info.fields.preferredSource { found.append("\(source)") }
            }
            return found
        }
        #expect(sources() == ["2001:db8::7", "2001:db8::1", "2001:db8::7"])
        try lab.put("eth0", ["2001:db8::1/64"])
        #expect(sources() == ["2001:db8::1", "2001:db8::7"])
        try lab.remove("eth0")
        #expect(sources() == ["2001:db8::1", "2001:db8::7"])
    }

    @Test("R1-114: with an address go the IPv4 routes that use it as their source; IPv6 ones lose the source")
    func sources() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24", "198.51.100.1/24", "2001:db8::1/64"])
        try lab.put("eth1", ["203.0.113.1/24"])
        try lab.add("10.0.0.0/8", "203.0.113.9%eth1", source: "198.51.100.1")
        try lab.add("10.1.0.0/16", "203.0.113.9%eth1", source: "192.0.2.1")
        try lab.add("10.2.0.0/16", "eth1", source: "198.51.100.1", table: TableID(rawValue: 100))
        try lab.add("2001:db8:1::/48", "eth1", source: "2001:db8::1")
        _ = lab.news()
        try lab.put("eth0", ["192.0.2.1/24"])
        #expect(
            lab.news() == [
                "link replace eth0", "delete 198.51.100.1/32 eth0 local (address-removed #0)",
                "delete 198.51.100.0/24 eth0 (address-removed #0)",
                "delete 198.51.100.255/32 eth0 local (address-removed #0)",
                "delete 2001:db8::1/128 eth0 local (address-removed #0)",
                "delete 2001:db8::/64 eth0 (address-removed #0)",
                "delete 10.0.0.0/8 203.0.113.9%eth1 (address-removed #0)",
                "replace 2001:db8:1::/48 eth1 (address-removed #0)",
            ])
        #expect(try route(lab, "2001:db8:1::/48")?.0.info.fields.preferredSource == nil)
    }

    @Test("R1-114: with its last IPv4 address a link is gone to IPv4, and to IPv6 it isn't")
    func lastAddress() throws {
        let lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24", "2001:db8::1/64"])
        try lab.add("10.0.0.0/8", "eth0")
        try lab.add("2001:db8:1::/48", "eth0")
        try lab.put("eth0", ["2001:db8::1/64"])
        #expect(lab.routes == ["2001:db8:1::/48"])
    }

    @Test("IPv6 that is disabled on a link takes its routes with it, and leaves those of IPv4")
    func disabledIPv6() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24", "2001:db8::1/64"])
        try lab.add("10.0.0.0/8", "eth0")
        try lab.add("2001:db8:1::/48", "eth0")
        _ = lab.news()
        try lab.put("eth0", disablesIPv6: true)
        #expect(
            lab.news() == [
                "link replace eth0", "delete 2001:db8::1/128 eth0 local (ipv6-disabled #0)",
                "delete 2001:db8::/64 eth0 (ipv6-disabled #0)", "delete 2001:db8:1::/48 eth0 (ipv6-disabled #0)",
            ])
    }

    @Test("A route that came while its link was down is not taken by what happens to the link's carrier")
    func laterRoutes() throws {
        var lab = LinkLab()
        try lab.put("eth0", isUp: false)
        try lab.add("10.0.0.0/8", "eth0")
        try lab.setCarrier("eth0", false)
        try lab.setCarrier("eth0", true)
        #expect(lab.routes == ["10.0.0.0/8"])
        try lab.put("eth0", isUp: true)
        #expect(lab.news().last == "status 10.0.0.0/8 - (link-up #5)")
    }

    @Test("Two links in one subnet each have its route, and each takes its own with it")
    func sharedSubnet() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24"])
        try lab.put("eth1", ["192.0.2.2/24"])
        _ = lab.news()
        try lab.remove("eth0")
        #expect(lab.news().contains("delete 192.0.2.0/24 eth0 (link-removed #0)"))
        #expect(try route(lab, "192.0.2.0/24")?.0.info.nextHops.map(\.device) == ["eth1"])
        lab.plane.snapshot()._checkInvariants()
    }

    @Test(
        "Links that can't be are refused, and nothing changes",
        arguments: [
            ("a/b", []), ("", []), ("a b", []), ("0123456789abcdef", []), ("eth0", ["192.0.2.1/24", "192.0.2.1/25"]),
        ])
    func refused(name: String, addresses: [String]) throws {
        let lab = LinkLab()
        let head = lab.plane.log.head
        #expect(throws: FIBError.self) { try lab.put(name, addresses) }
        #expect(throws: FIBError.self) { try lab.put("eth0", mtu: 67) }
        #expect(throws: FIBError.self) { try lab.remove("eth0") }
        #expect(throws: FIBError.self) { try lab.setCarrier("eth0", true) }
        #expect(lab.plane.log.head == head)
    }

    @Test("A link is changed as a whole or not at all, with all that follows from it at once")
    func transaction() throws {
        var lab = LinkLab()
        try lab.put("eth0", ["192.0.2.1/24"])
        _ = lab.news()
        var edit = LinkEdit(name: "eth1")
        edit.addresses = [try linkAddress("198.51.100.1/24")]
        let operations = [
            TransactionOperation.object(ObjectOperation("default", .putLink(edit))),
            .object(ObjectOperation("default", .removeLink("nosuch"), existence: .present)),
        ]
        let error = #expect(throws: TransactionError.self) { try lab.plane.transact(operations) }
        #expect(error?.index == 1 && error?.error.reason == .linkNotFound)
        #expect(lab.news() == [])
        let before = lab.plane.log.head
        let done = try lab.plane.transact([operations[0], .object(ObjectOperation("default", .removeLink("eth0")))])
        let changes = lab.plane.log.read(after: before).map(Array.init) ?? []
        // The last one says that nothing is left to be done.
        #expect(done.transaction == changes.first?.sequence && done.sequence == changes.dropLast().last?.sequence)
        #expect(Set(changes.dropLast().map(\.batch?.transaction)) == [done.transaction])
    }

    private func route(_ lab: LinkLab, _ text: String) throws -> (StoredRoute, RouteKey)? {
        let prefix = try Prefix(text)
        return try lab.plane.routes("default", .main, prefix, limit: 2).routes.first.map { ($0.value, $0.key) }
    }

    @Test("R1-116: the loopback's own ::1 brings a local route and no subnet; other host addresses bring both")
    func loopback() throws {
        let lab = LinkLab()
        try lab.put("lo", ["::1/128", "2001:db8::7/128"])
        var walk = RouteWalk(lab.plane.snapshot(), RouteSelection())
        var routes: [String] = []
        while let (table, route) = walk.next() { routes.append("\(table.id.name) \(route.key.prefix(.inet6))") }
        #expect(routes == ["main 2001:db8::7/128", "local ::1/128", "local 2001:db8::7/128"])
    }
}
