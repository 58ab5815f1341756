internal import Addressing
internal import ChangeLog
public import ControlPlane
internal import PathAttributes
internal import Routing
public import TestSupport

/// Random writes of all kinds to a few namespaces, tables and prefixes, so that they meet often.
public struct RandomWriter {
    public var random: SeededGenerator
    let namespaces: [String]

    public init(seed: UInt64, namespaces: [String] = ["default", "blue"]) {
        random = SeededGenerator(seed: seed)
        self.namespaces = namespaces
    }

    private static let prefixes = [
        "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.1.0.0/16", "10.255.255.255/32", "192.0.2.0/24",
        "::/0", "2001:db8::/32", "2001:db8::/64", "2001:db8:1::/48",
    ].compactMap { try? Prefix($0) }
    private static let protocols: [RouteProtocol] = [.static, .bgp, .boot, .kernel]

    public mutating func operation(_ plane: ControlPlane) throws -> RouteOperation {
        let prefix = Self.prefixes.randomElement(using: &random) ?? .default(.inet)
        let namespace = namespaces.randomElement(using: &random) ?? "default"
        let id: TableID = Int.random(in: 0..<4, using: &random) == 0 ? TableID(rawValue: 100) : .main
        let metric = UInt32.random(in: 0..<3, using: &random)
        if Int.random(in: 0..<10, using: &random) < 3 {
            var selector = RouteSelector(prefix: prefix)
            selector.metric = Bool.random(using: &random) ? metric : nil
            return .delete(namespace: namespace, id, selector)
        }
        let verb = RouteVerb.allCases.randomElement(using: &random) ?? .add
        let route = try route(prefix, metric)
        let writer = EntryWriter()
        return .write(verb, RouteWrite(try plane.table(namespace, prefix.family, id), route, writer))
    }

    private mutating func route(_ prefix: Prefix, _ metric: UInt32) throws -> Route {
        var fields = RouteInfo.Fields()
        fields.protocol = Self.protocols.randomElement(using: &random) ?? .static
        let hops = Int.random(in: 0..<4, using: &random)
        let isIPv4 = prefix.family == .inet
        // Some expire, long after the test; a few with the same time.
        if Int.random(in: 0..<8, using: &random) == 0 {
            fields.expiresAt = 4_102_444_800_000 + UInt64.random(in: 0..<5, using: &random)
        }
        if Int.random(in: 0..<8, using: &random) == 0 {
            fields.metrics.set(RouteMetrics.index(of: "mtu"), to: UInt32.random(in: 1_280...1_500, using: &random))
            if Bool.random(using: &random) { fields.metrics.lock(RouteMetrics.index(of: "mtu")) }
            if Bool.random(using: &random) { fields.metrics.algorithm = "cubic" }
        }
        // Some lead where nexthop objects do, which may not be there.
        if Int.random(in: 0..<6, using: &random) == 0 {
            fields.nextHopID = UInt32.random(in: 1...6, using: &random)
            return try Route.validated(prefix: prefix, tos: 0, metric: metric, fields: fields)
        }
        for hop in 0..<max(1, hops) {
            let host = UInt32.random(in: 1..<5, using: &random) + UInt32(hop) * 8
            let gateway =
                isIPv4 ? IPAddress(inet: 0xc000_0200 + host) : IPAddress(inet6: 0x2001_0db8 << 32, UInt64(host))
            fields.nextHops.append(hops == 0 ? NextHop(device: "eth\(host)") : NextHop(gateway: gateway))
        }
        return try Route.validated(prefix: prefix, tos: 0, metric: metric, fields: fields)
    }

    /// Few priorities, so that rules share them, and few things said, so that some say the same.
    private mutating func ruleOperation() -> ObjectOperation {
        func one<Value>(_ values: [Value], _ random: inout SeededGenerator) -> Value {
            values[Int.random(in: 0..<values.count, using: &random)]
        }
        var fields = RuleFields()
        fields.family = one([.inet, .inet6], &random)
        fields.priority = one([nil, 0, 10, 10, 20], &random)
        fields.table = one([nil, .main, TableID(rawValue: 100)], &random)
        if fields.table == nil { fields.target = one([nil, 20, 30], &random) }
        fields.mark = one([nil, 1], &random)
        let namespace = one(namespaces, &random)
        if one([true, false, false], &random) { return ObjectOperation(namespace, .removeRule(RuleSelector(fields))) }
        return ObjectOperation(namespace, .writeRule(one([.add, .add, .replace, .change], &random), fields))
    }

    /// One, or all of a kind.
    private mutating func writeRules(_ plane: ControlPlane) {
        if Int.random(in: 0..<10, using: &random) > 0 {
            _ = try? plane.change(ruleOperation())
        } else {
            var fields = RuleFields()
            fields.mark = 1
            _ = try? plane.flushRules(RuleSelector(fields), in: nil)
        }
    }

