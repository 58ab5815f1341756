public import Addressing

/// Where a route that names a nexthop object leads.
public enum NextHopWays: Sendable {
    /// Of a group those of its members, with their weights.
    case legs([NextHop])
    case blackhole

    var legs: [NextHop] { if case .legs(let legs) = self { legs } else { [] } }
}

extension ForwardingView {
    /// Where that object leads now; nil if there is none such, or none any more.
    public func ways(of id: UInt32) -> NextHopWays? {
        guard let object = nextHopObject(id) else { return nil }
        switch object.target {
        case .leg(let hop): return .legs([hop])
        case .blackhole: return .blackhole
        case .group(let members):
            var legs: [NextHop] = []
            for member in members {
                switch nextHopObject(member.id)?.target {
                case .leg(var hop):
                    hop.weight = member.weight
                    legs.append(hop)
                // It is then the only one.
                case .blackhole: return .blackhole
                case .group, nil: break
                }
            }
            return legs.isEmpty ? nil : .legs(legs)
        }
    }

    /// Whether a route may use the object that it names.
    ///
    /// - Throws: EINVAL. Source: net/ipv4/fib_semantics.c `fib_check_nexthop`, net/ipv4/nexthop.c `fib6_check_nexthop`.
    public func checkNextHopObject(of info: RouteInfo, _ family: AddressFamily) throws(FIBError) {
        let id = info.fields.nextHopID
        if id == 0 { return }
        guard let object = nextHopObject(id) else {
            throw FIBError(
                .einval, .nextHopObjectUnknown, "there is no nexthop \(id); create it with PUT /v1/nexthops/\(id)",
                rule: "R1-82")
        }
        if family == .inet6 { return try checkIPv6(object) }
        // What refuses leads nowhere, whatever it names (`fib_create_info`).
        if info.type.isWithoutNextHop { return }
        var users = NextHopUsers()
        users.add(1, info)
        try checkIPv4(object, users)
    }

    /// Whether routes that use one object, or a group that it is in, can go on with what it is to become.
    public func check(_ object: NextHopObject, _ inet: NextHopUsers, _ inet6: NextHopUsers) throws(FIBError) {
        if inet6.count > 0 { try checkIPv6(object) }
        if inet.count > 0 { try checkIPv4(object, inet) }
    }

    private func checkIPv6(_ object: NextHopObject) throws(FIBError) {
        let all = object.isGroup ? object.members.compactMap { nextHopObject($0.id) } : [object]
        guard let other = all.first(where: { $0.family == .inet }) else { return }
        throw FIBError(
            .einval, .familyMismatch, "nexthop \(other.id) is of IPv4, and IPv6 routes can't use it", rule: "R1-82")
    }

    private func checkIPv4(_ object: NextHopObject, _ users: NextHopUsers) throws(FIBError) {
        if object.isGroup, users.ofHost > 0 {
            throw FIBError(.einval, .scopeInvalid, "a route of scope host can't use a group", rule: "R1-81")
        }
        guard let leg = object.leg ?? object.members.first.flatMap({ nextHopObject($0.id)?.leg }) else { return }
        if leg.gateway != nil, users.ofHost > 0 {
            throw FIBError(.einval, .scopeInvalid, "a route of scope host has no gateway", rule: "R1-81")
        }
        if leg.flags.contains(.onlink), users.ofLink > 0 {
            throw FIBError(.einval, .scopeInvalid, "onlink needs a scope wider than link", rule: "R1-76")
        }
    }

    // MARK: Members of a group

    /// - Throws: EINVAL. Source: net/ipv4/nexthop.c `valid_group_nh`.
    public func checkMembers(of group: NextHopObject) throws(FIBError) {
        for member in group.members {
            guard let object = nextHopObject(member.id) else {
                throw FIBError(
                    .einval, .nextHopObjectUnknown,
                    "there is no nexthop \(member.id); create it before the group", rule: "R1-82")
            }
            if object.isGroup { throw NextHopFields.invalid("nexthop \(member.id) is a group itself") }
            if group.members.count > 1, object.target == .blackhole { throw Self.blackholeAmongOthers(member.id) }
        }
    }

    public static func blackholeAmongOthers(_ id: UInt32) -> FIBError {
        NextHopFields.invalid("blackhole \(id) can only be alone in a group")
    }

    // MARK: Where nexthops are checked

    /// What the kernel asks of a leg before it looks at its gateway: that its link is up and has someone at its other end.
    ///
    /// - Throws: EINVAL, ENETDOWN. Source: net/ipv4/nexthop.c `rtm_to_nh_config`.
    public func checkLink(of hop: NextHop) throws(FIBError) {
        guard let link = link(hop.device) else {
            throw FIBError(
                .einval, .linkNotFound, "there is no link '\(hop.device)'; create it with PUT /v1/links/\(hop.device)")
        }
        guard link.isUp else { throw FIBError(.enetdown, .linkDown, "link '\(link.name)' is down") }
        if impairments[link.name]?.inet.contains(.linkDown) ?? false {
            throw FIBError(.enetdown, .linkDown, "link '\(link.name)' has no carrier")
        }
    }

    /// That a gateway is reached over its link.
    ///
    /// - Throws: what a route with this nexthop would be refused with.
    ///   Source: net/ipv4/nexthop.c `nh_create_ipv4`, `nh_create_ipv6`.
    public func checkGateway(of object: NextHopObject) throws(FIBError) {
        guard let hop = object.leg, let family = object.family else { return }
        _ = try checked(hop, family, .global, in: family == .inet ? .main : nil)
    }
}
