public import Addressing

/// One way out of a route: through a gateway, a device, or both.
public struct NextHop: Hashable, Sendable {
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The gateway counts as directly connected to `device`, whatever the tables say (`RTNH_F_ONLINK`).
        public static let onlink = Flags(rawValue: 4)
        /// `RTNH_F_PERVASIVE`; kept, without effect.
        public static let pervasive = Flags(rawValue: 2)
    }

    /// May be of the other family in IPv4 routes (`via` in iproute2's output).
    public var gateway: IPAddress?
    /// Name of the link, up to 15 bytes; empty if none was given.
    public var device: String
    /// 1 to 256: the share of flows among the nexthops of a route (R1-50).
    public var weight: UInt16
    public var flags: Flags

    public init(gateway: IPAddress? = nil, device: String = "", weight: UInt16 = 1, flags: Flags = []) {
        self.gateway = gateway
        self.device = device
        self.weight = weight
        self.flags = flags
    }

    /// What the kernel compares to recognise an IPv6 nexthop again (R1-25).
    func isSameHop(as other: NextHop) -> Bool { gateway == other.gateway && device == other.device }
}
