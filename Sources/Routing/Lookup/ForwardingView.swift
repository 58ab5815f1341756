public import Addressing

/// What lookups and the check of a nexthop look at: the links and tables of one namespace.
public protocol ForwardingView {
    func table(_ family: AddressFamily, _ id: TableID) -> RouteTable?
    /// Of that table, which prefixes hold an address, if that is known: what most lookups need of it.
    func prefixes(_ family: AddressFamily, _ id: TableID) -> RoutePrefixes?
    /// In the order in which they are asked.
    func rules(_ family: AddressFamily) -> PolicyRules
    func link(_ name: String) -> Link?
    func nextHopObject(_ id: UInt32) -> NextHopObject?
    /// Whether a link has that address, be it up or down.
    func isOwn(_ address: IPAddress) -> Bool
    func hashPolicy(_ family: AddressFamily) -> MultipathHashPolicy
    /// Whether IPv4 flows pass over nexthops whose gateway doesn't answer (R1-54).
    var usesNeighbours: Bool { get }
    func neighbour(_ device: String, _ address: IPAddress) -> Neighbour?
    /// In milliseconds since 1970: routes that have expired by then are passed over (R1-48).
    var now: UInt64 { get }
    /// Links with which something is wrong, by name.
    var impairments: [String: LinkImpairment] { get }
}

extension ForwardingView {
    /// Where packets go that agree with the query.
    ///
    /// - Parameter trace: gets how it came to that, if it isn't nil.
    public func lookup(_ query: LookupQuery, _ trace: inout LookupTrace?) -> LookupResult {
        switch find(query, &trace) {
        case .nothing: return .nothing
        case .refused(let rule): return .refusedByRule(rule)
        case .found(let found):
            return found.type.isWithoutNextHop ? .refused(found) : .route(choosingLeg(of: found, query))
        }
    }

    private func choosingLeg(of route: FoundRoute, _ query: LookupQuery) -> FoundRoute {
        // Who says which link to leave by has chosen (R1-55).
        guard route.info.hopCount > 1 || route.ways != nil, query.device == nil else { return route }
        let hops = route.hops
        let legs = route.info.legStatus(query.destination.family, impairments, of: hops)
        let weights = hops.indices.map { index in legs?[index].isUnusable ?? false ? 0 : UInt64(hops[index].weight) }
        var found = route
        let hash = Multipath.hash(query, by: hashPolicy(query.destination.family))
        if usesNeighbours, query.destination.family == .inet {
            // Where no one answers, it stays with the first that is alive.
            found.leg = Multipath.choice(hash, weights) { answers(hops[$0]) } ?? route.leg
        } else {
            found.leg = Multipath.choice(hash, weights)
        }
        return found
    }

    /// A gateway of which nothing is known counts as one that does (kernel `fib_good_nh`).
    private func answers(_ hop: NextHop) -> Bool {
        hop.gateway.flatMap { neighbour(hop.device, $0) }?.state.isValid ?? true
    }

    /// Whether it can be the address of another host (kernel `inet_addr_type`).
    public func isUnicast(_ address: IPAddress) -> Bool {
        !address.isMulticast && find(LookupQuery(destination: address), in: .local) == nil
    }

    func find(_ query: LookupQuery, in id: TableID) -> FoundRoute? {
        var trace: LookupTrace?
        return find(query, in: id, &trace)
    }
}

// MARK: One table

extension ForwardingView {
    /// The longest prefix first, of each the routes in order; those that don't serve are passed over (R1-40…R1-44, R1-46…R1-48).
    /// Nothing in a table that isn't there (R1-15).
    func find(_ query: LookupQuery, in id: TableID, _ trace: inout LookupTrace?) -> FoundRoute? {
        let family = query.destination.family
        let tree = prefixes(family, id)
        if let tree {
            guard let (length, info) = tree.longest(query.destination) else { return nil }
            // Mostly the longest prefix has one route, and that serves.
            if info !== RouteTable.several, case .serves(let leg, let ways) = judge(info, tos: 0, query) {
                return FoundRoute(table: id, length: UInt8(length), info: info, leg: leg, ways: ways, key: nil)
            }
        }
        guard let table = table(family, id) else { return nil }
        guard let tree else { return search(table, query, id, &trace) }
        var found: FoundRoute?
        tree.forEach(holding: query.destination) { length, info in
            guard info === RouteTable.several else {
                switch judge(info, tos: 0, query) {
                case .serves(let leg, let ways):
                    found = FoundRoute(
                        table: id, length: UInt8(length), info: info, leg: leg, ways: ways, key: nil)
                case .passedOver(let reason):
                    if trace != nil, let route = table.first(of: query.prefix(length)) {
                        trace?.note(route, family, reason)
                    }
                }
                return found == nil
            }
            found = best(of: table.routes(of: query.prefix(length)), query, id, &trace)
            return found == nil
        }
        return found
    }

