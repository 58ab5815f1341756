/// A block of addresses that share their first `length` bits.
///
/// All other bits of `address` are zero: no initialiser makes a prefix with host bits, so nobody need check again.
/// Ordered by family, then address, then the **longest first**: the order in which routes are listed. 18 bytes.
public struct Prefix: Hashable, Sendable {
    /// The first address of the block.
    public let address: IPAddress
    /// How many leading bits count: 0 to 32, or to 128.
    public let length: UInt8

    /// The prefix of exactly this address and length.
    ///
    /// Throws `bad-prefix-length` if the family has no such length, else `prefix-has-host-bits` if a bit beyond it is
    /// set; the message then names the prefix that was probably meant.
    @inlinable
    public init(address: IPAddress, length: UInt8) throws(AddressError) {
        guard length <= address.family.maximumLength else { throw Self.lengthError(address, length) }
        guard address.masked(to: length) == address else { throw Self.hostBitsError(address, length) }
        self.init(unchecked: address, length)
    }

    /// The prefix of this length that contains the address, host bits cleared. Throws `bad-prefix-length`.
    @inlinable
    public init(masking address: IPAddress, length: UInt8) throws(AddressError) {
        guard length <= address.family.maximumLength else { throw Self.lengthError(address, length) }
        self.init(unchecked: address.masked(to: length), length)
    }

    /// The prefix that holds one address: /32 or /128.
    @inlinable
    public init(host address: IPAddress) {
        self.init(unchecked: address, address.family.maximumLength)
    }

    /// For an address that is known to have no bits beyond the length, such as that of a table's key.
    @inlinable
    public init(unchecked address: IPAddress, _ length: UInt8) {
        assert(length <= address.family.maximumLength && address.masked(to: length) == address, "host bits")
        self.address = address
        self.length = length
    }

    /// 0.0.0.0/0 or ::/0.
    @inlinable
    public static func `default`(_ family: AddressFamily) -> Prefix {
        Prefix(unchecked: .unspecified(family), 0)
    }

    @inlinable
    public var family: AddressFamily { address.family }

    /// Whether it holds exactly one address.
    @inlinable
    public var isHost: Bool { length == address.family.maximumLength }

    /// The address in the block that has all host bits set; of an IPv4 subnet, its broadcast address.
    @inlinable
    public var lastAddress: IPAddress {
        if address.family == .inet {
            let bits = address.high | ~IPAddress.highMask(length)
            return IPAddress(inet: UInt32(truncatingIfNeeded: bits &>> 32))
        }
        return IPAddress(
            inet6: address.high | ~IPAddress.highMask(length), address.low | ~IPAddress.lowMask(length))
    }

    /// Whether the address lies in the block. False for one of the other family.
    @inlinable
    public func contains(_ other: IPAddress) -> Bool { other.masked(to: length) == address }

    /// Whether every address of `other` lies in the block; true of the prefix itself.
    @inlinable
    public func contains(_ other: Prefix) -> Bool { other.length >= length && contains(other.address) }
}

extension Prefix: Comparable {
    @inlinable
    public static func < (a: Self, b: Self) -> Bool {
        a.address != b.address ? a.address < b.address : a.length > b.length
    }
}

extension Prefix {
    @usableFromInline
    static func lengthError(_ address: IPAddress, _ length: UInt8) -> AddressError {
        let limit = address.family.maximumLength
        return AddressError(
            .badPrefixLength,
            "\(address)/\(length) is too long: \(address.family.name) prefixes are /0 to /\(limit)")
    }

    @usableFromInline
    static func hostBitsError(_ address: IPAddress, _ length: UInt8) -> AddressError {
        let network = address.masked(to: length)
        return AddressError(
            .prefixHasHostBits,
            "\(address)/\(length) has bits set beyond /\(length); did you mean \(network)/\(length)?")
    }
}
