internal import Addressing
internal import ChangeLog
internal import Routing

extension Namespace.State {
    enum Step {
        case edit(RouteEdit, EntryHash)
        case unchanged(RouteKey, StoredRoute)
    }

    /// What a write comes to on the table at `index`.
    mutating func decide(
        _ verb: RouteVerb, _ route: Route, _ hash: EntryHash, _ condition: WriteCondition, at index: Int
    ) throws(FIBError) -> Step {
        var (route, hash) = (route, hash)
        try checkNextHopObject(of: route.info, route.prefix.family)
        if settings.nextHopCheck == .strict { try resolve(&route, &hash, at: index) }
        try check(condition, route, at: index)
        switch try tables[index].table.decide(verb, route) {
        case .unchanged(let placed): return .unchanged(placed.key, placed.value)
        case .edit(let edit):
            if edit.info === route.info { return .edit(edit, hash) }
            return .edit(edit, self.hash(of: edit, at: index))
        }
    }

    /// Where nexthops are checked, the route gets the devices that its gateways are reached through.
    private mutating func resolve(_ route: inout Route, _ hash: inout EntryHash, at index: Int) throws(FIBError) {
        let identity = tables[index].identity
        let hops = try checkedNextHops(of: route.info, route.prefix, in: identity.id)
        if hops == route.info.nextHops { return }
        route = route.with(resolvedInfos.info(of: route.info, with: hops))
        let key = RouteKey(route.prefix, tos: route.tos, metric: route.metric, position: 0)
        hash = RouteEntry.hash(identity, key, route.info)
    }

    func decideDelete(
        _ id: TableID, _ selector: RouteSelector
    ) throws(FIBError) -> (index: Int, edit: RouteEdit, hash: EntryHash) {
        if let wanted = selector.nextHopID, nextHopObject(wanted) == nil {
            throw FIBError(.einval, .nextHopObjectUnknown, "there is no nexthop \(wanted)", rule: "R1-84")
        }
        guard let index = index(of: selector.prefix.family, id) else {
            // These are always there (R1-04).
            if selector.prefix.family == .inet6, id == .main || id == .local {
                _ = try RouteTable(family: .inet6).decideDelete(selector)
            }
            throw FIBError(
                .esrch, .routeNotFound, "table \(id.name) has no \(selector.prefix.family.name) routes", rule: "R1-84")
        }
        let edit = try tables[index].table.decideDelete(selector)
        return (index, edit, hash(of: edit, at: index))
    }

    /// Of the entry that the edit leaves; zero, and not used, if it leaves none.
    private func hash(of edit: RouteEdit, at index: Int) -> EntryHash {
        guard let info = edit.info else { return EntryHash(high: 0, low: 0) }
        return RouteEntry.hash(tables[index].identity, edit.key, info)
    }

    private func check(_ condition: WriteCondition, _ route: Route, at index: Int) throws(FIBError) {
        if condition == .none { return }
        let first = tables[index].table.first(of: route)
        switch condition {
        case .none: return
        case .absent:
            guard let first else { return }
            throw FIBError(
                .eexist, .versionMismatch, "\(route.prefix) exists at version \(first.value.version.rawValue)")
        case .version(let wanted):
            guard first?.value.version != wanted else { return }
            throw FIBError(
                .estale, .versionMismatch,
                "\(route.prefix) is "
                    + (first.map { "at version \($0.value.version.rawValue), not \(wanted.rawValue)" } ?? "not there"))
        }
    }
}

extension RouteTable {
    /// What an edit, not yet made, does to the first route of its prefix.
    func effect(of edit: RouteEdit) -> BestChange {
        guard let first = edit.first else { return .own(.other) }
        if edit.info == nil {
            guard first.key == edit.key else { return .none }
            return second(of: edit.key).map { .promoted(.init($0)) } ?? .own(.other)
        }
        if first.key == edit.key { return .own(edit.nextHops) }
        return edit.key < first.key ? .displaced(.init(first)) : .none
    }
}

extension Namespace.State: ForwardingView {
    func table(_ family: AddressFamily, _ id: TableID) -> RouteTable? {
        index(of: family, id).map { tables[$0].table }
    }

    func prefixes(_ family: AddressFamily, _ id: TableID) -> RoutePrefixes? {
        index(of: family, id).flatMap { tables[$0].table.prefixes }
    }

    func rules(_ family: AddressFamily) -> PolicyRules { rules[family] }

    func hashPolicy(_ family: AddressFamily) -> MultipathHashPolicy { settings.hashPolicy(family) }

    var usesNeighbours: Bool { settings.usesNeighbours }

    func neighbour(_ device: String, _ address: IPAddress) -> Neighbour? {
        objects[.neighbour(device, address)]?.neighbour
    }

    func isOwn(_ address: IPAddress) -> Bool { ownAddresses[address] != nil }

    func link(_ name: String) -> Link? { objects[.link(name)]?.link }

    /// Gateways are looked for without regard to the time: what expires goes, and what leads over it stays.
    var now: UInt64 { 0 }

    func nextHopObject(_ id: UInt32) -> NextHopObject? { objects[.nextHop(id)]?.nextHop }
}

/// What infos became whose gateways were resolved: the same given again becomes the same, so that routes share it.
struct ResolvedInfos {
    private var known: [ObjectIdentifier: (given: RouteInfo, resolved: RouteInfo)] = [:]
    private static let limit = 256

    mutating func info(of given: RouteInfo, with hops: [NextHop]) -> RouteInfo {
        if let known = known[ObjectIdentifier(given)], known.resolved.nextHops == hops { return known.resolved }
        if known.count >= Self.limit { known = [:] }
        let resolved = given.with(nextHops: hops)
        known[ObjectIdentifier(given)] = (given, resolved)
        return resolved
    }
}
