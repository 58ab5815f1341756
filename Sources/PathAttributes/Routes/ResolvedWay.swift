public import Addressing
public import Routing

/// Where a lookup led, as a cached route keeps it.
public struct ResolvedWay: Sendable {
    public let table: TableID
    public let prefix: Prefix
    /// The route's; another one of the same prefix makes it another way.
    public let info: RouteInfo
    /// Name of the link; empty for what leads nowhere.
    public let device: String
    /// Of either family; nil for destinations that are reached directly.
    public let gateway: IPAddress?
    /// Where packets of one's own come from.
    public let source: IPAddress?
    public let mtu: RouteMTU
    /// When its route comes to its end, in milliseconds since 1970; `max` if never (R1-48).
    var expires: UInt64 { info.fields.expiresAt == 0 ? .max : info.fields.expiresAt }

    /// Whether it is the same, but for the size of packets, which its link may have changed (R5-57).
    func isSame(as other: ResolvedWay) -> Bool {
        (table, prefix, device) == (other.table, other.prefix, other.device)
            && (gateway, source) == (other.gateway, other.source) && info == other.info
    }

    public init(
        table: TableID, prefix: Prefix, info: RouteInfo, device: String, gateway: IPAddress?, source: IPAddress?,
        mtu: RouteMTU
    ) {
        self.table = table
        self.prefix = prefix
        self.info = info
        self.device = device
        self.gateway = gateway
        self.source = source
        self.mtu = mtu
    }
}

extension PathView {
    /// Where packets go that agree with the query, before what is known of the path counts; nil if nowhere.
    public func way(of query: LookupQuery) -> ResolvedWay? {
        var trace: LookupTrace?
        guard case .route(let found) = lookup(query, &trace) else { return nil }
        let destination = query.destination
        let isOwn = found.info.type == .local
        return ResolvedWay(
            table: found.table, prefix: Prefix(unchecked: destination.masked(to: found.length), found.length),
            info: found.info, device: isOwn ? "lo" : found.hop?.device ?? "", gateway: found.hop?.gateway,
            source: query.source ?? (query.input == nil ? source(to: destination, by: found) : nil), mtu: mtu(of: found)
        )
    }

    /// The same, of which only the size of packets is asked.
    public func routeMTU(_ query: LookupQuery) -> RouteMTU {
        var trace: LookupTrace?
        guard case .route(let found) = lookup(query, &trace) else { return RouteMTU(nil) }
        return mtu(of: found)
    }

    /// The route's own, or its link's (kernel `ip_dst_mtu_maybe_forward`).
    public func mtu(of found: FoundRoute) -> RouteMTU {
        let metrics = found.info.fields.metrics
        let isLocked = metrics.locks >> UInt32(RouteMetrics.mtu) & 1 == 1
        let own = metrics[RouteMetrics.mtu]
        if own != 0 { return RouteMTU(own, isLocked: isLocked) }
        return RouteMTU(found.hop.flatMap { link($0.device)?.mtu }, isLocked: isLocked)
    }
}