    /// Without an index: 33 or 129 searches.
    private func search(
        _ table: RouteTable, _ query: LookupQuery, _ id: TableID, _ trace: inout LookupTrace?
    ) -> FoundRoute? {
        for length in (0...Int(table.family.maximumLength)).reversed() {
            let prefix = query.prefix(length)
            guard table.first(of: prefix) != nil else { continue }
            if let found = best(of: table.routes(of: prefix), query, id, &trace) { return found }
        }
        return nil
    }

    /// Of the routes of one prefix: in IPv4 the first that serves; in IPv6, of those with the lowest metric that serve, one over
    /// the link that is asked for before others, and then the one whose router ranks highest (R1-47).
    private func best(
        of routes: [PlacedRoute], _ query: LookupQuery, _ id: TableID, _ trace: inout LookupTrace?
    ) -> FoundRoute? {
        let family = query.destination.family
        var best: FoundRoute?
        for route in routes {
            if let key = best?.key, family == .inet || route.key.metric != key.metric { break }
            switch judge(route.value.info, tos: route.key.tos, query) {
            case .serves(let leg, let ways):
                let found = FoundRoute(
                    table: id, length: route.key.length, info: route.value.info, leg: leg, ways: ways, key: route.key)
                // In IPv6, a nexthop object that is a blackhole ends the search (`__find_rr_leaf`).
                if family == .inet6, found.isBlackhole { return found }
                if let best, best.score(query) >= found.score(query) { continue }
                best = found
            case .passedOver(let reason): trace?.note(route, family, reason)
            }
        }
        return best
    }

    private func judge(_ info: RouteInfo, tos: UInt8, _ query: LookupQuery) -> Judgement {
        let family = query.destination.family
        if tos != 0, tos != query.tos & 0xFC { return .passedOver(.tos) }
        if family == .inet, info.fields.scope < query.scope { return .passedOver(.scope) }
        if info.fields.expiresAt != 0, info.fields.expiresAt <= now { return .passedOver(.expired) }
        // In IPv6, a nexthop object counts for more than the type.
        if info.type.isWithoutNextHop, family == .inet || info.fields.nextHopID == 0 {
            // In IPv6 they lead over the loopback (R1-32), and are asked for by it.
            let isElsewhere = family == .inet6 && query.isStrict && !(query.device.map { $0 == "lo" } ?? true)
            return isElsewhere ? .passedOver(.device) : .serves(leg: nil)
        }
        if query.device == nil, impairments.isEmpty, info.hopCount > 0 { return .serves(leg: 0) }
        if info.fields.nextHopID == 0 { return judge(info, info.nextHops, nil, query) }
        guard let ways = ways(of: info.fields.nextHopID) else { return .passedOver(.nexthop) }
        return switch ways {
        case .blackhole: .serves(leg: nil, ways)
        case .legs(let legs): judge(info, legs, ways, query)
        }
    }

    /// By where it leads.
    private func judge(_ info: RouteInfo, _ hops: [NextHop], _ ways: NextHopWays?, _ query: LookupQuery) -> Judgement {
        let legs = info.legStatus(query.destination.family, impairments, of: hops)
        let alive = hops.indices.filter { !(legs?[$0].isUnusable ?? false) }
        let leg = alive.first { index in query.device.map { $0 == hops[index].device } ?? true }
        if let leg = leg ?? (query.isStrict ? nil : alive.first) { return .serves(leg: leg, ways) }
        return .passedOver(alive.isEmpty ? .dead : .device)
    }
}

/// Whether a route serves, and with which of its nexthops.
private enum Judgement {
    case serves(leg: Int?, NextHopWays? = nil)
    case passedOver(LookupTrace.Reason)
}

extension FoundRoute {
    /// Kernel `rt6_score_route`: that it leads over the link that is asked for counts for more than the router's rank.
    fileprivate func score(_ query: LookupQuery) -> Int {
        let matches = query.device == nil || hop?.device == query.device
        return (matches ? 8 : 0) + info.fields.preference.rank
    }
}

extension RouteInfo.Preference {
    /// RFC 4191, section 2.1.
    fileprivate var rank: Int {
        switch self {
        case .high: 1
        case .medium: 0
        case .low: -1
        }
    }
}

extension LookupQuery {
    fileprivate func prefix(_ length: Int) -> Prefix {
        Prefix(unchecked: destination.masked(to: UInt8(length)), UInt8(length))
    }
}

extension LookupTrace {
    fileprivate mutating func note(_ route: PlacedRoute, _ family: AddressFamily, _ reason: Reason) {
        guard let last = steps.indices.last else { return }
        steps[last].passedOver.append((route.key.prefix(family), route.key.metric, reason))
    }
}
