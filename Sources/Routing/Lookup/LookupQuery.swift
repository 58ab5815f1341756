public import Addressing

/// What a lookup asks for.
public struct LookupQuery: Hashable, Sendable {
    public var destination: IPAddress
    /// Where the packet comes from, if that is said.
    public var source: IPAddress?
    /// The link that the packet comes in by; nil if it is made here.
    public var input: String?
    /// One leg at least must lead over this link (R1-44); see `isStrict`.
    public var device: String?
    /// Whether only routes over that link will do. Of IPv6 packets that say where they come from, the link is but a wish (kernel
    /// `ip6_route_output_flags_noref`).
    var isStrict: Bool { !isDeviceWish && (destination.family == .inet || source == nil) }
    /// Whether it is no more than a wish, whatever else is said.
    var isDeviceWish = false
    /// Routes with another tos don't serve, but for those with none (R1-41). The two lowest bits say nothing.
    public var tos: UInt8 = 0
    /// Of the packet, which rules may look at (R1-08).
    public var mark: UInt32 = 0
    /// Id of the tunnel that it came out of; 0 of others.
    public var tunnel: UInt64 = 0
    /// Id of the user who sends it; nil of those that come in by a link.
    public var user: UInt32? = 0
    /// Of IP; 0 if it isn't known.
    public var ipProtocol: UInt8 = 0
    public var sourcePort: UInt16 = 0
    public var destinationPort: UInt16 = 0
    /// Whether rules may say that what is found doesn't count (R1-14). Not of gateways of IPv6 (kernel `fib6_lookup`, whose result
    /// `fib6_rule_suppress` doesn't look at).
    var isSuppressible = true
    /// No route of a wider scope will do (R1-44).
    var scope = RouteScope.global

    public init(destination: IPAddress, device: String? = nil) {
        self.destination = destination
        self.device = device
    }
}

/// The route that a lookup ends at.
public struct FoundRoute: Sendable {
    public let table: TableID
    /// Of its prefix.
    public let length: UInt8
    public let info: RouteInfo
    /// Which of its nexthops counts; nil of a route that leads nowhere.
    public internal(set) var leg: Int?
    /// Where its nexthop object leads, if it names one.
    let ways: NextHopWays?
    /// Its key, where there are several routes of the prefix; else it is the one that there is.
    public let key: RouteKey?

    /// Its nexthops, or those of its nexthop object.
    public var hops: [NextHop] { ways?.legs ?? info.nextHops }

    public var hop: NextHop? { leg.map { hops[$0] } }

    /// Whether its nexthop object is a blackhole.
    var isBlackhole: Bool { if case .blackhole = ways { true } else { false } }

    /// What it does with packets: `blackhole` also if its nexthop object is one.
    public var type: RouteType { isBlackhole ? .blackhole : info.type }
}

/// What a lookup comes to (R1-09, R1-30, R1-31).
public enum LookupResult: Sendable {
    case route(FoundRoute)
    /// A route of type `blackhole`, `unreachable` or `prohibit` refuses.
    case refused(FoundRoute)
    /// A rule refuses.
    case refusedByRule(PolicyRule)
    case nothing
}

/// How a lookup came to its result: every rule that it asked, in order.
public struct LookupTrace: Sendable {
    public struct Step: Sendable {
        public let rule: PolicyRule
        public internal(set) var course: Course
        /// Routes that hold the destination and didn't serve, and why.
        public internal(set) var passedOver: [(prefix: Prefix, metric: UInt32, reason: Reason)] = []
        /// What was found in its table.
        public internal(set) var found: FoundRoute?
    }

    /// What asking a rule came to.
    public enum Course: Sendable {
        /// It is for other packets: this of it doesn't agree.
        case isForOthers(PolicyRule.Selector)
        /// It asks its table.
        case asks
        /// There is no such table (R1-15).
        case lacksTable
        /// What was found in the table doesn't count (R1-14).
        case suppresses
        /// The next rule is asked.
        case passes
        /// Goes on with the rule of that priority.
        case goes(to: UInt32)
        /// There is no rule of that priority (R1-10).
        case isUnresolved
        /// Ends the lookup.
        case refuses
    }

    /// Why a route doesn't serve (R1-41, R1-44).
    public enum Reason: String, Sendable {
        case tos
        case scope
        /// All its nexthops lead over links that are down.
        case dead
        /// No nexthop of it leads over the link that was asked for.
        case device
        /// It is about to go (R1-48).
        case expired
        /// The nexthop object that it names is gone, and it is about to go too.
        case nexthop
    }

    public internal(set) var steps: [Step] = []

    public init() {}
}
