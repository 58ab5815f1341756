private import Addressing
private import ChangeLog

extension RouteTable {
    /// What deleting by `selector` comes to: the first route in list order that agrees goes (R1-84…R1-87), or, in IPv6
    /// with a gateway given, only the legs that were named (R1-102).
    public func decideDelete(_ selector: RouteSelector) throws(FIBError) -> RouteEdit {
        var selector = selector
        if let metric = selector.metric {
            selector.metric = meant(RouteKey(selector.prefix, tos: selector.tos, metric: metric, position: 0)).metric
        }
        // The tos must be equal, so the walk covers the routes of one tos, or of one key where the metric is given.
        let start = RouteKey(selector.prefix, tos: selector.tos, metric: selector.metric ?? 0, position: 0)
        var cursor = image.cursor(from: start)
        while let route = cursor.next(), route.key.isSamePrefix(as: start), route.key.tos == selector.tos,
            selector.metric.map({ $0 == route.key.metric }) ?? true
        {
            guard selector.agrees(with: route), let edit = removal(of: route, selector) else { continue }
            if let version = selector.version, version != route.value.version {
                throw FIBError(
                    .estale, .versionMismatch,
                    "\(selector.prefix) is at version \(route.value.version.rawValue), not \(version.rawValue)")
            }
            return edit
        }
        // The kernel's IPv6 tables have an entry at their root that can't be deleted, and that a bare request finds.
        let isRoot =
            family == .inet6 && selector.prefix.length == 0 && first(of: selector.prefix) == nil && selector.isBare
        throw FIBError(
            isRoot ? .enoent : .esrch, .routeNotFound, "no route to \(selector.prefix) agrees with the request",
            rule: family == .inet ? "R1-84" : "R1-101")
    }

    private func removal(of route: PlacedRoute, _ selector: RouteSelector) -> RouteEdit? {
        let hops = route.value.info.nextHops
        let whole = RouteEdit(
            operation: .delete, key: route.key, old: route.value, info: nil, first: first(of: route.key))
        if selector.nextHops.isEmpty { return whole }
        // Of a route with a nexthop object, the kernel's IPv6 doesn't compare where it leads, and its IPv4 finds no route by
        // that (`ip6_route_del`, `fib_nh_match`).
        if route.value.info.fields.nextHopID != 0 { return family == .inet6 ? whole : nil }
        if family == .inet || !route.value.info.isMergeable {
            let agree =
                selector.nextHops.count == 1
                ? hops.first?.agrees(with: selector.nextHops[0]) ?? false
                : hops.count == selector.nextHops.count
                    && zip(hops, selector.nextHops).allSatisfy { $0.agrees(with: $1) }
            return agree ? whole : nil
        }
        var left = hops
        for wanted in selector.nextHops {
            guard let index = left.firstIndex(where: { $0.agrees(with: wanted) }) else { return nil }
            // Without a gateway the request names the route, not a leg (R1-102).
            if wanted.gateway == nil { return whole }
            left.remove(at: index)
        }
        if left.isEmpty { return whole }
        var edit = RouteEdit(
            operation: .replace, key: route.key, old: route.value, info: route.value.info.with(nextHops: left),
            first: first(of: route.key))
        edit.nextHops = .left
        return edit
    }
}
