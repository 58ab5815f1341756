public import Addressing

/// A nexthop that has a number of its own, so that many routes can lead where it leads (`ip nexthop`).
///
/// Source: Linux `include/net/nexthop.h`, `net/ipv4/nexthop.c`.
public struct NextHopObject: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
        /// A link, and mostly a gateway; of weight 1.
        case leg(NextHop)
        /// What is sent there is dropped.
        case blackhole
        /// Others, among which flows are shared out.
        case group([Member])
    }

    public struct Member: Hashable, Sendable {
        public let id: UInt32
        /// 1 to 256: its share of flows.
        public let weight: UInt16

        public init(id: UInt32, weight: UInt16 = 1) {
            self.id = id
            self.weight = weight
        }
    }

    /// What routes name it by (`nhid`); not 0.
    public let id: UInt32
    /// Of which routes can use it: IPv6 routes no IPv4 one. Nil of groups, of which the members say it.
    public let family: AddressFamily?
    public let target: Target
    /// Who put it there.
    public let `protocol`: RouteProtocol

    public init(id: UInt32, family: AddressFamily?, _ target: Target, protocol: RouteProtocol = .unspecified) {
        self.id = id
        self.family = family
        self.target = target
        self.protocol = `protocol`
    }

    public var leg: NextHop? { if case .leg(let hop) = target { hop } else { nil } }

    /// Empty of what is no group.
    public var members: [Member] { if case .group(let members) = target { members } else { [] } }

    public var isGroup: Bool { if case .group = target { true } else { false } }

    /// Whether its gateway, if it has one, can be one at all.
    ///
    /// - Throws: EINVAL (R1-73, R1-100).
    public func checkLeg() throws(FIBError) {
        if let leg, let family { try Route.check(leg, .global, family) }
    }

    /// The group without the others; nil if no one is left.
    public func without(_ ids: Set<UInt32>) -> NextHopObject? {
        let left = members.filter { !ids.contains($0.id) }
        return left.isEmpty ? nil : NextHopObject(id: id, family: nil, .group(left), protocol: self.protocol)
    }
}

/// How many routes of one table use a nexthop object, and what of them restricts what it may become.
public struct NextHopUsers: Hashable, Sendable {
    public internal(set) var count = 0
    /// Of scope host: they take no gateway.
    public internal(set) var ofHost = 0
    /// Of scope link: they take no gateway that is said to be on the link.
    public internal(set) var ofLink = 0

    public init() {}

    mutating func add(_ number: Int, _ info: RouteInfo) {
        count += number
        if info.fields.scope == .host { ofHost += number }
        if info.fields.scope >= .link { ofLink += number }
    }

    public static func += (a: inout Self, b: Self) {
        a.count += b.count
        a.ofHost += b.ofHost
        a.ofLink += b.ofLink
    }
}
