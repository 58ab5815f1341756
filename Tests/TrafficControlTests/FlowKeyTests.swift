import Routing
import Testing

@testable import TrafficControl

/// Every key of flower, as `tc -json` prints it.
@Suite struct FlowKeyTests {
    /// For each key what goes before it, the type of the frame, and values as `tc -json` prints them.
    private static let printed: [String: (EtherType, FlowMembers, [FlowValue])] = {
        let (vlan, arp, session) = (
            EtherType(rawValue: 0x8100), EtherType(rawValue: 0x0806), EtherType(rawValue: 0x8864)
        )
        func ip(_ name: String) -> FlowMembers { ["ip_proto": .text(name)] }
        let two: FlowMembers = ["vlan_ethtype": .text("802.1Q")]
        func flags(_ names: String...) -> FlowValue {
            .object(FlowMembers(names.map { ($0, .bool($0 != names[0])) }))
        }
        return [
            "indev": (.ip, [:], [.text("eth0"), .text("a-name-of-15-by")]),
            "l2_miss": (.ip, [:], [.bool(true), .bool(false)]),
            "dst_mac": (.ip, [:], [.text("02:00:00:00:00:01"), .text("02:00:00:00:00:00/24")]),
            "src_mac": (.ip, [:], [.text("02:00:00:00:00:00/03:00:00:00:00:01")]),
            "num_of_vlans": (.ip, [:], [.number(0), .number(2)]),
            "vlan_id": (vlan, [:], [.number(0), .number(4_095)]), "vlan_prio": (vlan, [:], [.number(7)]),
            "vlan_ethtype": (vlan, [:], [.text("ipv6"), .text("[4660]")]),
            "cvlan_id": (vlan, two, [.number(1)]), "cvlan_prio": (vlan, two, [.number(0)]),
            "cvlan_ethtype": (vlan, two, [.text("ip"), .text("arp")]),
            "pppoe_sid": (session, [:], [.number(65_535)]),
            "ppp_proto": (session, [:], [.text("ip"), .text("mpls_uc"), .text("[49185]")]),
            "ip_proto": (.ip, [:], [.text("tcp"), .text("2f"), .text("00")]),
            "ip_tos": (.ipv6, [:], [.number(16)]), "ip_ttl": (.ip, [:], [.number(255)]),
            "dst_ip": (.ipv6, [:], [.text("2001:db8::1"), .text("2001:db8::/32"), .text("::/0")]),
            "src_ip": (.ip, [:], [.text("10.0.0.1"), .text("10.0.0.0/255.0.255.0")]),
            "dst_port": (.ip, ip("tcp"), [.number(80), .object(["start": .number(1), "end": .number(9)])]),
            "src_port": (.ip, ip("sctp"), [.number(0)]),
            "tcp_flags": (.ip, ip("tcp"), [.text("0x2"), .text("0x2/fff")]),
            "icmp_type": (.ip, ip("icmp"), [.text("8"), .text("8/15")]),
            "icmp_code": (.ipv6, ip("icmpv6"), [.text("0")]),
            "l2tpv3_sid": (.ip, ip("l2tp"), [.number(4_294_967_295)]),
            "arp_sip": (arp, [:], [.text("10.0.0.1")]), "arp_tip": (arp, [:], [.text("10.0.0.0/8")]),
            "arp_op": (arp, [:], [.text("reply"), .text("9"), .text("1/3")]),
            "arp_sha": (arp, [:], [.text("02:00:00:00:00:01")]), "arp_tha": (arp, [:], [.text("00:00:00:00:00:00")]),
            "spi": (.ip, ip("32"), [.number(5)]), "ip_flags": (.ip, [:], [flags("frag"), flags("frag", "firstfrag")]),
            "enc_dst_ip": (.ip, [:], [.text("192.0.2.1")]), "enc_src_ip": (.ip, [:], [.text("2001:db8::/64")]),
            "enc_key_id": (.ip, [:], [.number(5)]), "enc_dst_port": (.ip, [:], [.number(4_789)]),
            "enc_src_port": (.ip, [:], [.number(1)]), "enc_tos": (.ip, [:], [.number(0)]),
            "enc_ttl": (.ip, [:], [.number(64)]),
            "enc_flags": (.ip, [:], [flags("csum"), flags("tundf", "tunoam", "tuncrit")]),
            "ct_state": (.ip, [:], [.text("+trk-new"), .text("-trk")]), "ct_zone": (.ip, [:], [.number(5)]),
            "ct_mark": (.ip, [:], [.number(5)]),
            "ct_label": (
                .ip, [:],
                [
                    .text("000102030405060708090a0b0c0d0e0f"),
                    .text("00010000000000000000000000000000/ffff0000000000000000000000000000"),
                ]
            ),
        ]
    }()

    @Test("Every key is printed as it was given in the form of tc", arguments: FlowKey.all.map(\.name))
    func everyKey(name: String) throws {
        let (type, others, values) = try #require(Self.printed[name], "a key without an example")
        let form = FlowKey.all.first { $0.name == name }?.form
        for value in values {
            var given = others.adding([name: value])
            let match = try FlowMatch(given, protocol: type)
            #expect(match.ignored.isEmpty)
            #expect(match.values.without("eth_type") == given)
            #expect(try FlowMatch(match.values, protocol: type) == match)
            // A mask of its own, where numbers have one.
            guard form?.hasMaskOfItsOwn ?? false, case .number(let number) = value else { continue }
            given[name] = .number(number & 0x50)
            given[name + "_mask"] = .number(0x50)
            let masked = try FlowMatch(given, protocol: type)
            #expect(masked.values.without("eth_type") == given)
            #expect(try FlowMatch(masked.values, protocol: type) == masked && masked != match)
        }
    }
}
