public import Addressing

/// Everything of a route but its prefix, tos and place: shared by all routes that agree in it, as the kernel shares its `fib_info`
/// (R1-22).
///
/// Immutable, so that readers on any thread may keep it. References count for the tables and the readers alike.
public final class RouteInfo: Hashable, Sendable {
    /// How an IPv6 router ranks against others (RFC 4191).
    public enum Preference: UInt8, CaseIterable, Sendable {
        case medium = 0, high = 1, low = 3
        public var name: String { "\(self)" }
    }

    public struct Fields: Hashable, Sendable {
        public var type = RouteType.unicast
        public var `protocol` = RouteProtocol.boot
        public var scope = RouteScope.global
        public var preferredSource: IPAddress?
        /// In order; empty for types that lead nowhere.
        public var nextHops: [NextHop] = []
        /// As in the route's key: here too, so that a lookup which finds the info knows it (R1-21, `fib_priority`).
        public var metric: UInt32 = 0
        /// The nexthop object that it leads to, instead of nexthops of its own (`nhid`); 0 for none.
        public var nextHopID: UInt32 = 0
        public var metrics = RouteMetrics()
        /// When it ends to be, in milliseconds since 1970; 0 for never.
        public var expiresAt: UInt64 = 0
        public var preference = Preference.medium

        public init() {}
    }

    public let fields: Fields
    public let hopCount: Int
    private let hashValueOfFields: Int

    public init(_ fields: Fields) {
        self.fields = fields
        hopCount = fields.nextHops.count
        hashValueOfFields = fields.hashValue
    }

    public var type: RouteType { fields.type }
    public var `protocol`: RouteProtocol { fields.protocol }
    public var nextHops: [NextHop] { fields.nextHops }

    public static func == (a: RouteInfo, b: RouteInfo) -> Bool {
        a === b || (a.hashValueOfFields == b.hashValueOfFields && a.fields == b.fields)
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(hashValueOfFields) }

    /// May be one leg of an IPv6 multipath route: reached through a gateway, and not learned from an advertisement
    /// (R1-24). Nor one that expires, which would take the others with it.
    var isMergeable: Bool {
        fields.type == .unicast && fields.protocol != .routerAdvertisement && !fields.nextHops.isEmpty
            && fields.nextHops.allSatisfy { $0.gateway != nil } && fields.expiresAt == 0
    }

    /// The same at another metric.
    public func with(metric: UInt32) -> RouteInfo {
        if fields.metric == metric { return self }
        var fields = self.fields
        fields.metric = metric
        return RouteInfo(fields)
    }

    /// The same with other nexthops.
    public func with(nextHops: [NextHop]) -> RouteInfo {
        var fields = self.fields
        fields.nextHops = nextHops
        return RouteInfo(fields)
    }
}
