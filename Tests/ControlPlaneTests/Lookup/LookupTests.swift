import Addressing
import ChangeLog
import Routing
import ServiceSupport
import Testing
import Threads

@testable import ControlPlane

/// Where packets go: the rules of section 1.3 to 1.5 by their numbers.
@Suite struct LookupTests {
    private let lab = LinkLab()

    private func add(
        _ prefix: String, _ hops: String..., type: RouteType = .unicast, metric: UInt32? = nil, tos: UInt8 = 0,
        table: TableID = .main, preference: RouteInfo.Preference = .medium, verb: RouteVerb = .add
    ) throws {
        let prefix = try Prefix(prefix)
        var fields = RouteInfo.Fields()
        fields.type = type
        fields.scope = prefix.family == .inet ? type.minimumScope : .global
        fields.preference = preference
        fields.nextHops = try hops.map { text in
            let parts = text.split(separator: "*")
            var hop = try leg(String(parts[0]))
            if parts.count > 1 { hop.weight = try #require(UInt16(parts[1])) }
            return hop
        }
        let route = try Route.validated(prefix: prefix, tos: tos, metric: metric, fields: fields)
        let identity = try lab.plane.table("default", prefix.family, table)
        _ = try lab.plane.write(verb, RouteWrite(identity, route, EntryWriter()))
    }

    /// The prefix and the hop, the type that refuses, or `nothing`.
    private func get(_ text: String, oif: String? = nil, tos: UInt8 = 0) throws -> String {
        var query = LookupQuery(destination: try IPAddress(text), device: oif)
        query.tos = tos
        var trace: LookupTrace?
        switch try lab.plane.forwarding("default").lookup(query, &trace) {
        case .nothing: return "nothing"
        case .refused(let found): return found.info.type.name
        case .refusedByRule(let rule): return "rule \(rule.action)"
        case .route(let found):
            let hop = try #require(found.hop)
            let gateway = hop.gateway.map { "\($0)%" } ?? ""
            return "\(found.table.name)/\(found.length) \(gateway)\(hop.device)"
        }
    }

    @Test("R1-40, R1-30: the longest prefix wins, and without one there is nothing")
    func longest() throws {
        #expect(try get("10.1.2.3") == "nothing" && get("2001:db8::1") == "nothing")
        try add("0.0.0.0/0", "eth0")
        try add("10.0.0.0/8", "eth1")
        try add("10.1.2.0/24", "eth2")
        try add("10.1.2.3/32", "eth3")
        try add("2001:db8::/32", "eth4")
        #expect(try get("9.9.9.9") == "main/0 eth0" && get("10.2.0.1") == "main/8 eth1")
        #expect(try get("10.1.2.4") == "main/24 eth2" && get("10.1.2.3") == "main/32 eth3")
        #expect(try get("2001:db8:ffff::1") == "main/32 eth4" && get("2001:db9::1") == "nothing")
    }

    @Test("R1-41: a tos is asked for exactly, but for that of none; the lowest two bits say nothing")
    func tos() throws {
        try add("10.0.0.0/8", "eth0")
        try add("10.0.0.0/8", "eth1", tos: 8)
        try add("10.1.0.0/16", "eth2", tos: 4)
        #expect(try get("10.2.0.1") == "main/8 eth0" && get("10.2.0.1", tos: 8) == "main/8 eth1")
        #expect(try get("10.2.0.1", tos: 11) == "main/8 eth1" && get("10.2.0.1", tos: 16) == "main/8 eth0")
        #expect(try get("10.1.0.1") == "main/8 eth0" && get("10.1.0.1", tos: 4) == "main/16 eth2")
        #expect(try get("10.1.0.1", tos: 8) == "main/8 eth1")
    }

    @Test("R1-42, R1-43: the lowest metric wins, and of equal keys the first in the list")
    func metrics() throws {
        try add("10.0.0.0/8", "eth1", metric: 20)
        try add("10.0.0.0/8", "eth0", metric: 10)
        try add("10.0.0.0/8", "eth2", metric: 10, verb: .append)
        #expect(try get("10.0.0.1") == "main/8 eth0")
        try add("10.0.0.0/8", "eth3", metric: 10, verb: .prepend)
        #expect(try get("10.0.0.1") == "main/8 eth3")
        try add("2001:db8::/32", "eth1", metric: 20)
        try add("2001:db8::/32", "eth0", metric: 10)
        #expect(try get("2001:db8::1") == "main/32 eth0")
    }

    @Test("R1-44: what is dead is passed over, and so is what doesn't lead over the link that is asked for")
    func passedOver() throws {
        for name in ["eth0", "eth1", "eth2"] { try lab.put(name, isUp: true) }
        try add("10.0.0.0/8", "eth0")
        try add("10.1.0.0/16", "192.0.2.1%eth1")
        try add("10.1.0.0/16", "192.0.2.2%eth2", metric: 5)
        #expect(try get("10.1.0.1") == "main/16 192.0.2.1%eth1")
        #expect(try get("10.1.0.1", oif: "eth2") == "main/16 192.0.2.2%eth2")
        #expect(try get("10.1.0.1", oif: "eth0") == "main/8 eth0" && get("10.1.0.1", oif: "eth9") == "nothing")
        try lab.put("eth1", isUp: false)
        #expect(try get("10.1.0.1") == "main/16 192.0.2.2%eth2")
        // A route that comes while its link is down stays, and is dead.
        try add("10.1.1.0/24", "192.0.2.1%eth1")
        #expect(try get("10.1.1.1") == "main/16 192.0.2.2%eth2")
        try lab.put("eth1", isUp: true)
        #expect(try get("10.1.1.1") == "main/24 192.0.2.1%eth1")
    }

    @Test(
        "R1-31: a route that refuses ends the search, and no shorter prefix is asked",
        arguments: [RouteType.blackhole, .unreachable, .prohibit])
    func refusals(type: RouteType) throws {
        try add("0.0.0.0/0", "eth0")
        try add("::/0", "eth0")
        try add("10.0.0.0/8", type: type)
        try add("2001:db8::/32", type: type)
        #expect(try get("10.0.0.1") == type.name && get("2001:db8::1") == type.name)
        #expect(try get("11.0.0.1") == "main/0 eth0" && get("2001:db9::1") == "main/0 eth0")
    }

    @Test("R1-05, R1-45: local is asked before main and that before default; throw leads on")
    func tables() throws {
        try add("10.0.0.0/8", "eth0")
        try add("10.0.0.0/16", "eth1", type: .local, table: .local)
        try add("0.0.0.0/0", "eth9", table: .default)
        #expect(try get("10.0.0.1") == "local/16 eth1" && get("10.1.0.1") == "main/8 eth0")
        #expect(try get("11.0.0.1") == "default/0 eth9")
        try add("10.0.5.0/24", type: .throw, table: .local)
        #expect(try get("10.0.5.1") == "main/8 eth0")
        try add("10.0.5.0/24", type: .throw)
        #expect(try get("10.0.5.1") == "default/0 eth9")
        // IPv6 has no third rule.
        try add("::/0", "eth9", table: .default)
        #expect(try get("2001:db8::1") == "nothing")
    }

    @Test("R1-47: of IPv6 routes of one metric, the router wins that ranks highest")
    func preference() throws {
        try add("2001:db8::/32", "eth0", metric: 10, preference: .low)
        try add("2001:db8::/32", "eth1", metric: 10, verb: .append)
        try add("2001:db8::/32", "eth2", metric: 10, preference: .high, verb: .append)
        try add("2001:db8::/32", "eth3", metric: 10, preference: .high, verb: .append)
        try add("2001:db8::/32", "eth4", metric: 11, preference: .high)
        #expect(try get("2001:db8::1") == "main/32 eth2" && get("2001:db8::1", oif: "eth1") == "main/32 eth1")
        #expect(try get("2001:db8::1", oif: "eth4") == "main/32 eth4")
    }

    @Test("R1-51, R1-55: flows spread over the nexthops by weight, dead ones get none, and who names a link has chosen")
    func multipath() throws {
        for name in ["eth0", "eth1", "eth2"] { try lab.put(name, isUp: true) }
        try add("10.0.0.0/8", "192.0.2.1%eth0*3", "192.0.2.2%eth1*1")
        func shares() throws -> [String: Int] {
            try (0..<400).reduce(into: [:]) { $0[try get("10.0.1.\($1 & 255)") + "", default: 0] += 1 }
        }
        let before = try shares()
        #expect(Set(before.keys) == ["main/8 192.0.2.1%eth0", "main/8 192.0.2.2%eth1"])
        #expect(try #require(before["main/8 192.0.2.1%eth0"]) > 240)
        try lab.put("eth0", isUp: false)
        #expect(try shares() == ["main/8 192.0.2.2%eth1": 400])
        try lab.put("eth0", isUp: true)
        #expect(try shares() == before)
        #expect(try get("10.0.0.1", oif: "eth1") == "main/8 192.0.2.2%eth1")
    }

    @Test("A lookup sees what was there when it began")
    func asOf() throws {
        try add("10.0.0.0/8", "eth0")
        let view = try lab.plane.forwarding("default")
        let head = lab.plane.log.head
        try add("10.0.0.0/16", "eth1")
        var trace: LookupTrace?
        guard case .route(let found) = view.lookup(LookupQuery(destination: try IPAddress("10.0.0.1")), &trace) else {
            Issue.record("no route")
            return
        }
        #expect(found.length == 8 && view.sequence == head)
        #expect(throws: FIBError.self) { try lab.plane.forwarding("nosuch") }
    }

    @Test("The index that the first lookup makes has what others write meanwhile, by whatever way")
    func indexBesideWriters() throws {
        for round in 0..<20 {
            let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
            var writer = RandomWriter(seed: UInt64(round), namespaces: ["default"])
            for _ in 0..<200 { writer.step(plane) }
            let others = (1...2).map { number in
                Thread(name: "writer-\(number)") {
                    var writer = RandomWriter(seed: UInt64(100 * number + round), namespaces: ["default"])
                    for _ in 0..<100 { writer.step(plane) }
                }
            }
            for _ in 0..<20 { _ = try? plane.forwarding("default") }
            for other in others { other.join() }
            plane.snapshot()._checkInvariants()
            plane.close()
        }
    }

    @Test(
        "R1-47: an IPv6 lookup by a link wants it, or, with a source, wishes for it; what refuses leads over the loopback"
    )
    func links() throws {
        try add("2001:db8::/32", type: .prohibit)
        try add("2001:db8::/32", "eth1", verb: .append)
        func get(_ device: String, from source: String? = nil) throws -> String {
            var query = LookupQuery(destination: try IPAddress("2001:db8::1"), device: device)
            query.source = try source.map { try IPAddress($0) }
            var trace: LookupTrace?
            switch try lab.plane.forwarding("default").lookup(query, &trace) {
            case .route(let found): return found.hop?.device ?? "-"
            case .refused(let found): return found.info.type.name
            default: return "nothing"
            }
        }
        #expect(try get("eth1") == "eth1" && get("eth2") == "nothing" && get("lo") == "prohibit")
        #expect(try get("eth1", from: "2001:db8::9") == "eth1" && get("eth2", from: "2001:db8::9") == "prohibit")
    }

    @Test("R1-44, R1-51: without carrier legs serve, but for those over a link that is set to ignore them")
    func linkDown() throws {
        for name in ["eth0", "eth1"] { try lab.put(name) }
        try add("10.0.0.0/8", "eth1")
        try add("10.1.0.0/16", "eth0")
        try add("10.2.0.0/16", "eth0*255", "eth1")
        try lab.setCarrier("eth0", false)
        #expect(try get("10.1.0.1") == "main/16 eth0")
        func devices() throws -> Set<String> { try Set((1...60).map { try get("10.2.0.\($0)") }) }
        #expect(try devices().contains("main/16 eth0"))
        try lab.put("eth0", ignoresLinkDown: true)
        #expect(try get("10.1.0.1") == "main/8 eth1" && devices() == ["main/16 eth1"])
        #expect(try get("10.1.0.1", oif: "eth0") == "nothing")
        try lab.setCarrier("eth0", true)
        #expect(try get("10.1.0.1") == "main/16 eth0" && devices().contains("main/16 eth0"))
    }
}
