/// Numbers in a packet that have names in `tc`.
enum FlowNames {
    /// Types of frames, as `tc` names a filter's protocol; `eth_type` says `ipv4` for `ip`.
    ///
    /// Source: kernel include/uapi/linux/if_ether.h; iproute2 lib/ll_proto.c.
    static let etherTypes: [(UInt16, String)] = [
        (0x0003, "all"), (0x0800, "ip"), (0x0806, "arp"), (0x8035, "rarp"), (0x86DD, "ipv6"), (0x8100, "802.1Q"),
        (0x88A8, "802.1ad"), (0x8847, "mpls_uc"), (0x8848, "mpls_mc"), (0x8863, "ppp_disc"), (0x8864, "ppp_ses"),
        (0x8902, "cfm"), (0x88CC, "lldp"), (0x8906, "fcoe"), (0x888E, "802.1x"), (0x88E5, "macsec"),
    ]

    /// Those that `tc` names under `ip_proto`.
    static let ipProtocols: [(UInt8, String)] = [
        (1, "icmp"), (6, "tcp"), (17, "udp"), (58, "icmpv6"), (115, "l2tp"), (132, "sctp"),
    ]

    /// Source: RFC 1661; iproute2 lib/ppp_proto.c.
    static let pppProtocols: [(UInt16, String)] = [
        (0x0021, "ip"), (0x0057, "ipv6"), (0x0281, "mpls_uc"), (0x0283, "mpls_mc"),
    ]

    static let arpOperations: [(UInt8, String)] = [(1, "request"), (2, "reply")]

    /// Bits of `ip_flags`, `enc_flags` and `ct_state`.
    ///
    /// Source: kernel include/uapi/linux/pkt_cls.h `TCA_FLOWER_KEY_FLAGS_…`, `TCA_FLOWER_KEY_CT_FLAGS_…`.
    static let ipFlags: [(UInt8, String)] = [(1, "frag"), (2, "firstfrag")]
    static let encFlags: [(UInt8, String)] = [(4, "csum"), (8, "tundf"), (16, "tunoam"), (32, "tuncrit")]
    static let ctStates: [(UInt8, String)] = [
        (8, "trk"), (1, "new"), (2, "est"), (16, "inv"), (4, "rel"), (32, "rpl"),
    ]

    /// `tc` prints numbers without a name in brackets.
    static func withoutBrackets(_ name: String) -> String {
        name.utf8.first == UInt8(ascii: "[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
    }

    static func name<Number>(_ number: Number, _ names: [(Number, String)]) -> String? where Number: Equatable {
        names.first { $0.0 == number }?.1
    }

    static func number<Number>(_ name: String, _ names: [(Number, String)]) -> Number? {
        if let known = names.first(where: { $0.1 == name }) { return known.0 }
        let lowercased = name.lowercased()
        return names.first { $0.1.lowercased() == lowercased }?.0
    }
}

/// The type of a frame (EtherType), in network order's number: a filter's protocol.
public struct EtherType: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Frames of any type (`ETH_P_ALL`).
    public static let all = EtherType(rawValue: 3)
    public static let ip = EtherType(rawValue: 0x0800)
    public static let ipv6 = EtherType(rawValue: 0x86DD)
    static let arp = EtherType(rawValue: 0x0806)
    static let rarp = EtherType(rawValue: 0x8035)
    static let pppSession = EtherType(rawValue: 0x8864)
    static let mplsUnicast = EtherType(rawValue: 0x8847)
    static let mplsMulticast = EtherType(rawValue: 0x8848)
    static let cfm = EtherType(rawValue: 0x8902)

    var isVLAN: Bool { rawValue == 0x8100 || rawValue == 0x88A8 }
    var isMPLS: Bool { self == .mplsUnicast || self == .mplsMulticast }
    var isIP: Bool { self == .ip || self == .ipv6 }

    /// A name, such as `ip`, `ipv6` or `802.1Q`, or a number from 0 to 65535, also one in brackets as `tc` prints those that it has
    /// no name for (`[2048]`).
    public init?(name: String) {
        let inner = FlowNames.withoutBrackets(name)
        let known = inner == "ipv4" ? 0x0800 : FlowNames.number(inner, FlowNames.etherTypes)
        guard let number = known ?? UInt16(written: inner) else { return nil }
        self.init(rawValue: number)
    }

    /// The number in brackets for those without a name.
    public var name: String { FlowNames.name(rawValue, FlowNames.etherTypes) ?? "[\(rawValue)]" }
}
