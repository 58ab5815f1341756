import Addressing
import ChangeLog
import Routing

@testable import ControlPlane
@testable import Hardware

/// What can happen.
extension AdvertiseSchedule {
    private static let prefixes = ["10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "2001:db8::/32", "2001:db8::/48"]
    private static let namespaces = ["default", "default", "blue"]

    /// A write, or something that happens to a neighbour, a link or a switch. What is refused has changed nothing.
    mutating func step() throws {
        switch number(31) {
        case 0...13: if let operation = try operation() { run(operation) }
        case 14...16:
            let operations = try (0...number(3)).compactMap { _ in try operation() }
            _ = try? plane.transact(operations.map { .route($0) })
        case 17...20:
            let neighbour = Neighbour(
                device: device(), address: try IPAddress(gateway(one(of: [.inet, .inet6]))),
                state: one(of: [.reachable, .failed, .stale, .incomplete]))
            change("default", .putNeighbour(neighbour))
        case 21: change("default", .removeNeighbour(device: device(), try IPAddress(gateway(.inet))))
        case 22:
            var link = LinkEdit(name: device())
            link.isOffloaded = chance(2)
            link.isUp = !chance(4)
            change(one(of: Self.namespaces), .putLink(link))
        case 23: change("default", .removeLink(device()))
        case 24:
            _ = try? plane.putNamespace("blue") { settings in
                var settings = settings ?? NamespaceSettings()
                settings.nextHopCheck = chance(4) ? .strict : .open
                return settings
            }
        case 25: if chance(2) { _ = try? plane.deleteNamespace("blue") } else { flush() }
        case 26, 27:
            let index = number(switches.count - 1)
            let settings = settings()
            switches[index].change { $0 = settings }
        case 28: switches[number(switches.count - 1)].restart(plane)
        case 29: comeOrGo()
        default: try retry()
        }
    }

    mutating func settings() -> SwitchSettings {
        var settings = SwitchSettings()
        settings.seed = UInt64(number(1_000))
        settings.latency = .init(minimum: 0, maximum: number(6)) ?? .standard
        settings.capacity.ipv4 = one(of: [nil, nil, 2, 3])
        settings.capacity.nexthops = one(of: [nil, nil, 3])
        settings.faults.failEvery = one(of: [0, 0, 3, 5])
        settings.faults.loseEvery = one(of: [0, 0, 3])
        settings.faults.duplicateEvery = one(of: [0, 2])
        settings.faults.staleEvery = one(of: [0, 2])
        settings.faults.reorders = chance(2)
        settings.faults.failsRouteDelete = chance(8)
        settings.faults.failsRouteOffload = chance(12)
        return settings
    }

    /// There are one or two switches; the second may go, and come again by its name.
    private mutating func comeOrGo() {
        if switches.count == 1 {
            switches.append(LoggedSwitch("asic1", settings(), plane))
        } else {
            switches.removeLast().remove(plane)
        }
    }

    private mutating func retry() throws {
        let prefix = try Prefix(one(of: Self.prefixes))
        guard let retry = try? plane.retryHardware("default", .main, prefix) else { return }
        for index in switches.indices where retry.devices.contains(switches[index].name) {
            switches[index].retry(retry.table, retry.route.key, now)
        }
    }

    private mutating func flush() {
        var selection = RouteSelection()
        selection.protocols = [.bgp]
        _ = try? plane.flush(selection)
    }

    private func change(_ namespace: String, _ action: ObjectOperation.Action) {
        _ = try? plane.change(ObjectOperation(namespace, action))
    }

    private func run(_ operation: RouteOperation) {
        switch operation {
        case .write(let verb, let write): _ = try? plane.write(verb, write)
        case .delete(let namespace, let table, let selector): _ = try? plane.delete(namespace, table, selector)
        }
    }

    // MARK: Routes

    private mutating func operation() throws -> RouteOperation? {
        let (namespace, prefix) = (one(of: Self.namespaces), try Prefix(one(of: Self.prefixes)))
        let metric = UInt32(1 + number(2))
        if chance(4) {
            var selector = RouteSelector(prefix: prefix)
            selector.metric = chance(2) ? metric : nil
            if chance(3) { selector.nextHops = [try hop(prefix.family)] }
            return .delete(namespace: namespace, .main, selector)
        }
        var fields = RouteInfo.Fields()
        fields.protocol = one(of: [.static, .bgp])
        if chance(8) {
            fields.type = one(of: [.blackhole, .prohibit])
        } else {
            fields.nextHops = try (0...number(1)).map { _ in try hop(prefix.family) }
        }
        guard let table = try? plane.table(namespace, prefix.family, .main),
            let route = try? Route.validated(prefix: prefix, tos: 0, metric: metric, fields: fields)
        else { return nil }
        let verb = one(of: [RouteVerb.add, .replace, .replace, .append, .prepend, .change])
        return .write(verb, RouteWrite(table, route, EntryWriter()))
    }

    private mutating func hop(_ family: AddressFamily) throws -> NextHop {
        NextHop(gateway: try IPAddress(gateway(family)), device: device())
    }

    private mutating func device() -> String { one(of: ["eth0", "eth1"]) }

    private mutating func gateway(_ family: AddressFamily) -> String {
        (family == .inet ? "192.0.2." : "fe80::") + "\(1 + number(1))"
    }
}
