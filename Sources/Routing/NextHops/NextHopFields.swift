public import Addressing

/// What someone says of a nexthop object that is to be; the rest is as `ip nexthop add` has it.
public struct NextHopFields: Hashable, Sendable {
    /// Nil or 0: the server finds one.
    public var id: UInt32?
    /// Else that of the gateway, or IPv4.
    public var family: AddressFamily?
    public var gateway: IPAddress?
    public var device: String?
    public var flags: NextHop.Flags = []
    public var isBlackhole = false
    public var members: [NextHopObject.Member]?
    public var `protocol`: RouteProtocol?

    public init() {}

    /// In its group.
    public static let memberLimit = 256

    /// The object under that number, if it says what makes one; `NextHopObject.checkLeg` and others look at the rest.
    ///
    /// - Throws: EINVAL. Source: net/ipv4/nexthop.c `rtm_to_nh_config`, `nh_check_attr_group`.
    public func object(_ id: UInt32) throws(FIBError) -> NextHopObject {
        let owner = self.protocol ?? .unspecified
        if let members {
            if gateway != nil || device != nil || isBlackhole || family != nil || !flags.isEmpty {
                throw Self.invalid("a group has members and nothing else: no family, gateway, dev, flags or blackhole")
            }
            try Self.check(members)
            return NextHopObject(id: id, family: nil, .group(members), protocol: owner)
        }
        let family = self.family ?? gateway?.family ?? .inet
        if isBlackhole {
            if gateway != nil || device != nil || !flags.isEmpty {
                throw Self.invalid("a blackhole leads nowhere: leave out gateway, dev and flags")
            }
            return NextHopObject(id: id, family: family, .blackhole, protocol: owner)
        }
        return NextHopObject(id: id, family: family, .leg(try leg(family)), protocol: owner)
    }

    private func leg(_ family: AddressFamily) throws(FIBError) -> NextHop {
        guard let device else {
            throw FIBError(
                .einval, .nextHopMissing, "a nexthop needs a dev, the members of a group, or to be a blackhole")
        }
        if let gateway, gateway.family != family {
            throw FIBError(.einval, .familyMismatch, "gateway \(gateway) is not of the family \(family.name)")
        }
        if gateway == nil, !flags.isEmpty {
            throw FIBError(.einval, .gatewayInvalid, "onlink says something of a gateway, and there is none")
        }
        return NextHop(gateway: gateway, device: device, flags: flags)
    }

    private static func check(_ members: [NextHopObject.Member]) throws(FIBError) {
        if members.isEmpty { throw invalid("a group without members") }
        if members.count > memberLimit {
            throw invalid("a group of \(members.count) members; \(memberLimit) is the limit")
        }
        var seen: Set<UInt32> = []
        for member in members {
            if !(1...256).contains(member.weight) {
                throw FIBError(.einval, .weightInvalid, "weight \(member.weight) is not in 1…256", rule: "R1-50")
            }
            if seen.insert(member.id).inserted { continue }
            throw invalid("nexthop \(member.id) is twice in the group")
        }
    }

    static func invalid(_ message: String) -> FIBError { FIBError(.einval, .nextHopInvalid, message) }
}
