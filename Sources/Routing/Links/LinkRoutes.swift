internal import Addressing

extension Link {
    /// The routes that its addresses bring about, each with its table (R1-116).
    ///
    /// Of an IPv4 address a local route, even while the link is down; while it is up also the broadcast address and the
    /// subnet, which of several addresses in one subnet only the first brings about; it is the source of them all. Of an IPv6 address, while the link is
    /// usable, a local route and the subnet, but for `::1`.
    ///
    /// Source: Linux `net/ipv4/fib_frontend.c` `fib_add_ifaddr`, `net/ipv6/addrconf.c`.
    public var routes: [(table: TableID, route: Route)] {
        addresses.indices.flatMap { index in
            addresses[index].address.family == .inet ? routesIPv4(index) : routesIPv6(addresses[index])
        }
    }

    private func routesIPv4(_ index: Int) -> [(table: TableID, route: Route)] {
        let (address, subnet) = (addresses[index].address, addresses[index].subnet)
        let primary = addresses[..<index].first { $0.subnet == subnet }
        var routes = [made(.local, Prefix(host: address), from: primary?.address ?? address)]
        guard isUp, primary == nil, !subnet.isHost, subnet.address.high != 0 else { return routes }
        routes.append(made(isLoopback ? .local : .unicast, subnet, from: address))
        if subnet.length < 31 { routes.append(made(.broadcast, Prefix(host: subnet.lastAddress), from: address)) }
        return routes
    }

    private func routesIPv6(_ entry: LinkAddress) -> [(table: TableID, route: Route)] {
        guard isUsable(.inet6) else { return [] }
        let host = made(.local, Prefix(host: entry.address), metric: 0)
        // The kernel gives the loopback its own address without a route to the subnet (`init_loopback`).
        if entry.address.isLoopback { return [host] }
        return [host, made(.unicast, entry.subnet, metric: 256)]
    }

    private func made(
        _ type: RouteType, _ prefix: Prefix, from source: IPAddress? = nil, metric: UInt32 = 0
    ) -> (table: TableID, route: Route) {
        var fields = RouteInfo.Fields()
        fields.type = type
        fields.protocol = .kernel
        if prefix.family == .inet { fields.scope = type == .local ? .host : .link }
        fields.preferredSource = source
        fields.nextHops = [NextHop(device: name)]
        fields.metric = metric
        return (type.defaultTable, Route(prefix: prefix, metric: metric, info: RouteInfo(fields)))
    }
}