    /// Few ids, so that they meet; of both families, and groups of them.
    private mutating func nextHopOperation() -> ObjectOperation {
        let id = UInt32.random(in: 1...6, using: &random)
        let namespace = namespaces.randomElement(using: &random) ?? "default"
        if Int.random(in: 0..<4, using: &random) == 0 { return ObjectOperation(namespace, .removeNextHop(id)) }
        var fields = NextHopFields()
        fields.id = Int.random(in: 0..<8, using: &random) == 0 ? nil : id
        let other = UInt32.random(in: 1...6, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: fields.isBlackhole = true
        case 1, 2: fields.members = [.init(id: id % 6 + 1, weight: 3), .init(id: other)]
        default:
            fields.device = "eth\(other)"
            fields.gateway =
                Bool.random(using: &random) ? IPAddress(inet: 0xc000_0200 + other) : IPAddress(inet6: 0xfe80 << 48, 1)
        }
        let verb: RouteVerb = Bool.random(using: &random) ? .add : .replace
        return ObjectOperation(namespace, .writeNextHop(verb, fields))
    }

    /// One, or all over a link.
    private mutating func writeNextHops(_ plane: ControlPlane) {
        if Int.random(in: 0..<10, using: &random) > 0 {
            _ = try? plane.change(nextHopOperation())
        } else {
            var selector = NextHopSelector()
            selector.device = "eth\(Int.random(in: 1...6, using: &random))"
            _ = try? plane.flushNextHops(selector, in: nil)
        }
    }

    private mutating func writeDevice(_ plane: ControlPlane) {
        let name = "asic\(Int.random(in: 0..<3, using: &random))"
        guard Bool.random(using: &random) || Bool.random(using: &random) else {
            _ = try? plane.removeDeviceSettings(name)
            return
        }
        let seed = Int.random(in: 0..<3, using: &random)
        let settings = DeviceSettings(name: name, entry: #"{"name":"\#(name)","seed":\#(seed)}"#)
        _ = try? plane.putDeviceSettings(settings)
    }

    /// Few hosts, so that they meet: what routers say of the way there, and what operators forget.
    private mutating func writePeers(_ plane: ControlPlane) {
        let host = UInt64.random(in: 1...6, using: &random)
        let address =
            Bool.random(using: &random)
            ? IPAddress(inet: 10 << 24 | UInt32(host)) : IPAddress(inet6: 0x2001_0db8 << 32, host)
        let namespace = namespaces.randomElement(using: &random) ?? "default"
        switch Int.random(in: 0..<8, using: &random) {
        case 0: _ = try? plane.forgetPeer(address, in: namespace)
        case 1: _ = try? plane.mayTell(address, .error, in: namespace)
        default:
            var message = MTUMessage(address, mtu: UInt32.random(in: 500..<1_500, using: &random))
            message.packetLength = 1_500
            message.sender = address
            _ = try? plane.take(PathMessage(.tooLarge(message)), in: namespace)
        }
    }

    /// One step: mostly single writes, now and then a rule, a nexthop, a device's settings, a transaction, a flush, or a namespace that goes and comes back.
    public mutating func step(_ plane: ControlPlane) {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<6: writePeers(plane)
        case 6..<20: writeFilters(plane)
        case 20..<60:
            guard let operation = try? operation(plane) else { return }
            switch operation {
            case .write(let verb, let write): _ = try? plane.write(verb, write)
            case .delete(let namespace, let id, let selector): _ = try? plane.delete(namespace, id, selector)
            }
        case 60..<70: writeNextHops(plane)
        case 70..<80: writeRules(plane)
        case 80..<84: writeDevice(plane)
        case 84..<92:
            let operations = (0..<Int.random(in: 1..<8, using: &random)).compactMap { _ in
                switch Int.random(in: 0..<10, using: &random) {
                case 8, 9: TransactionOperation.traffic(trafficOperation())
                case 0: TransactionOperation.object(ruleOperation())
                case 1: .object(nextHopOperation())
                default: (try? operation(plane)).map { .route($0) }
                }
            }
            _ = try? plane.transact(operations)
        case 92..<96:
            var selection = RouteSelection()
            selection.protocols = [Self.protocols.randomElement(using: &random) ?? .bgp]
            _ = try? plane.flush(selection)
        case 96..<98:
            guard let name = namespaces.last, name != ControlPlane.defaultNamespace else { return }
            _ = try? plane.deleteNamespace(name)
        default:
            guard let name = namespaces.last else { return }
            let mode = UInt8.random(in: 0..<3, using: &random)
            _ = try? plane.putNamespace(name) { _ in
                var settings = NamespaceSettings()
                settings.notifyOnFlagChangeIPv4 = mode
                return settings
            }
        }
    }
}
