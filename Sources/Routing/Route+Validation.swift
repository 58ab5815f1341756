public import Addressing

extension Route {
    /// What IPv6 makes of metric 0 (`IP6_RT_PRIO_USER`, R1-23).
    public static let defaultIPv6Metric: UInt32 = 1_024

    public static let nextHopLimit = 256

    /// Checks what can be checked without links and tables, in the kernel's order of refusals, and fills in what the
    /// kernel fills in: the one door through which a route gets in. R1-23, R1-27, R1-32, R1-33, R1-50, R1-58, R1-71…R1-82.
    public static func validated(
        prefix: Prefix, tos: UInt8, metric: UInt32?, fields: RouteInfo.Fields
    ) throws(FIBError) -> Route {
        var fields = fields
        if fields.nextHopID != 0, !fields.nextHops.isEmpty {
            throw FIBError(
                .einval, .nextHopConflict,
                "nhid \(fields.nextHopID) says where to: leave out gateway, dev and nexthops", rule: "R1-82")
        }
        try checkType(&fields, prefix.address.family)
        try checkTos(tos, prefix.address.family)
        try checkScope(fields, prefix.address.family)
        if let source = fields.preferredSource, source.family != prefix.address.family {
            throw FIBError(.einval, .familyMismatch, "prefsrc \(source) is not of the family of \(prefix)")
        }
        fields.metrics = try fields.metrics.kept()
        for hop in fields.nextHops { try check(hop, fields.scope, prefix.address.family) }
        try checkNextHops(fields, prefix)
        fields.metric = resolved(metric, prefix.address.family)
        return Route(prefix: prefix, tos: tos, metric: fields.metric, info: RouteInfo(fields))
    }

    /// A route that agrees with one of the same family in all but prefix, tos and metric: only these need be checked.
    public static func validated(
        prefix: Prefix, tos: UInt8, metric: UInt32?, info: RouteInfo
    ) throws(FIBError) -> Route {
        try checkTos(tos, prefix.address.family)
        return Route(prefix: prefix, tos: tos, metric: resolved(metric, prefix.address.family), info: info)
    }

    /// IPv6 knows no metric 0 from a user (R1-23).
    private static func resolved(_ metric: UInt32?, _ family: AddressFamily) -> UInt32 {
        family == .inet6 && (metric ?? 0) == 0 ? defaultIPv6Metric : metric ?? 0
    }

    private static func checkType(_ fields: inout RouteInfo.Fields, _ family: AddressFamily) throws(FIBError) {
        if fields.type == .nat || fields.type == .xresolve {
            throw FIBError(.einval, .routeTypeUnsupported, "routes of type \(fields.type.name) can't be added")
        }
        guard fields.type.isWithoutNextHop, !fields.nextHops.isEmpty else { return }
        // The kernel's IPv6 dump shows such routes with `dev lo`, so that is taken back (R1-32).
        if family == .inet6, fields.nextHops.count == 1, fields.nextHops[0].gateway == nil {
            fields.nextHops = []
            return
        }
        throw FIBError(
            .einval, .routeTypeHasNextHop,
            "a \(fields.type.name) route leads nowhere: leave out gateway, dev and nexthops",
            rule: "R1-32")
    }

    private static func checkTos(_ tos: UInt8, _ family: AddressFamily) throws(FIBError) {
        if family == .inet6, tos != 0 {
            throw FIBError(.einval, .tosInvalid, "IPv6 routes have no tos", rule: "R1-27")
        }
        if tos & 3 != 0 {
            throw FIBError(
                .einval, .tosInvalid, "tos \(tos) has ECN bits set; the two low bits must be 0", rule: "R1-27")
        }
    }

    private static func checkScope(_ fields: RouteInfo.Fields, _ family: AddressFamily) throws(FIBError) {
        if family == .inet6 {
            if fields.scope == .global { return }
            throw FIBError(.einval, .scopeInvalid, "IPv6 routes have scope global only", rule: "R1-28")
        }
        if fields.scope < fields.type.minimumScope || fields.scope == .nowhere {
            throw FIBError(
                .einval, .scopeInvalid,
                "scope \(fields.scope.name) is too wide for a \(fields.type.name) route; "
                    + "it needs \(fields.type.minimumScope.name) or nearer", rule: "R1-33")
        }
        guard fields.scope == .host else { return }
        if fields.nextHops.count > 1 || fields.nextHops.contains(where: { $0.gateway != nil }) {
            throw FIBError(
                .einval, .scopeInvalid, "a route of scope host has no gateway and one nexthop at most", rule: "R1-81")
        }
    }

    static func check(_ hop: NextHop, _ scope: RouteScope, _ family: AddressFamily) throws(FIBError) {
        if !(1...256).contains(hop.weight) {
            throw FIBError(.einval, .weightInvalid, "weight \(hop.weight) is not in 1…256", rule: "R1-50")
        }
        if hop.flags.contains(.onlink) {
            if family == .inet, scope >= .link {
                throw FIBError(.einval, .scopeInvalid, "onlink needs a scope wider than link", rule: "R1-76")
            }
            if hop.device.isEmpty {
                throw FIBError(.enodev, .deviceMissing, "onlink needs a dev", rule: "R1-76")
            }
        }
        guard let gateway = hop.gateway else { return }
        if family == .inet6, gateway.family != .inet6 {
            throw FIBError(.einval, .familyMismatch, "an IPv6 route can't go via \(gateway)", rule: "R1-100")
        }
        if gateway.isMulticast || gateway.isUnspecified || gateway.isLimitedBroadcast {
            throw FIBError(
                .einval, .gatewayInvalid, "gateway \(gateway) is not the address of one host",
                rule: family == .inet ? "R1-73" : "R1-100")
        }
        if gateway.isLinkLocal, gateway.family == .inet6, hop.device.isEmpty {
            throw FIBError(
                .einval, .gatewayInvalid, "link-local gateway \(gateway) means nothing without a dev", rule: "R1-100")
        }
    }

    /// A netlink message bounds the kernel's lists, this one ours: without, one route could weigh as much as a table.
    static func checkCount(_ hops: [NextHop], _ prefix: Prefix) throws(FIBError) {
        guard hops.count > nextHopLimit else { return }
        throw FIBError(
            .einval, .nextHopConflict, "\(prefix) would have \(hops.count) nexthops; \(nextHopLimit) is the limit")
    }

    private static func checkNextHops(_ fields: RouteInfo.Fields, _ prefix: Prefix) throws(FIBError) {
        if fields.type.isWithoutNextHop || fields.nextHopID != 0 { return }
        let hops = fields.nextHops
        try checkCount(hops, prefix)
        if hops.isEmpty || hops.contains(where: { $0.device.isEmpty && $0.gateway == nil }) {
            throw FIBError(
                .enodev, .nextHopMissing, "\(prefix) leads nowhere: give a gateway, a dev, or both", rule: "R1-77")
        }
        guard hops.count > 1, prefix.address.family == .inet6 else { return }
        if hops.contains(where: { $0.gateway == nil }) {
            throw FIBError(
                .einval, .nextHopMissing, "every nexthop of an IPv6 multipath route needs a gateway", rule: "R1-58")
        }
        for (index, hop) in hops.enumerated() where hops[..<index].contains(where: { $0.isSameHop(as: hop) }) {
            throw FIBError(.eexist, .nextHopDuplicate, "two equal nexthops in one IPv6 route", rule: "R1-58")
        }
    }
}
