public import Addressing

/// What the kernel asks of a route's nexthops before it takes the route, in its order of refusals (R1-72…R1-82, R1-100).
extension ForwardingView {
    /// The nexthops with the devices that their gateways are reached through.
    ///
    /// - Throws: ENODEV, ENETDOWN, ENETUNREACH, EHOSTUNREACH, EACCES or EINVAL, with the number of the rule.
    public func checkedNextHops(
        of info: RouteInfo, _ prefix: Prefix, in table: TableID
    ) throws(FIBError) -> [NextHop] {
        var hops: [NextHop] = []
        if !info.type.isWithoutNextHop {
            for hop in info.nextHops { hops.append(try checked(hop, prefix.family, info.fields.scope, in: table)) }
        }
        // Two that were told apart only by the device that one of them didn't name.
        if prefix.family == .inet6, hops.count > 1 {
            for (index, hop) in hops.enumerated() where hops[..<index].contains(where: { $0.isSameHop(as: hop) }) {
                throw FIBError(.eexist, .nextHopDuplicate, "two equal nexthops in one IPv6 route", rule: "R1-58")
            }
        }
        try checkSource(info, prefix, table)
        return hops
    }

    /// - Parameter table: the route's, in which its gateway is looked for before the rules are asked; nil if they are at once.
    func checked(
        _ hop: NextHop, _ family: AddressFamily, _ scope: RouteScope, in table: TableID?
    ) throws(FIBError) -> NextHop {
        try family == .inet ? checkedIPv4(hop, scope, table) : checkedIPv6(hop, table)
    }

    // MARK: IPv4 (net/ipv4/fib_semantics.c, fib_check_nh)

    private func checkedIPv4(_ hop: NextHop, _ scope: RouteScope, _ table: TableID?) throws(FIBError) -> NextHop {
        guard let gateway = hop.gateway else {
            let link = try link(of: hop)
            if !hop.flags.isEmpty {
                throw FIBError(.einval, .gatewayInvalid, "onlink and pervasive need a gateway", rule: "R1-76")
            }
            // An address of one's own is there, whatever its link does.
            if scope != .host { try checkUp(link, .inet) }
            return hop
        }
        if gateway.family == .inet6 { return try checkedGatewayIPv6(hop, gateway, table) }
        return hop.flags.contains(.onlink)
            ? try checkedOnLink(hop, gateway) : try checkedGateway(hop, gateway, scope, table)
    }

    private func checkedOnLink(_ hop: NextHop, _ gateway: IPAddress) throws(FIBError) -> NextHop {
        try checkUp(try link(of: hop), .inet)
        // Whichever link has the address (kernel `inet_addr_type_dev_table`).
        let own = find(LookupQuery(destination: gateway), in: .local)
        if let own, own.info.type == .local || own.info.type == .broadcast {
            throw FIBError(
                .einval, .gatewayInvalid, "gateway \(gateway) is not another host on '\(hop.device)'", rule: "R1-76")
        }
        return hop
    }

    private func checkedGateway(
        _ hop: NextHop, _ gateway: IPAddress, _ scope: RouteScope, _ table: TableID?
    ) throws(FIBError) -> NextHop {
        if !hop.device.isEmpty { _ = try link(of: hop) }
        var query = LookupQuery(destination: gateway)
        // Directly connected, so that no gateway is behind another one.
        query.scope = max(.link, RouteScope(rawValue: scope.rawValue == 255 ? 255 : scope.rawValue + 1))
        query.device = hop.device.isEmpty ? nil : hop.device
        guard let found = try way(query, table) else {
            throw unreachable(gateway, hop, .enetunreach, rule: hop.device.isEmpty ? "R1-72" : "R1-74")
        }
        guard found.type == .unicast || found.type == .local, let reached = found.hop else {
            throw FIBError(
                .einval, .gatewayInvalid, "the way to gateway \(gateway) is of type \(found.type.name)",
                rule: "R1-73")
        }
        var resolved = hop
        resolved.device = reached.device
        try checkUp(try link(of: resolved), .inet)
        return resolved
    }

    /// In the route's own table, or else by the rules. What refuses packets to the gateway refuses it as well.
    private func way(_ query: LookupQuery, _ table: TableID?) throws(FIBError) -> FoundRoute? {
        if let table, table != .main, let found = find(query, in: table), !found.type.isWithoutNextHop { return found }
        var trace: LookupTrace?
        let result = find(query, &trace)
        switch result {
        case .nothing: return nil
        case .found(let found) where !found.type.isWithoutNextHop: return found
        case .found, .refused:
            throw FIBError(
                result.errno, .gatewayUnreachable,
                "gateway \(query.destination) can't be reached: packets to it are refused by \(result.refusal)",
                rule: "R1-72")
        }
    }

    // MARK: IPv6 (net/ipv6/route.c, fib6_nh_init and ip6_validate_gw)

    private func checkedIPv6(_ hop: NextHop, _ table: TableID?) throws(FIBError) -> NextHop {
        if let gateway = hop.gateway { return try checkedGatewayIPv6(hop, gateway, table) }
        let link = try link(of: hop)
        try checkUsableIPv6(link)
        return hop
    }

