/// A number in the options of a tunnel.
struct TunnelOptionMember: Sendable {
    let name: String
    /// In bytes.
    let size: Int
    /// The bits that mean something. Others don't count in masks, and can't be set in what is compared.
    let all: UInt64
    /// Whether texts have it in hexadecimal; if not, as C writes numbers.
    let isHex: Bool

    init(_ name: String, size: Int, all: UInt64? = nil, isHex: Bool = false) {
        self.name = name
        self.size = size
        self.all = all ?? .max >> UInt64(64 - 8 * size)
        self.isHex = isHex
    }

    var isWhole: Bool { all == .max >> UInt64(64 - 8 * size) }

    /// A number that has room in its bytes.
    func number(_ value: FlowValue) -> UInt64? {
        value.number.flatMap { $0 <= .max >> UInt64(64 - 8 * size) ? $0 : nil }
    }

    func number(written text: Substring) -> UInt64? { isHex ? UInt64(hex: text) : UInt64(written: text) }
}

extension TunnelOptions.Kind {
    /// In the order in which texts have them. Behind those of geneve comes `data`, which is no number.
    ///
    /// Source: iproute2 tc/f_flower.c `flower_print_geneve_opts` and its like; kernel include/net/vxlan.h `VXLAN_GBP_MASK`.
    var members: [TunnelOptionMember] {
        switch self {
        case .geneve: Self.geneveMembers
        case .vxlan: Self.vxlanMembers
        case .erspan: Self.erspanMembers
        case .gtp: Self.gtpMembers
        case .pfcp: Self.pfcpMembers
        }
    }

    private static let geneveMembers = [
        TunnelOptionMember("class", size: 2, isHex: true), TunnelOptionMember("type", size: 1, isHex: true),
    ]
    /// The group policy, that it is applied already (bit 19), and that nothing is to be learned (bit 22).
    private static let vxlanMembers = [TunnelOptionMember("gbp", size: 4, all: 0x48_FFFF)]
    private static let erspanMembers = [
        TunnelOptionMember("ver", size: 1), TunnelOptionMember("index", size: 4),
        TunnelOptionMember("dir", size: 1, all: 1), TunnelOptionMember("hwid", size: 1, all: 0x3F),
    ]
    private static let gtpMembers = [
        TunnelOptionMember("pdu_type", size: 1, isHex: true), TunnelOptionMember("qfi", size: 1, isHex: true),
    ]
    private static let pfcpMembers = [
        TunnelOptionMember("type", size: 1, isHex: true), TunnelOptionMember("seid", size: 8, isHex: true),
    ]

    /// Whether a member is among the bytes. Those of the other version of ERSPAN aren't: they are read, count for nothing, and are
    /// printed as 0.
    func carries(_ member: TunnelOptionMember, version: UInt64) -> Bool {
        self != .erspan || member.name == "ver" || (member.name == "index") == (version == 1)
    }
}

/// What a key of the options of tunnels says.
struct TunnelOptionsKey: Hashable, Sendable {
    enum Part: String, CaseIterable, Sendable {
        /// All of it in one text, as `tc` takes it.
        case text = "opts"
        case key = "opt_key"
        case mask = "opt_mask"
    }

    let kind: TunnelOptions.Kind
    let part: Part

    var name: String { "\(kind)_\(part.rawValue)" }

    static let all = TunnelOptions.Kind.allCases.flatMap { kind in
        Part.allCases.map { TunnelOptionsKey(kind: kind, part: $0) }
    }
}
