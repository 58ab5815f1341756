internal import Addressing
internal import ChangeLog
internal import Routing

/// What a change of a link means for the routes that were there before it.
struct LinkCascade: Hashable, Sendable {
    let device: String
    /// The link wasn't held before, so that nothing was wrong with it.
    let isAdded: Bool
    /// The link is gone, and not only another one.
    let isRemoved: Bool
    /// It has no IPv4 address any more, and had one: to IPv4, it is gone (R1-114).
    let hasLostIPv4: Bool
    /// Routes over it are for hardware now, or aren't any more. To no route is this more than status.
    let changesOffload: Bool
    /// What was wrong with it before.
    let before: LinkImpairment
    /// Addresses that no link has any more.
    let sources: [IPAddress]

    /// Whether there may be something to do.
    func isIdle(now: LinkImpairment) -> Bool {
        !isRemoved && !hasLostIPv4 && !changesOffload && sources.isEmpty && before == now
    }

    /// What becomes of a route, by what there is now.
    func fate(
        _ info: RouteInfo, _ table: TableIdentity, _ impairments: [String: LinkImpairment]
    ) -> RouteFate {
        let losesSource = losesSource(info, table)
        if losesSource, table.family == .inet { return .removed }
        let remaining = losesSource ? info.withoutSource() : info
        let fate = info.leads(over: device) ? fateOfUser(remaining, table.family, impairments) : .stays
        if case .removed = fate { return fate }
        if case .replaced = fate { return fate }
        return losesSource ? .replaced(remaining) : fate
    }

    /// R1-114. In IPv6 the address itself has to be removed, and then counts in all tables, but for routes with a nexthop object
    /// (net/ipv6/route.c `fib6_remove_prefsrc`).
    private func losesSource(_ info: RouteInfo, _ table: TableIdentity) -> Bool {
        guard let source = info.fields.preferredSource, sources.contains(source) else { return false }
        return table.family == .inet ? table.id == .main : !isRemoved && info.fields.nextHopID == 0
    }

    private func fateOfUser(
        _ info: RouteInfo, _ family: AddressFamily, _ impairments: [String: LinkImpairment]
    ) -> RouteFate {
        // IPv4 loses the whole route (R1-112), IPv6 a leg of it.
        let others = info.nextHops.filter { $0.device != device }
        // It goes down before it goes, and with the last leg that isn't dead goes the route (R1-110).
        if isRemoved, !before[family].contains(.dead),
            others.allSatisfy({ impairments[$0.device]?[family].contains(.dead) ?? false })
        {
            return .removed
        }
        if isRemoved { return family == .inet || others.isEmpty ? .removed : .replaced(info.with(nextHops: others)) }
        if hasLostIPv4, family == .inet, others.isEmpty { return .removed }
        let now = info.legStatus(family, impairments)
        var former = impairments
        former[device] = before
        let was = info.legStatus(family, former)
        if now == was { return .stays }
        // It goes with the last of its legs (R1-110), once: one that came while its link was down stays, and so does one
        // that was there before a link that is down from its beginning.
        let goesDown = !isAdded && !before[family].contains(.dead)
        if goesDown, let now, now.allSatisfy({ $0.contains(.dead) }) { return .removed }
        let nothing = Array(repeating: LegStatus(), count: info.hopCount)
        return .status(was: was ?? nothing, now: now ?? nothing)
    }
}

/// What becomes of a route when something that it depends on changes.
enum RouteFate {
    case stays
    case removed
    /// It is another entry.
    case replaced(RouteInfo)
    /// The entry stays, and something else is wrong with its legs.
    case status(was: [LegStatus], now: [LegStatus])
}

extension RouteInfo {
    fileprivate func withoutSource() -> RouteInfo {
        var fields = fields
        fields.preferredSource = nil
        return RouteInfo(fields)
    }
}

extension LinkCascade {
    /// Of a link that changed; nil if that means nothing to routes.
    ///
    /// - Parameter others: the other links of its namespace.
    init?(_ change: ObjectChange, others: [StoredObject]) {
        guard let link = change.object.link else { return nil }
        let present = change.new?.link
        let former = change.old?.link
        device = link.name
        isAdded = former == nil
        isRemoved = present == nil
        before =
            former.map { LinkImpairment($0, hasCarrier: change.old?.status.hasCarrier ?? true) } ?? .none
        let left = present?.addresses ?? []
        func hasIPv4(_ addresses: [LinkAddress]) -> Bool { addresses.contains { $0.address.family == .inet } }
        let had = former?.addresses ?? []
        hasLostIPv4 = !isRemoved && hasIPv4(had) && !hasIPv4(left)
        changesOffload = !isRemoved && present?.isOffloaded != (former?.isOffloaded ?? true)
        let everywhere = Set((left + others.flatMap { $0.link?.addresses ?? [] }).map(\.address))
        sources = had.map(\.address).filter { !everywhere.contains($0) }
        let now = change.new.flatMap { new in new.link.map { LinkImpairment($0, hasCarrier: new.status.hasCarrier) } }
        if isIdle(now: now ?? before) { return nil }
    }

    /// The word for it in `cause`.
    static func reason(_ change: ObjectChange) -> String {
        guard let old = change.old?.link else { return "link-added" }
        guard let new = change.new?.link else { return "link-removed" }
        if old.isUp != new.isUp { return new.isUp ? "link-up" : "link-down" }
        if change.old?.status.hasCarrier != change.new?.status.hasCarrier {
            return change.new?.status.hasCarrier ?? true ? "carrier-found" : "carrier-lost"
        }
        if old.disablesIPv6 != new.disablesIPv6 { return new.disablesIPv6 ? "ipv6-disabled" : "ipv6-enabled" }
        if old.ignoresLinkDown != new.ignoresLinkDown {
            return new.ignoresLinkDown ? "linkdown-ignored" : "linkdown-heeded"
        }
        if !Set(old.addresses).isSubset(of: new.addresses) { return "address-removed" }
        if old.isOffloaded != new.isOffloaded { return new.isOffloaded ? "offload-enabled" : "offload-disabled" }
        return "address-added"
    }
}
