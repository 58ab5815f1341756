public import Addressing

/// What a lookup asks for.
public struct LookupQuery: Hashable, Sendable {
    public let destination: IPAddress
    /// Where the packet comes from, if that is said.
    public var source: IPAddress?
    /// One leg at least must lead over this link (R1-44).
    public var device: String?
    /// Routes with another tos don't serve, but for those with none (R1-41). The two lowest bits say nothing.
    public var tos: UInt8 = 0
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
    /// Its key, where there are several routes of the prefix; else it is the one that there is.
    public let key: RouteKey?

    public var hop: NextHop? { leg.map { info.nextHops[$0] } }
}

/// What a lookup comes to (R1-30, R1-31).
public enum LookupResult: Sendable {
    case route(FoundRoute)
    /// A route of type `blackhole`, `unreachable` or `prohibit` refuses.
    case refused(FoundRoute)
    case nothing
}

/// How a lookup came to its result: every rule that it asked, in order.
public struct LookupTrace: Sendable {
    public struct Step: Sendable {
        public let rule: PolicyRule
        /// Routes that hold the destination and didn't serve, and why.
        public internal(set) var passedOver: [(prefix: Prefix, metric: UInt32, reason: Reason)] = []
        /// What was found in its table.
        public internal(set) var found: FoundRoute?
    }

    /// Why a route doesn't serve (R1-41, R1-44).
    public enum Reason: String, Sendable {
        case tos
        case scope
        /// All its nexthops lead over links that are down.
        case dead
        /// No nexthop of it leads over the link that was asked for.
        case device
    }

    public internal(set) var steps: [Step] = []

    public init() {}
}
