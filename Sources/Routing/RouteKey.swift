public import Addressing
public import ChangeLog

/// Where a route stands in its table. Its order is the order of lookups and listings: address, longest prefix first, tos
/// descending, metric ascending (R1-40…R1-42), position in the list of that key (R1-43).
///
/// 24 bytes: at a million routes each further byte costs a megabyte in every image.
@frozen public struct RouteKey: ImageKey, Hashable {
    public let high: UInt64
    public let low: UInt64
    /// From the top: 255 − length, 255 − tos, metric (4 bytes), position (2 bytes).
    public let rank: UInt64

    /// Position of the first route of a key. Appended ones follow upwards, prepended ones downwards.
    static let firstPosition: UInt16 = 0x8000

    public init(_ prefix: Prefix, tos: UInt8, metric: UInt32, position: UInt16) {
        high = prefix.address.high
        low = prefix.address.low
        rank =
            UInt64(255 - prefix.length) << 56 | UInt64(255 - tos) << 48 | UInt64(metric) << 16 | UInt64(position)
    }

    /// From its words, as a client gives them back: nil if they are no key of the family.
    public init?(high: UInt64, low: UInt64, rank: UInt64, family: AddressFamily) {
        self.init(high: high, low: low, rank: rank)
        let isAddress = family == .inet6 || (low == 0 && high & 0xffff_ffff == 0)
        guard isAddress, rank < UInt64.max, length <= family.maximumLength else { return nil }
        let address = IPAddress(family, high: high, low: low)
        guard address.masked(to: length) == address else { return nil }
    }

    private init(high: UInt64, low: UInt64, rank: UInt64) {
        self.high = high
        self.low = low
        self.rank = rank
    }

    /// No key is below it.
    static let least = RouteKey(high: 0, low: 0, rank: 0)

    /// For walks that start at an address: no route of `address` comes before this key.
    public init(startingAt address: IPAddress) {
        self.init(high: address.high, low: address.low, rank: 0)
    }

    /// For walks that go on behind the routes of `address`: every route of it comes before this key. Nil at the end of
    /// the address space.
    public init?(behind address: IPAddress) {
        let step: UInt64 = address.family == .inet ? 1 << 32 : 0
        if address.family == .inet {
            let (next, overflow) = address.high.addingReportingOverflow(step)
            if overflow { return nil }
            self.init(high: next, low: 0, rank: 0)
        } else {
            let (low, carry) = address.low.addingReportingOverflow(1)
            let (high, overflow) = address.high.addingReportingOverflow(carry ? 1 : 0)
            if overflow { return nil }
            self.init(high: high, low: low, rank: 0)
        }
    }

    @inlinable public var length: UInt8 { 255 - UInt8(truncatingIfNeeded: rank >> 56) }
    @inlinable public var tos: UInt8 { 255 - UInt8(truncatingIfNeeded: rank >> 48) }
    @inlinable public var metric: UInt32 { UInt32(truncatingIfNeeded: rank >> 16) }
    @inlinable public var position: UInt16 { UInt16(truncatingIfNeeded: rank) }

    @inlinable public func prefix(_ family: AddressFamily) -> Prefix {
        Prefix(unchecked: IPAddress(family, high: high, low: low), length)
    }

    /// The first key that a route of the same prefix can have.
    public var startOfPrefix: RouteKey { RouteKey(high: high, low: low, rank: rank & (0xff << 56)) }

    public func isSamePrefix(as other: RouteKey) -> Bool {
        high == other.high && low == other.low && rank >> 56 == other.rank >> 56
    }

    /// The first key that a route of the same list can have.
    public var startOfList: RouteKey { at(position: 0) }

    /// Equal but for the position: in the kernel's words, the same key (R1-20, R1-23).
    public func isSameKey(as other: RouteKey) -> Bool {
        high == other.high && low == other.low && rank >> 16 == other.rank >> 16
    }

    func at(position: UInt16) -> RouteKey {
        RouteKey(high: high, low: low, rank: rank & ~0xffff | UInt64(position))
    }

    @inlinable public var leading: UInt64 { high }

    @inlinable public static func < (a: Self, b: Self) -> Bool {
        if a.high != b.high { return a.high < b.high }
        if a.low != b.low { return a.low < b.low }
        return a.rank < b.rank
    }
}

extension RouteKey {
    /// The next key at the same address.
    public var successor: RouteKey { RouteKey(high: high, low: low, rank: rank + 1) }
}
