/// A part of a packet that flower can compare.
///
/// Source: kernel net/sched/cls_flower.c `struct fl_flow_key`.
public enum FlowField: Int, CaseIterable, Sendable {
    // Those that are mostly compared together lie together.
    /// Of what the innermost tag that is known of has in it; without tags, of the packet.
    case etherType
    case ipProtocol, addressType, dstPort, srcPort
    case dstIP, srcIP
    case tos, ttl, tcpFlags, icmpType, icmpCode, ipFlags, l2Miss, vlanCount
    case dstMAC, srcMAC
    /// The type of the tag itself, such as 0x8100.
    case vlanTPID
    case vlanEtherType, vlanID, vlanPriority
    case cvlanTPID, cvlanEtherType, cvlanID, cvlanPriority
    /// Name of the link that the packet came in by.
    case inputDevice
    /// Entries of the label stack, from the outermost on: 20 bits of label, 3 of traffic class, the bottom of the stack, ttl.
    case mpls1, mpls2, mpls3, mpls4, mpls5, mpls6, mpls7
    case arpSourceIP, arpTargetIP, arpOperation, arpSourceMAC, arpTargetMAC
    case l2tpSession, spi
    /// The type of the frame that a PPPoE session is in, 0x8864.
    case pppoeType
    case pppoeSession, pppProtocol, cfmLevel, cfmOpcode
    case encAddressType, encDstPort, encSrcPort, encKeyID, encTos, encTTL, encFlags, encDstIP, encSrcIP
    case ctState, ctZone, ctMark, ctLabel

    /// In bits.
    var width: Int {
        switch self {
        case .dstIP, .srcIP, .encDstIP, .encSrcIP, .inputDevice, .ctLabel: 128
        case .dstMAC, .srcMAC, .arpSourceMAC, .arpTargetMAC: 48
        case .mpls1, .mpls2, .mpls3, .mpls4, .mpls5, .mpls6, .mpls7: 32
        case .arpSourceIP, .arpTargetIP, .l2tpSession, .spi, .encKeyID, .ctMark: 32
        case .etherType, .dstPort, .srcPort, .tcpFlags, .vlanTPID, .vlanEtherType, .cvlanTPID, .cvlanEtherType: 16
        case .pppoeType, .pppoeSession, .pppProtocol, .encDstPort, .encSrcPort, .ctState, .ctZone: 16
        case .vlanID, .cvlanID: 12
        case .ipProtocol, .tos, .ttl, .icmpType, .icmpCode, .vlanCount, .arpOperation, .cfmOpcode, .encTos, .encTTL: 8
        case .ipFlags, .encFlags: 8
        case .vlanPriority, .cvlanPriority, .cfmLevel: 3
        case .addressType, .encAddressType: 2
        case .l2Miss: 1
        }
    }

    /// Entries of the label stack, the outermost first.
    static let mpls: [FlowField] = [.mpls1, .mpls2, .mpls3, .mpls4, .mpls5, .mpls6, .mpls7]
}

/// What `FlowField.addressType` has: of which family the addresses are.
enum FlowAddressType {
    static let inet: UInt128 = 1
    static let inet6: UInt128 = 2
}
