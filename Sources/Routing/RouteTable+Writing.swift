private import Addressing
private import ChangeLog

extension RouteTable {
    /// Routes of one key, told apart by their place in its list.
    public static let routesOfKeyLimit = 1_024

    /// What `verb` does with `route`, which must be valid and of this family. Mutating only in that it may spread the
    /// positions of a crowded key, which no one can see. O(log n + routes of the key).
    public mutating func decide(_ verb: RouteVerb, _ route: Route) throws(FIBError) -> RouteDecision {
        let firstOfPrefix = first(of: route.firstKey)
        // Most prefixes have no route or one, so most decisions end here.
        let present = firstOfPrefix == nil ? [] : routes(of: route.firstKey)
        guard let first = present.first else {
            guard verb.creates else { throw notFound(verb, route) }
            let key = route.firstKey.at(position: RouteKey.firstPosition)
            return .edit(RouteEdit(operation: .add, key: key, old: nil, info: route.info, first: firstOfPrefix))
        }
        if verb == .append || verb == .prepend || addsBesideOthers(verb, route) {
            return try family == .inet ? insertIPv4(verb, route, present) : insertIPv6(route, present)
        }
        if verb.isExclusive { throw exists(verb, route, first) }
        return try family == .inet ? replaceIPv4(route, present, first) : replaceIPv6(route, present, first)
    }

    /// The kernel adds its own routes without the exclusive flag, so a dump of a machine with two links may hold several
    /// of one key. Such rows are accepted as the kernel accepts them from itself.
    private func addsBesideOthers(_ verb: RouteVerb, _ route: Route) -> Bool {
        verb == .add && route.info.protocol.isInsertedByKernel
    }

    private func edit(
        _ operation: ChangeOperation, _ key: RouteKey, _ old: StoredRoute?, _ info: RouteInfo
    ) -> RouteEdit {
        RouteEdit(operation: operation, key: key, old: old, info: info, first: first(of: key))
    }

    // MARK: IPv4

    /// R1-66 to R1-68.
    private mutating func insertIPv4(
        _ verb: RouteVerb, _ route: Route, _ present: [PlacedRoute]
    ) throws(FIBError) -> RouteDecision {
        if let equal = present.first(where: { $0.value.info == route.info }) {
            throw exists(verb, route, equal, rule: "R1-66")
        }
        try checkCount(present, route)
        let (first, last) = makeRoom(among: present)
        return verb == .prepend
            ? .edit(edit(.prepend, first.at(position: first.position - 1), nil, route.info))
            : .edit(edit(.append, last.at(position: last.position + 1), nil, route.info))
    }

    /// R1-63 to R1-65.
    private func replaceIPv4(
        _ route: Route, _ present: [PlacedRoute], _ first: PlacedRoute
    ) throws(FIBError) -> RouteDecision {
        if first.value.info == route.info { return .unchanged(first) }
        if let equal = present.first(where: { $0.value.info == route.info }) {
            throw exists(.replace, route, equal, rule: "R1-64")
        }
        return .edit(edit(.replace, first.key, first.value, route.info))
    }

    // MARK: IPv6

    /// R1-91 to R1-93.
    private mutating func insertIPv6(
        _ route: Route, _ present: [PlacedRoute]
    ) throws(FIBError) -> RouteDecision {
        if let twin = present.first(where: { $0.value.info.sharesHop(with: route.info) }) {
            throw exists(.append, route, twin, rule: "R1-91")
        }
        if present.contains(where: { $0.value.info == route.info }) {
            throw exists(.append, route, present[0], rule: "R1-91")
        }
        if route.info.isMergeable, let group = present.first(where: { $0.value.info.isMergeable }) {
            let hops = group.value.info.nextHops + route.info.nextHops
            try Route.checkCount(hops, route.prefix)
            let joined = group.value.info.with(nextHops: hops)
            var edit = edit(.replace, group.key, group.value, joined)
            edit.nextHops = .joined
            return .edit(edit)
        }
        try checkCount(present, route)
        let last = makeRoom(among: present).last
        return .edit(edit(.append, last.at(position: last.position + 1), nil, route.info))
    }

    /// R1-94, R1-95: the first of the same kind, else the first of that metric.
    private func replaceIPv6(
        _ route: Route, _ present: [PlacedRoute], _ first: PlacedRoute
    ) throws(FIBError) -> RouteDecision {
        let isMergeable = route.info.isMergeable
        let target = present.first { $0.value.info.isMergeable == isMergeable } ?? first
        if target.value.info == route.info { return .unchanged(target) }
        for other in present where other.key != target.key {
            // The kernel lets two be alike here; who follows changes could not tell them apart.
            if other.value.info == route.info { throw exists(.replace, route, other, rule: "R1-64") }
        }
        return .edit(edit(.replace, target.key, target.value, route.info))
    }

    // MARK: Positions

    /// Keys of the first and last route of a list that has room on both sides. Right before a route is put there, and
    /// never else: who makes the same changes anew gets the same positions.
    @discardableResult
    mutating func makeRoom(among present: [PlacedRoute]) -> (first: RouteKey, last: RouteKey) {
        guard let first = present.first?.key, let last = present.last?.key else {
            preconditionFailure("room in an empty list")
        }
        // The last position stays free, so that every key has a successor.
        guard first.position == 0 || last.position >= .max - 1 else { return (first, last) }
        respace(present)
        let spaced = routes(of: first)
        return (spaced[0].key, spaced[spaced.count - 1].key)
    }

    /// Every write of a key looks at all routes of it, so their number is bounded.
    private func checkCount(_ present: [PlacedRoute], _ route: Route) throws(FIBError) {
        guard present.count >= Self.routesOfKeyLimit else { return }
        throw FIBError(
            .enobufs, .tooManyRoutes,
            "\(route.prefix) already has \(present.count) routes with metric \(route.metric), which is the limit; "
                + "use one route with several nexthops, or other metrics")
    }

    // MARK: Errors

    private func notFound(_ verb: RouteVerb, _ route: Route) -> FIBError {
        FIBError(
            .enoent, .routeNotFound,
            "no route to \(route.prefix) with metric \(route.metric) to \(verb); create it with mode=replace or add",
            rule: family == .inet ? "R1-61" : "R1-97")
    }

    private func exists(
        _ verb: RouteVerb, _ route: Route, _ present: PlacedRoute, rule: String? = nil
    ) -> FIBError {
        FIBError(
            .eexist, .routeExists,
            "a route to \(route.prefix) with metric \(present.key.metric) exists (version "
                + "\(present.value.version.rawValue)); use mode=replace to change it"
                + (verb == .add ? ", append to add another" : ""),
            rule: rule ?? (family == .inet ? "R1-62" : "R1-90"))
    }
}

extension RouteInfo {
    /// Whether an IPv6 route can't stand beside the other in one key: the kernel compares device and gateway alone, and leads all
    /// that refuse over the loopback, so that one of these is as good as another (R1-25, R1-32).
    fileprivate func sharesHop(with other: RouteInfo) -> Bool {
        let id = fields.nextHopID
        if id != 0 || other.fields.nextHopID != 0 { return id == other.fields.nextHopID }
        if type.isWithoutNextHop, other.type.isWithoutNextHop { return true }
        return other.nextHops.contains { hop in nextHops.contains { $0.isSameHop(as: hop) } }
    }
}
