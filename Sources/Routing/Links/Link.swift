public import Addressing

/// A network interface, as a router's operator sets it up.
public struct Link: Hashable, Sendable {
    /// Up to 15 bytes (`IFNAMSIZ`), as routes name it in `dev`.
    public var name: String
    /// Administratively up. Its addresses stay when it goes down.
    public var isUp = true
    /// In bytes.
    public var mtu: UInt32 = 1_500
    /// No address twice, in the order in which they were given: the first of a subnet is its primary one.
    public var addresses: [LinkAddress] = []
    /// Whether devices program routes that lead over it.
    public var isOffloaded = true
    /// Which rules may ask for (R1-14).
    public var group: UInt32 = 0
    /// `ignore_routes_with_linkdown`, which the kernel has for each family: legs over it don't count while there is no one at its
    /// other end.
    public var ignoresLinkDown = false
    /// `net.ipv6.conf.NAME.disable_ipv6`.
    public var disablesIPv6 = false
    /// `accept_redirects` of the link, which the kernel has for each family (R5-32).
    public var acceptsRedirects = true

    public init(name: String) { self.name = name }

    /// Whether a link can have that name (kernel `dev_valid_name`).
    public static func isName(_ name: Span<UInt8>) -> Bool {
        guard (1...15).contains(name.count) else { return false }
        var dots = 0
        for index in name.indices {
            switch name[index] {
            case 0...0x20, UInt8(ascii: "/"), UInt8(ascii: ":"), 0x7f: return false
            case UInt8(ascii: "."): dots += 1
            default: break
            }
        }
        return dots < name.count || name.count > 2
    }

    public static func isName(_ name: String) -> Bool {
        let utf8 = name.utf8Span
        return isName(utf8.span)
    }

    public var isLoopback: Bool { name == "lo" }

    /// Whether routes of the family can lead over it.
    public func isUsable(_ family: AddressFamily) -> Bool { isUp && (family == .inet || !disablesIPv6) }
}

/// An address on a link, with the length of the subnet it stands in: `192.0.2.1/24`.
public struct LinkAddress: Hashable, Sendable {
    public let address: IPAddress
    /// At most that of the family.
    public let length: UInt8

    /// Nil if there is no such length, or if the address is not one that a host can have.
    public init?(_ address: IPAddress, length: UInt8) {
        guard length <= address.family.maximumLength, !address.isMulticast, !address.isUnspecified,
            !address.isLimitedBroadcast
        else { return nil }
        self.address = address
        self.length = length
    }

    public var subnet: Prefix { Prefix(unchecked: address.masked(to: length), length) }
}

extension LinkAddress: CustomStringConvertible {
    public var description: String { "\(address)/\(length)" }
}
