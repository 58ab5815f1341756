/// An IPv4 or IPv6 address.
///
/// Shape: 128 bits in network order, left-aligned, so that an IPv4 address is the top 32 bits of `high` and prefixes of
/// both families are masked alike. Ordered by family, then as an unsigned number. 17 bytes, no references.
public struct IPAddress: Hashable, Sendable {
    /// The first 64 bits. Of an IPv4 address only the upper 32 can be set.
    public let high: UInt64
    /// The last 64 bits; zero in an IPv4 address.
    public let low: UInt64
    public let family: AddressFamily

    /// The IPv4 address whose first part is the most significant byte of `bits`.
    @inlinable
    public init(inet bits: UInt32) {
        self.init(.inet, high: UInt64(bits) &<< 32, low: 0)
    }

    /// The IPv6 address made of two halves in network order.
    @inlinable
    public init(inet6 high: UInt64, _ low: UInt64) {
        self.init(.inet6, high: high, low: low)
    }

    /// For bits that are known to fit the family, such as those of a table's key: the low 96 of an IPv4 address are zero.
    @inlinable
    public init(_ family: AddressFamily, high: UInt64, low: UInt64) {
        assert(family == .inet6 || (low == 0 && high & 0xFFFF_FFFF == 0), "stray bits in an IPv4 address")
        self.high = high
        self.low = low
        self.family = family
    }

    /// 0.0.0.0 or ::.
    @inlinable
    public static func unspecified(_ family: AddressFamily) -> Self { Self(family, high: 0, low: 0) }
}

extension IPAddress: Comparable {
    @inlinable
    public static func < (a: Self, b: Self) -> Bool {
        if a.family != b.family { return a.family < b.family }
        return a.high != b.high ? a.high < b.high : a.low < b.low
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::.
    @inlinable
    public var isUnspecified: Bool { high | low == 0 }

    /// In 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291, section 2.7).
    @inlinable
    public var isMulticast: Bool {
        family == .inet ? high &>> 60 == 0xE : high &>> 56 == 0xFF
    }

    /// In 127.0.0.0/8 (RFC 1122, section 3.2.1.3), or ::1.
    @inlinable
    public var isLoopback: Bool {
        family == .inet ? high &>> 56 == 127 : high == 0 && low == 1
    }

    /// In fe80::/10, which needs a device to mean anything. Never true of an IPv4 address: the kernel routes
    /// 169.254.0.0/16 like any other prefix.
    @inlinable
    public var isLinkLocal: Bool { family == .inet6 && high &>> 54 == 0x3FA }

    /// 255.255.255.255 (RFC 919).
    @inlinable
    public var isLimitedBroadcast: Bool { family == .inet && high &>> 32 == 0xFFFF_FFFF }

    /// The address with all bits beyond the first `length` cleared. A length beyond the family's is taken as all of it.
    @inlinable
    public func masked(to length: UInt8) -> IPAddress {
        IPAddress(family, high: high & Self.highMask(length), low: low & Self.lowMask(length))
    }

    /// The first `length` bits set, of those that lie in `high`.
    @inlinable
    static func highMask(_ length: UInt8) -> UInt64 {
        length == 0 ? 0 : ~0 &<< (64 - UInt64(min(length, 64)))
    }

    /// The first `length` bits set, of those that lie in `low`.
    @inlinable
    static func lowMask(_ length: UInt8) -> UInt64 {
        length <= 64 ? 0 : ~0 &<< (128 - UInt64(min(length, 128)))
    }
}
