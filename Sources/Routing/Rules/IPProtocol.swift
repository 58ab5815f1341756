/// The number of a protocol in an IP header. Names are those of `/etc/protocols`, which `ip` prints.
///
/// Source: IANA, Assigned Internet Protocol Numbers.
public struct IPProtocol: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let udp = IPProtocol(rawValue: 17)

    private static let names: [(UInt8, String)] = [
        (1, "icmp"), (2, "igmp"), (4, "ipencap"), (6, "tcp"), (8, "egp"), (17, "udp"), (33, "dccp"), (41, "ipv6"),
        (46, "rsvp"), (47, "gre"), (50, "esp"), (51, "ah"), (58, "ipv6-icmp"), (88, "eigrp"), (89, "ospf"),
        (94, "ipip"), (97, "etherip"), (98, "encap"), (103, "pim"), (108, "ipcomp"), (112, "vrrp"), (115, "l2tp"),
        (124, "isis"), (132, "sctp"), (136, "udplite"), (137, "mpls-in-ip"),
    ]
    private static let byName = Dictionary(uniqueKeysWithValues: names.map { ($0.1, $0.0) })
    private static let byNumber = Dictionary(uniqueKeysWithValues: names)

    /// A name, or a number from 0 to 255.
    public init?(name: String) {
        guard let number = Self.byName[name] ?? UInt8(decimal: name) else { return nil }
        rawValue = number
    }

    /// The number for protocols without a name.
    public var name: String { Self.byNumber[rawValue] ?? String(rawValue) }
}