    private func checkedGatewayIPv6(
        _ hop: NextHop, _ gateway: IPAddress, _ table: TableID?
    ) throws(FIBError) -> NextHop {
        if !hop.device.isEmpty {
            let link = try link(of: hop)
            if hop.flags.contains(.onlink) { try checkUp(link, .inet6) }
            try checkNotOwn(gateway, link)
        }
        var resolved = hop
        if !gateway.isLinkLocal {
            if hop.flags.contains(.onlink) {
                try checkOnLinkIPv6(hop, gateway)
            } else {
                resolved.device = try deviceIPv6(to: gateway, hop, table)
            }
        }
        let link = try link(of: resolved)
        if link.isLoopback {
            throw FIBError(.einval, .gatewayInvalid, "gateway \(gateway) would be reached through lo", rule: "R1-100")
        }
        if hop.device.isEmpty { try checkNotOwn(gateway, link) }
        try checkUsableIPv6(link)
        return resolved
    }

    /// A gateway is not behind another one, and behind the device that was named.
    private func deviceIPv6(to gateway: IPAddress, _ hop: NextHop, _ table: TableID?) throws(FIBError) -> String {
        var query = LookupQuery(destination: gateway)
        // Unlike IPv4's, these come in by no link, not even the loopback (kernel `rt6_lookup`).
        query.input = ""
        query.isSuppressible = false
        query.device = hop.device.isEmpty ? nil : hop.device
        func isDirect(_ found: FoundRoute?) -> Bool {
            guard let found, let hop = found.hop else { return false }
            return hop.gateway == nil && !found.type.isWithoutNextHop
        }
        var found = table.flatMap { find(query, in: $0) }
        if !isDirect(found) { found = find(query) }
        guard isDirect(found), let device = found?.hop?.device else {
            throw unreachable(gateway, hop, .ehostunreach, rule: "R1-100")
        }
        return device
    }

    /// Of several ways to it, that over the named link counts (kernel `ip6_route_check_nh_onlink`, a lookup without
    /// `RT6_LOOKUP_F_IFACE`).
    private func checkOnLinkIPv6(_ hop: NextHop, _ gateway: IPAddress) throws(FIBError) {
        var query = LookupQuery(destination: gateway, device: hop.device)
        query.isDeviceWish = true
        guard let found = find(query, in: .main), found.length > 0,
            let reached = found.hop, found.info.type != .unicast || reached.device != hop.device
        else { return }
        throw FIBError(
            .einval, .gatewayInvalid, "gateway \(gateway) is reached through '\(reached.device)', not '\(hop.device)'",
            rule: "R1-100")
    }

    /// Of a link-local address, only those of the device count. Whether the link that has it is up doesn't matter (kernel
    /// `ip6_validate_gw`).
    private func checkNotOwn(_ gateway: IPAddress, _ link: Link) throws(FIBError) {
        let isOwn =
            gateway.isLinkLocal
            ? link.addresses.contains { $0.address == gateway }
            : isOwn(gateway)
        guard isOwn else { return }
        throw FIBError(.einval, .gatewayInvalid, "gateway \(gateway) is an address of this machine", rule: "R1-100")
    }

    private func checkUsableIPv6(_ link: Link) throws(FIBError) {
        if link.disablesIPv6 {
            throw FIBError(.eacces, .linkDown, "IPv6 is disabled on '\(link.name)'", rule: "R1-100")
        }
        try checkUp(link, .inet6)
    }

    // MARK: Both

    private func link(of hop: NextHop) throws(FIBError) -> Link {
        if hop.device.isEmpty { throw FIBError(.enodev, .nextHopMissing, "a nexthop without a device", rule: "R1-77") }
        if let link = link(hop.device) { return link }
        throw FIBError(
            .enodev, .linkNotFound, "there is no link '\(hop.device)'; create it with PUT /v1/links/\(hop.device)",
            rule: "R1-79")
    }

    private func checkUp(_ link: Link, _ family: AddressFamily) throws(FIBError) {
        if link.isUp { return }
        throw FIBError(
            .enetdown, .linkDown, "link '\(link.name)' is down", rule: family == .inet ? "R1-78" : "R1-100")
    }

    private func unreachable(
        _ gateway: IPAddress, _ hop: NextHop, _ errno: FIBError.Errno, rule: String
    ) -> FIBError {
        FIBError(
            errno, .gatewayUnreachable,
            "gateway \(gateway) is not directly connected"
                + (hop.device.isEmpty ? "" : " through '\(hop.device)'") + "; add a route to it over a link first",
            rule: rule)
    }

    private func checkSource(_ info: RouteInfo, _ prefix: Prefix, _ table: TableID) throws(FIBError) {
        guard let source = info.fields.preferredSource else { return }
        // IPv4 doesn't look at that of a route that refuses (`fib_create_info`).
        if prefix.family == .inet, info.type.isWithoutNextHop { return }
        // The route of an address of one's own is its own proof.
        if info.type == .local, prefix == Prefix(host: source) { return }
        let query = LookupQuery(destination: source)
        // IPv4 asks its tables (`fib_valid_prefsrc`), IPv6 the links, be they up or down (`ipv6_chk_addr`).
        let isLocal =
            source.family == .inet6
            ? isOwn(source) : [table, .local].contains { find(query, in: $0)?.info.type == .local }
        if isLocal { return }
        throw FIBError(
            .einval, .sourceInvalid, "prefsrc \(source) is not an address of this machine",
            rule: prefix.family == .inet ? "R1-80" : "R1-100")
    }
}
