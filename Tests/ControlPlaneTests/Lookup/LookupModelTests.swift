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

    /// By the words of R1-06…R1-15, R1-40…R1-48 and nothing else. The hops of the route that serves, its type and place.
    private static func answer(
        _ rows: [Row], _ rules: [PolicyRule], _ query: LookupQuery, _ view: Forwarding
    ) -> String {
        let family = query.destination.family
        let rules = rules.filter { $0.family == family }
        var target: UInt32?
        for rule in rules {
            // A packet that is sent on passes over all rules before that one.
            if let wanted = target, rule.priority != wanted { continue }
            target = nil
            guard isFor(rule, query) else { continue }
            switch rule.action {
            case .nop: continue
            case .unreachable, .prohibit, .blackhole: return "rule \(rule.action)"
            case .goto(let priority):
                if rules.contains(where: { $0.priority == priority }) { target = priority }
            case .table(let id):
                guard let found = found(in: id, rows, query, view) else { continue }
                let info = found.route.value.info
                let length = found.route.key.length
                let (hops, leadsNowhere) = ways(info, view)
                // In IPv4, a type that refuses counts for more than where the route leads.
                let isBlackhole = leadsNowhere && (info.type == .unicast || family == .inet6)
                if info.type == .throw, !isBlackhole { continue }
                let refuses = [.blackhole, .unreachable, .prohibit].contains(info.type) || isBlackhole
                if !refuses, let least = rule.suppressedLength, length <= least { continue }
                // Over the link that is asked for, if it is but a wish.
                let alive = hops.filter { serves($0, query, view.impairments) }
                let hop = alive.first { $0.device == query.device } ?? alive.first
                let group = hop.flatMap { view.link($0.device)?.group } ?? 0
                if !refuses, let wanted = rule.suppressedGroup, group == wanted { continue }
                let type = isBlackhole ? RouteType.blackhole : info.type
                let leg = refuses ? nil : leg(hops, query, view)
                return "\(id.name)/\(length) \(type.name) \(found.route.value.version.rawValue) \(leg ?? -1)"
            }
        }
        return "nothing"
    }

    /// Where a route leads: its own nexthops, or those of its nexthop object, which may be a blackhole.
    private static func ways(_ info: RouteInfo, _ view: Forwarding) -> ([NextHop], isBlackhole: Bool) {
        guard let object = view.nextHopObject(info.fields.nextHopID) else { return (info.nextHops, false) }
        let all = object.isGroup ? object.members.compactMap { view.nextHopObject($0.id) } : [object]
        return (all.compactMap(\.leg), all.contains { $0.target == .blackhole })
    }

    /// Which nexthop a flow takes, by the words of R1-51, R1-54 and R1-55.
    private static func leg(_ hops: [NextHop], _ query: LookupQuery, _ view: Forwarding) -> Int? {
        let family = query.destination.family
        let alive = hops.indices.filter { !isDead(hops[$0], family, view.impairments) }
        if query.device != nil { return alive.first { hops[$0].device == query.device } ?? alive.first }
        let asks = family == .inet && view.usesNeighbours
        let answering = alive.filter { index in
            guard asks, let gateway = hops[index].gateway else { return true }
            let states: [NeighbourState] = [.none, .incomplete, .failed]
            return !(view.neighbour(hops[index].device, gateway).map { states.contains($0.state) } ?? false)
        }
        let total = alive.reduce(0) { $0 + Double(hops[$1].weight) }
        let hash = Double(Multipath.hash(query, by: .addresses))
        func bound(_ index: Int) -> Double {
            let sum = alive.filter { $0 <= index }.reduce(0) { $0 + Double(hops[$1].weight) }
            return (sum / total * 2_147_483_648).rounded(.toNearestOrAwayFromZero) - 1
        }
        return answering.first { hash <= bound($0) } ?? answering.first ?? alive.first
    }

    private static func isDead(_ hop: NextHop, _ family: AddressFamily, _ impairments: [String: LinkImpairment]) -> Bool
    {
        impairments[hop.device]?[family].contains(.dead) ?? false
    }

    /// R1-08.
    private static func isFor(_ rule: PolicyRule, _ query: LookupQuery) -> Bool {
        let mask: UInt8 = rule.family == .inet ? 0x1C : 0xFC
        let source = query.source ?? (rule.family == .inet ? IPAddress(inet: 0) : nil)
        let agrees =
            (rule.source.map { prefix in source.map { prefix.contains($0) } ?? false } ?? true)
            && (rule.destination?.contains(query.destination) ?? true)
            && (rule.tos == 0 || rule.tos == query.tos & mask)
            && (rule.dscp.map { $0 == query.tos / 4 } ?? true)
            && (rule.input.isEmpty || rule.input == (query.input ?? "lo"))
            && (rule.output.isEmpty || rule.output == query.device ?? "")
            && (rule.mark.value & rule.mark.mask == query.mark & rule.mark.mask)
            && (rule.users.map { users in query.user.map { users.contains($0) } ?? false } ?? true)
            && (rule.ipProtocol.rawValue == 0 || rule.ipProtocol.rawValue == query.ipProtocol)
            && (rule.destinationPorts?.contains(query.destinationPort) ?? true)
        return agrees != rule.isInverted
    }

    private static func found(
        in table: TableID, _ rows: [Row], _ query: LookupQuery, _ view: Forwarding
    ) -> Row? {
        let family = query.destination.family
        var candidates = rows.filter { row in
            row.table.family == family && row.table.id == table
                && row.route.key.prefix(family).contains(query.destination)
        }
        candidates.sort { $0.route.key.length > $1.route.key.length }
        candidates.removeAll { !serves($0.route, query, family, view) }
        guard let longest = candidates.first?.route.key.length else { return nil }
        var best = candidates.filter { $0.route.key.length == longest }
        best.sort { a, b in
            let (x, y) = (a.route.key, b.route.key)
            if x.tos != y.tos { return x.tos > y.tos }
            if x.metric != y.metric { return x.metric < y.metric }
            // What leads to a blackhole ends the search.
            let ends = [a, b].map { family == .inet6 && ways($0.route.value.info, view).isBlackhole }
            if ends[0] != ends[1] { return ends[0] }
            let ranks = [a, b].map { family == .inet ? 0 : rank($0.route.value.info, query, view) }
            return ranks[0] != ranks[1] ? ranks[0] > ranks[1] : x.position < y.position
        }
        return best.first
    }

    /// R1-47: the link that was asked for before others, then the router's preference.
    private static func rank(
        _ info: RouteInfo, _ query: LookupQuery, _ view: Forwarding
    ) -> Int {
        let preference = info.fields.preference
        let leadsThere = ways(info, view).0.contains { hop in
            hop.device == query.device && !(view.impairments[hop.device]?[.inet6].contains(.dead) ?? false)
        }
        return (leadsThere ? 10 : 0) + (preference == .high ? 1 : preference == .low ? -1 : 0)
    }

    private static func serves(
        _ route: PlacedRoute, _ query: LookupQuery, _ family: AddressFamily, _ view: Forwarding
    ) -> Bool {
        if family == .inet, route.key.tos != 0, route.key.tos != query.tos & 0xFC { return false }
        let info = route.value.info
        // In IPv6 the link is but a wish where a source is given; and what refuses leads over the loopback.
        let isFree = isFree(query)
        let counts = family == .inet || info.fields.nextHopID == 0
        if counts, [.blackhole, .unreachable, .prohibit, .throw].contains(info.type) {
            return isFree || family == .inet
        }
        let (hops, isBlackhole) = ways(info, view)
        return isBlackhole || hops.contains { serves($0, query, view.impairments) }
    }

    private static func isFree(_ query: LookupQuery) -> Bool {
        query.device == nil || query.destination.family == .inet6 && query.source != nil
    }

    private static func serves(
        _ hop: NextHop, _ query: LookupQuery, _ impairments: [String: LinkImpairment]
    ) -> Bool {
        let isDead = isDead(hop, query.destination.family, impairments)
        return !isDead && (isFree(query) || query.device == hop.device)
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
            return "\(found.table.name)/\(found.length) \(found.type.name) \(version)"
        }
        switch view.lookup(query, &trace) {
        case .nothing: return "nothing"
        case .refused(let found): return "\(text(found)) -1"
        case .route(let found): return "\(text(found)) \(found.leg ?? -1)"
        case .refusedByRule(let rule): return "rule \(rule.action)"
        }
    }

    @Test(
        "Whatever is written, the rules too, lookups find what a search of all routes finds", arguments: UInt64(1)...16)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var lab = LinkLab()
        func one<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
        var model = RuleModel()
        for name in ["eth0", "eth1", "eth2"] { try lab.put(name, isUp: true, group: name == "eth1" ? 7 : 0) }
        for step in 0..<300 {
            let prefix = one(Self.prefixes)
            switch Int.random(in: 0..<22, using: &random) {
            case 10: try lab.neighbour(one(["eth0", "eth1", "eth2"]), one(Self.gateways), one(NeighbourState.allCases))
            case 11:
                let usesNeighbours = Bool.random(using: &random)
                _ = try lab.plane.putNamespace("default") { settings in
                    var settings = settings ?? NamespaceSettings()
                    settings.usesNeighbours = usesNeighbours
                    return settings
                }
            case 9: try Self.changeNextHop(lab, &random)
            case 0: try lab.put(one(["eth0", "eth1", "eth2"]), isUp: Bool.random(using: &random))
            case 6...8: model.change(lab.plane, Self.randomRule(&random), adds: one([true, true, false]))
            case 1...5:
                var selector = RouteSelector(prefix: try Prefix(prefix))
                selector.metric = one([nil, 1, 2])
                selector.tos = one([0, 0, 8])
                _ = try? lab.plane.delete("default", one([.main, .main, .local]), selector)
            default:
                var fields = RouteInfo.Fields()
                fields.type = one([.unicast, .unicast, .unicast, .blackhole, .throw])
                fields.preference = prefix.contains(":") ? one([.low, .medium, .high]) : .medium
                if one([true, false, false, false]) {
                    fields.nextHopID = UInt32.random(in: 1...6, using: &random)
                } else if fields.type == .unicast {
                    fields.nextHops = try (0...Int.random(in: 0..<2, using: &random)).map { _ in
                        NextHop(
                            gateway: try IPAddress(prefix.contains(":") ? "fe80::1" : one(Self.gateways)),
                            device: one(["eth0", "eth1", "eth2"]), weight: one([1, 1, 2, 7]))
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
                query.mark = one([0, 1, 17])
                query.input = one([nil, nil, "eth0"])
                query.user = query.input == nil ? one([0, 1_000]) : nil
                query.ipProtocol = one([0, 6])
                query.destinationPort = one([0, 80])
                let isIPv4 = query.destination.family == .inet
                query.source = try one([nil, isIPv4 ? "10.0.0.1" : "2001:db8::9"]).map { try IPAddress($0) }
                let expected = Self.answer(rows, model.rules, query, view)
                // One is enough to read.
                try #require(Self.found(view, query) == expected, "step \(step): \(query) by \(model.rules)")
            }
            #expect(model.rules == Self.rules(lab.plane), "step \(step)")
        }
        lab.plane.snapshot()._checkInvariants()
        _ = lab.news()
    }

    /// 1 to 4 lead somewhere or are blackholes, 5 and 6 are groups of them.
    private static func changeNextHop(_ lab: LinkLab, _ random: inout SeededGenerator) throws {
        let id = UInt32.random(in: 1...6, using: &random)
        if Int.random(in: 0..<4, using: &random) == 0 {
            _ = try? lab.removeNextHop(id)
        } else if id > 4 {
            _ = try? lab.group(id, .random(in: 1...4, using: &random), .random(in: 1...4, using: &random))
        } else if id == 4 {
            let family: AddressFamily = Bool.random(using: &random) ? .inet : .inet6
            _ = try? lab.nextHop(id) { ($0.family, $0.isBlackhole) = (family, true) }
        } else {
            let device = "eth\(Int.random(in: 0...2, using: &random))"
            _ = try? lab.nextHop(id, Bool.random(using: &random) ? "fe80::1%\(device)" : "192.0.2.1%\(device)")
        }
    }

    private static func rules(_ plane: ControlPlane) -> [PolicyRule] {
        plane.snapshot().namespaces.flatMap { $0.objects.all(.rule) }.compactMap(\.rule?.rule)
    }

    private static func randomRule(_ random: inout SeededGenerator) -> RuleFields {
        func maybe<Value>(_ percent: Int, _ values: [Value]) -> Value? {
            Int.random(in: 0..<100, using: &random) < percent
                ? values[Int.random(in: 0..<values.count, using: &random)] : nil
        }
        var fields = RuleFields()
        fields.family = maybe(100, [.inet, .inet6])
        let isIPv4 = fields.family == .inet
        fields.priority = maybe(80, [0, 1, 1, 2, 3, 32_766])
        fields.source = maybe(20, isIPv4 ? ["10.0.0.0/8", "0.0.0.0/1"] : ["2001:db8::/64", "2001:db8::/127"])
            .flatMap { try? Prefix($0) }
        fields.destination = maybe(30, isIPv4 ? ["10.0.0.0/16", "9.0.0.0/8"] : ["2001:db8::/64"])
            .flatMap { try? Prefix($0) }
        fields.tos = maybe(10, [8])
        fields.dscp = fields.tos == nil ? maybe(10, [2]) : nil
        fields.input = maybe(15, ["eth0", "lo"])
        fields.output = maybe(10, ["eth1"])
        fields.mark = maybe(20, [0, 1, 17])
        fields.markMask = maybe(10, [0x0f])
        fields.users = maybe(10, [0...10])
        fields.ipProtocol = maybe(10, [IPProtocol(rawValue: 6)])
        fields.destinationPorts = maybe(10, [70...90])
        fields.isInverted = maybe(15, [true])
        fields.suppressedLength = maybe(15, [0, 16])
        fields.suppressedGroup = maybe(10, [0, 7])
        switch Int.random(in: 0..<10, using: &random) {
        case 0: fields.action = maybe(100, [.nop, .unreachable, .prohibit, .blackhole])
        case 1, 2: fields.target = maybe(100, [1, 2, 3, 9, 32_766])
        default: fields.table = maybe(90, [.main, .local, .default, TableID(rawValue: 9)])
        }
        return fields
    }

    private static let prefixes = [
        "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.128/25", "10.0.1.129/32", "::/0",
        "2001:db8::/32", "2001:db8::/33", "2001:db8::/64", "2001:db8::1/128",
    ]
    private static let gateways = ["192.0.2.1", "192.0.2.2"]
    private static let destinations = [
        "9.9.9.9", "10.200.0.1", "10.64.0.1", "10.0.9.1", "10.0.1.1", "10.0.1.130", "10.0.1.129", "2001:db9::1",
        "2001:db8:8000::1", "2001:db8:1::1", "2001:db8::2", "2001:db8::1",
    ]
}

/// The rules as a list, changed by the words of R1-05…R1-07 and R1-10…R1-13.
private struct RuleModel {
    private(set) var rules = PolicyRule.defaults

    mutating func change(_ plane: ControlPlane, _ fields: RuleFields, adds: Bool) {
        let action = adds ? ObjectOperation.Action.writeRule(.add, fields) : .removeRule(RuleSelector(fields))
        let isDone = (try? plane.change(ObjectOperation("default", action))) != nil
        let family = fields.family ?? .inet
        if adds {
            let others = rules.filter { $0.family == family }
            let second = others.count > 1 ? others[1].priority : 0
            guard let rule = try? fields.rule(at: second == 0 ? 0 : second - 1), !rules.contains(rule) else {
                return #expect(!isDone, "\(fields)")
            }
            #expect(isDone, "\(fields)")
            let isLater: (PolicyRule) -> Bool = {
                $0.family != rule.family ? rule.family == .inet : $0.priority > rule.priority
            }
            rules.insert(rule, at: rules.firstIndex(where: isLater) ?? rules.endIndex)
        } else {
            let index = rules.firstIndex { fields.agrees(with: $0) }
            #expect(isDone == (index != nil), "\(fields)")
            if let index { rules.remove(at: index) }
        }
    }
}
