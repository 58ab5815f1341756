internal import Addressing

/// A key of flower: its name in `tc -json`, the field that it is about, and which packets have that field.
struct FlowKey: Sendable {
    let name: String
    let field: FlowField
    let form: FlowKeyForm
    /// Whether packets that agree with what is known so far have such a field (R4-92).
    let isFit: @Sendable (FlowBits) -> Bool

    private init(
        _ name: String, _ field: FlowField, _ form: FlowKeyForm,
        _ isFit: @escaping @Sendable (FlowBits) -> Bool = { _ in true }
    ) {
        self.name = name
        self.field = field
        self.form = form
        self.isFit = isFit
    }

    /// In an order in which what a key depends on comes before it; but for `dst_port` and `src_port` as ranges, the label stack and
    /// the options of tunnels, which have keys that are more than one field.
    static let all: [FlowKey] = outer + inner + tunnel + tracking

    /// The same in the order of their names.
    static let inOrder = all.sorted { $0.name < $1.name }

    /// Of the frame and its tags.
    private static let outer = [
        FlowKey("indev", .inputDevice, .device), FlowKey("l2_miss", .l2Miss, .truth),
        FlowKey("dst_mac", .dstMAC, .mac), FlowKey("src_mac", .srcMAC, .mac),
        FlowKey("num_of_vlans", .vlanCount, .wholeNumber),
        FlowKey("vlan_id", .vlanID, .wholeNumber, \.isTagged),
        FlowKey("vlan_prio", .vlanPriority, .wholeNumber, \.isTagged),
        FlowKey("vlan_ethtype", .vlanEtherType, .etherType, \.isTagged),
        FlowKey("cvlan_id", .cvlanID, .wholeNumber, \.isTaggedTwice),
        FlowKey("cvlan_prio", .cvlanPriority, .wholeNumber, \.isTaggedTwice),
        FlowKey("cvlan_ethtype", .cvlanEtherType, .etherType, \.isTaggedTwice),
    ]

    /// Of what is in it.
    private static let inner = [
        FlowKey("pppoe_sid", .pppoeSession, .wholeNumber) { $0[.pppoeType] != 0 },
        FlowKey("ppp_proto", .pppProtocol, .pppProtocol) { $0[.pppoeType] != 0 },
        FlowKey("ip_proto", .ipProtocol, .ipProtocol, \.innerType.isIP),
        FlowKey("ip_tos", .tos, .number, \.innerType.isIP), FlowKey("ip_ttl", .ttl, .number, \.innerType.isIP),
        FlowKey("dst_ip", .dstIP, .address(nil)), FlowKey("src_ip", .srcIP, .address(nil)),
        FlowKey("dst_port", .dstPort, .number, \.hasPorts), FlowKey("src_port", .srcPort, .number, \.hasPorts),
        FlowKey("tcp_flags", .tcpFlags, .hexText) { $0[.ipProtocol] == 6 },
        FlowKey("icmp_type", .icmpType, .numberText, \.isICMP),
        FlowKey("icmp_code", .icmpCode, .numberText, \.isICMP),
        FlowKey("l2tpv3_sid", .l2tpSession, .wholeNumber) { $0[.ipProtocol] == 115 },
        FlowKey("arp_sip", .arpSourceIP, .address(.inet), \.isARP),
        FlowKey("arp_tip", .arpTargetIP, .address(.inet), \.isARP),
        FlowKey("arp_op", .arpOperation, .arpOperation, \.isARP),
        FlowKey("arp_sha", .arpSourceMAC, .mac, \.isARP), FlowKey("arp_tha", .arpTargetMAC, .mac, \.isARP),
        FlowKey("spi", .spi, .wholeNumber),
        FlowKey("ip_flags", .ipFlags, .flags(FlowNames.ipFlags)),
    ]

    private static let tunnel = [
        FlowKey("enc_dst_ip", .encDstIP, .address(nil)), FlowKey("enc_src_ip", .encSrcIP, .address(nil)),
        FlowKey("enc_key_id", .encKeyID, .wholeNumber),
        FlowKey("enc_dst_port", .encDstPort, .number), FlowKey("enc_src_port", .encSrcPort, .number),
        FlowKey("enc_tos", .encTos, .number), FlowKey("enc_ttl", .encTTL, .number),
        FlowKey("enc_flags", .encFlags, .flags(FlowNames.encFlags)),
    ]

    /// Of connections.
    private static let tracking = [
        FlowKey("ct_state", .ctState, .states), FlowKey("ct_zone", .ctZone, .number),
        FlowKey("ct_mark", .ctMark, .number), FlowKey("ct_label", .ctLabel, .label),
    ]

    /// What a name stands for.
    enum Meaning {
        /// The key at that place of `all`.
        case key(Int)
        /// Its mask.
        case mask(Int)
        case options(TunnelOptionsKey)
        /// `eth_type`, which the type of the filter's packets says as well.
        case type
        case labels, cfm
    }

    static let meanings: [String: Meaning] = {
        var meanings: [String: Meaning] = [:]
        for (place, key) in all.enumerated() {
            meanings[key.name] = .key(place)
            if key.form.hasMaskOfItsOwn { meanings[key.name + "_mask"] = .mask(place) }
        }
        (meanings["eth_type"], meanings["cfm"]) = (.type, .cfm)
        for name in ["mpls", "mpls_label", "mpls_tc", "mpls_bos", "mpls_ttl"] { meanings[name] = .labels }
        for key in TunnelOptionsKey.all { meanings[key.name] = .options(key) }
        return meanings
    }()
}

extension FlowKeyForm {
    var hasMaskOfItsOwn: Bool { if case .number = self { true } else { false } }
}

extension FlowBits {
    var innerType: EtherType { EtherType(rawValue: UInt16(truncatingIfNeeded: self[.etherType])) }
    /// Whether there is a tag, or the first of two.
    var isTagged: Bool { self[.vlanTPID] != 0 || self[.vlanCount] > 0 }
    var isTaggedTwice: Bool { self[.cvlanTPID] != 0 || self[.vlanCount] > 1 }
    var hasPorts: Bool { [6, 17, 132].contains(self[.ipProtocol]) }
    var isARP: Bool { innerType == .arp || innerType == .rarp }
    /// Of the version that goes with the packet's.
    var isICMP: Bool { innerType == .ip && self[.ipProtocol] == 1 || innerType == .ipv6 && self[.ipProtocol] == 58 }
}
