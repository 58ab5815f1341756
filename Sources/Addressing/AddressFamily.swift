/// Which internet protocol an address belongs to. Ordered: IPv4 before IPv6.
///
/// The raw value is the protocol's version number, not the number of a socket address family.
public enum AddressFamily: UInt8, CaseIterable, Comparable, Hashable, Sendable {
    case inet = 4
    case inet6 = 6

    /// The family called `inet`, `ipv4` or `4`; `inet6`, `ipv6` or `6`. Nil for every other text, capitals included.
    public init?(name: String) {
        switch name {
        case "inet", "ipv4", "4": self = .inet
        case "inet6", "ipv6", "6": self = .inet6
        default: return nil
        }
    }

    /// The family's name as iproute2 prints it: `inet` or `inet6`.
    @inlinable
    public var name: String { self == .inet ? "inet" : "inet6" }

    /// The number of bits in an address, which is the length of a prefix that holds one address: 32 or 128.
    @inlinable
    public var maximumLength: UInt8 { self == .inet ? 32 : 128 }

    @inlinable
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
