public import Addressing

/// What the check of a nexthop looks at: the links and tables of one namespace.
public protocol ForwardingView {
    func table(_ family: AddressFamily, _ id: TableID) -> RouteTable?
    func link(_ name: String) -> Link?
    /// Links with which something is wrong, by name.
    var impairments: [String: LinkImpairment] { get }
}

/// What a look-up asks for besides the destination.
struct LookupQuery {
    let destination: IPAddress
    /// No route of a wider scope will do (R1-44).
    var scope = RouteScope.global
    /// One leg at least must lead over it.
    var device: String?
}

/// The route that a look-up ends at, and the leg of it that counts.
struct FoundRoute {
    let key: RouteKey
    let info: RouteInfo
    /// Nil of a route that leads nowhere.
    let hop: NextHop?
}

extension ForwardingView {
    /// The first table in the order of the rules in which something is found (R1-05, R1-45): the default rules' order.
    func find(_ query: LookupQuery) -> FoundRoute? {
        for id in [TableID.local, .main, .default] {
            guard let found = find(query, in: id) else { continue }
            // Leaves its table, and the next one is asked.
            if found.info.type != .throw { return found }
        }
        return nil
    }

    /// The longest prefix first, of each the routes in order; those that don't serve are passed over (R1-40…R1-44).
    ///
    /// 33 or 129 searches at most: for checks, not for lookups.
    func find(_ query: LookupQuery, in id: TableID) -> FoundRoute? {
        let family = query.destination.family
        guard let table = table(family, id) else { return nil }
        for length in (0...family.maximumLength).reversed() {
            guard let prefix = try? Prefix(masking: query.destination, length: length),
                table.first(of: prefix) != nil
            else { continue }
            for route in table.routes(of: prefix) {
                if let found = serves(route, query, family) { return found }
            }
        }
        return nil
    }

    private func serves(_ route: PlacedRoute, _ query: LookupQuery, _ family: AddressFamily) -> FoundRoute? {
        let info = route.value.info
        // What is asked for has no tos.
        if route.key.tos != 0 || (family == .inet && info.fields.scope < query.scope) { return nil }
        if info.type.isWithoutNextHop { return FoundRoute(key: route.key, info: info, hop: nil) }
        let legs = info.legStatus(family, impairments)
        let hop = info.nextHops.indices.first { index in
            !(legs?[index].contains(.dead) ?? false)
                && (query.device.map { $0 == info.nextHops[index].device } ?? true)
        }
        return hop.map { FoundRoute(key: route.key, info: info, hop: info.nextHops[$0]) }
    }
}
