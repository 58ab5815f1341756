import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane

/// Lookups beside an obviously right way to do them: all routes in a row, looked at one after the other by the rules.
@Suite struct LookupModelTests {
    private struct Row {
        let table: TableIdentity
        let route: PlacedRoute
    }

    /// By the words of R1-40…R1-48 and nothing else. The hops of the route that serves, its type and place.
    private static func answer(_ rows: [Row], _ query: LookupQuery, _ impairments: [String: LinkImpairment]) -> String {
        let family = query.destination.family
        for rule in PolicyRule.defaults(family) {
            var candidates = rows.filter { row in
                row.table.family == family && row.table.id == rule.table
                    && row.route.key.prefix(family).contains(query.destination)
            }
            candidates.sort { $0.route.key.length > $1.route.key.length }
            candidates.removeAll { !serves($0.route, query, family, impairments) }
            guard let longest = candidates.first?.route.key.length else { continue }
            var best = candidates.filter { $0.route.key.length == longest }
            best.sort { a, b in
                let (x, y) = (a.route.key, b.route.key)
                if x.tos != y.tos { return x.tos > y.tos }
                if x.metric != y.metric { return x.metric < y.metric }
                let ranks = [a, b].map { family == .inet ? 0 : rank($0.route.value.info.fields.preference) }
                return ranks[0] != ranks[1] ? ranks[0] > ranks[1] : x.position < y.position
            }
            guard let found = best.first else { continue }
            let info = found.route.value.info
            if info.type == .throw { continue }
            return "\(rule.table.name)/\(longest) \(info.type.name) \(found.route.value.version.rawValue)"
        }
        return "nothing"
    }

    private static func rank(_ preference: RouteInfo.Preference) -> Int {
        preference == .high ? 1 : preference == .low ? -1 : 0
    }

    private static func serves(
        _ route: PlacedRoute, _ query: LookupQuery, _ family: AddressFamily, _ impairments: [String: LinkImpairment]
    ) -> Bool {
        if family == .inet, route.key.tos != 0, route.key.tos != query.tos & 0xFC { return false }
        let info = route.value.info
        if [.blackhole, .unreachable, .prohibit, .throw].contains(info.type) { return true }
        return info.nextHops.contains { hop in
            let isDead = impairments[hop.device]?[family].contains(.dead) ?? false
            return !isDead && (query.device == nil || query.device == hop.device)
        }
    }

    private static func rows(_ plane: ControlPlane) -> [Row] {
        var walk = RouteWalk(plane.snapshot(), RouteSelection())
        var rows: [Row] = []
        while let (table, route) = walk.next() { rows.append(Row(table: table, route: route)) }
        return rows
    }

    private static func found(_ view: Forwarding, _ query: LookupQuery) -> String {
        var trace: LookupTrace?
        func text(_ found: FoundRoute) -> String {
            let version = view.route(of: found, to: query.destination)?.route.value.version.rawValue ?? 0
            return "\(found.table.name)/\(found.length) \(found.info.type.name) \(version)"
        }
        switch view.lookup(query, &trace) {
        case .nothing: return "nothing"
        case .refused(let found), .route(let found): return text(found)
        }
    }

    @Test("Whatever is written, lookups find what a search of all routes finds", arguments: UInt64(1)...16)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var lab = LinkLab()
        func one<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
        for name in ["eth0", "eth1", "eth2"] { try lab.put(name, isUp: true) }
        for step in 0..<300 {
            let prefix = one(Self.prefixes)
            switch Int.random(in: 0..<20, using: &random) {
            case 0: try lab.put(one(["eth0", "eth1", "eth2"]), isUp: Bool.random(using: &random))
            case 1...5:
                var selector = RouteSelector(prefix: try Prefix(prefix))
                selector.metric = one([nil, 1, 2])
                selector.tos = one([0, 0, 8])
                _ = try? lab.plane.delete("default", one([.main, .main, .local]), selector)
            default:
                var fields = RouteInfo.Fields()
                fields.type = one([.unicast, .unicast, .unicast, .blackhole, .throw])
                fields.preference = prefix.contains(":") ? one([.low, .medium, .high]) : .medium
                if fields.type == .unicast {
                    fields.nextHops = try (0...Int.random(in: 0..<2, using: &random)).map { _ in
                        NextHop(
                            gateway: try IPAddress(prefix.contains(":") ? "fe80::1" : "192.0.2.1"),
                            device: one(["eth0", "eth1", "eth2"]))
                    }
                }
                let tos: UInt8 = prefix.contains(":") ? 0 : one([0, 0, 0, 8])
                guard
                    let route = try? Route.validated(
                        prefix: try Prefix(prefix), tos: tos, metric: one([1, 1, 2]), fields: fields)
                else { continue }
                let table = try lab.plane.table("default", route.prefix.family, one([.main, .main, .local, .default]))
                _ = try? lab.plane.write(
                    one([.add, .replace, .append, .prepend]), RouteWrite(table, route, EntryWriter()))
            }
            let view = try lab.plane.forwarding("default")
            let rows = Self.rows(lab.plane)
            for _ in 0..<6 {
                var query = LookupQuery(
                    destination: try IPAddress(one(Self.destinations)), device: one([nil, nil, "eth1"]))
                query.tos = one([0, 0, 8, 11])
                let expected = Self.answer(rows, query, view.impairments)
                #expect(Self.found(view, query) == expected, "step \(step): \(query)")
            }
        }
        lab.plane.snapshot()._checkInvariants()
        _ = lab.news()
    }

    private static let prefixes = [
        "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.128/25", "10.0.1.129/32", "::/0",
        "2001:db8::/32", "2001:db8::/33", "2001:db8::/64", "2001:db8::1/128",
    ]
    private static let destinations = [
        "9.9.9.9", "10.200.0.1", "10.64.0.1", "10.0.9.1", "10.0.1.1", "10.0.1.130", "10.0.1.129", "2001:db9::1",
        "2001:db8:8000::1", "2001:db8:1::1", "2001:db8::2", "2001:db8::1",
    ]
}
