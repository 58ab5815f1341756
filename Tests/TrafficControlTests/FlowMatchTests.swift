import Routing
import TestSupport
import Testing

@testable import TrafficControl

/// What flower's keys mean, as `tc` writes and prints them.
@Suite struct FlowMatchTests {
    private func match(_ values: FlowMembers, _ type: EtherType = .ip) throws(FIBError) -> FlowMatch {
        try FlowMatch(values, protocol: type)
    }

    private func message(_ values: FlowMembers, _ type: EtherType = .ip) -> String {
        do throws(FIBError) {
            return "\(try match(values, type).values)"
        } catch {
            return "\(error.errno.rawValue): \(error.message)"
        }
    }

    @Test("Each field has a place of its own")
    func fieldsAreApart() {
        for field in FlowField.allCases {
            var bits = FlowBits()
            bits[field] = .max
            for other in FlowField.allCases {
                #expect(bits[other] == (other == field ? FlowBits.all(field) : 0), "\(field) and \(other)")
            }
            bits[field] = 0
            #expect(bits == FlowBits())
        }
    }

    @Test("The five of a flow take three words, so that they are compared at once")
    func flowsAreShort() throws {
        let match = try match([
            "ip_proto": .text("tcp"), "dst_ip": .text("10.0.0.1"), "src_ip": .text("10.0.0.2"), "dst_port": .number(80),
            "src_port": .number(1),
        ])
        #expect(match.mask.words.indices.count { match.mask.words[$0] != 0 } == 3)
    }

    @Test(
        "R4-92: a key without a mask is matched whole; forms of tc are read and printed",
        arguments: [
            ("dst_ip", "10.0.0.0/8", "10.0.0.0/8"), ("dst_ip", "10.0.0.1", "10.0.0.1"),
            ("src_ip", "10.0.0.1/255.0.255.0", "10.0.0.0/255.0.255.0"), ("dst_ip", "10.9.8.7/16", "10.9.0.0/16"),
            ("dst_mac", "02:00:00:00:00:01", "02:00:00:00:00:01"),
            ("src_mac", "2:0:0:0:0:ff/24", "02:00:00:00:00:00/24"),
            ("dst_mac", "02:00:00:00:00:01/01:00:00:00:00:01", "00:00:00:00:00:01/01:00:00:00:00:01"),
            ("enc_dst_ip", "2001:db8::1/64", "2001:db8::/64"), ("enc_src_ip", "192.0.2.1", "192.0.2.1"),
            ("ct_state", "+trk-new", "+trk-new"), ("ct_state", "-new+trk+est", "+trk-new+est"),
            (
                "ct_label", "000102030405060708090a0b0c0d0e0f/ffff0000000000000000000000000000",
                "00010000000000000000000000000000/ffff0000000000000000000000000000"
            ),
            // A mask of labels is hexadecimal, also if it could be a number of bits.
            ("ct_label", "11/10", "00000000000000000000000000000010/00000000000000000000000000000010"),
            ("indev", "eth0", "eth0"),
        ])
    func texts(key: String, given: String, printed: String) throws {
        #expect(try match([key: .text(given)]).values[key] == .text(printed))
    }

    @Test("Numbers have their masks in keys of their own, or behind them")
    func numbers() throws {
        let tcp: FlowMembers = ["ip_proto": .text("tcp")]
        func printed(_ more: FlowMembers) throws -> FlowMembers {
            try match(tcp.adding(more)).values.without("ip_proto", "eth_type")
        }
        #expect(try printed(["dst_port": .number(80)]) == ["dst_port": .number(80)])
        #expect(try printed(["dst_port": .text("80")]) == ["dst_port": .number(80)])
        let masked: FlowMembers = ["dst_port": .number(80), "dst_port_mask": .number(0xFFF0)]
        #expect(try printed(masked) == masked)
        #expect(try printed(["dst_port": .text("95/0xfff0")]) == masked)
        #expect(try printed(["tcp_flags": .text("0x2/17")]) == ["tcp_flags": .text("0x2/17")])
        #expect(try printed(["tcp_flags": .text("0x2")]) == ["tcp_flags": .text("0x2")])
        #expect(try printed(["ip_ttl": .number(64)]) == ["ip_ttl": .number(64)])
        let flags: FlowValue = .object(["frag": .bool(true), "firstfrag": .bool(false)])
        #expect(try printed(["ip_flags": flags]) == ["ip_flags": flags])
        #expect(
            try match(["icmp_type": .text("8/15"), "ip_proto": .text("icmp")]).values["icmp_type"] == .text("8/15"))
        #expect(try match(["ip_proto": .text("2f")]).values["ip_proto"] == .text("2f"))
        #expect(try match(["ip_proto": .number(47)]).values["ip_proto"] == .text("2f"))
    }

    @Test("R4-92: keys that such packets don't have are ignored, and it is said which")
    func unfitKeys() throws {
        let unfit: [(EtherType, FlowMembers)] = [
            (.ip, ["dst_port": .number(80)]), (.ip, ["ip_proto": .text("udp"), "tcp_flags": .text("0x2")]),
            (.ip, ["icmp_type": .text("8")]), (.ip, ["ip_proto": .text("icmpv6"), "icmp_type": .text("8")]),
            (.arp, ["ip_proto": .text("tcp"), "ip_tos": .number(1), "ip_ttl": .number(1)]),
            (.ip, ["arp_sip": .text("10.0.0.1"), "arp_op": .text("request")]), (.ip, ["mpls_label": .number(5)]),
            (.ip, ["vlan_id": .number(5)]), (.ip, ["pppoe_sid": .number(5)]), (.ip, ["l2tpv3_sid": .number(5)]),
            (EtherType(rawValue: 0x8100), ["cvlan_id": .number(5)]), (.ip, ["cfm": .object(["mdl": .number(5)])]),
        ]
        for (type, values) in unfit {
            let match = try match(values, type)
            let others = ["ip_proto"].filter { values[$0] != nil && type != .arp }
            #expect(match.ignored == values.names.filter { !others.contains($0) }.sorted(), "\(values)")
            #expect(match.values.names.filter { $0 != "eth_type" }.sorted() == others, "\(values)")
        }
    }

    @Test("Tags: the type of what is in them is that of the packet")
    func tags() throws {
        let vlan = EtherType(rawValue: 0x8100)
        let one = try match(
            ["vlan_id": .number(5), "vlan_prio": .number(3), "vlan_ethtype": .text("ip"), "dst_ip": .text("10.0.0.1")],
            vlan)
        #expect(one.values["eth_type"] == .text("ipv4") && one.ignored.isEmpty)
        #expect(one.key[.vlanTPID] == 0x8100 && one.key[.etherType] == 0x800)
        // As `tc` prints it.
        #expect(try match(one.values, vlan) == one)
        let two = try match(
            ["vlan_ethtype": .text("802.1Q"), "cvlan_id": .number(7), "cvlan_ethtype": .text("ipv6")],
            EtherType(rawValue: 0x88A8))
        #expect(two.key[.cvlanTPID] == 0x8100 && two.key[.etherType] == 0x86DD && two.ignored.isEmpty)
        #expect(try match(["num_of_vlans": .number(2), "cvlan_id": .number(7)], .all).ignored.isEmpty)
    }

    @Test("Labels: the members of the outermost entry, or a list of entries")
    func labels() throws {
        let mpls = EtherType(rawValue: 0x8847)
        let one: FlowMembers = ["mpls_label": .number(0xFFFFF), "mpls_bos": .number(1)]
        #expect(try match(one, mpls).values == one.adding(["eth_type": .text("8847")]))
        let list: FlowValue = .list([
            .object(["depth": .number(1), "label": .number(1), "tc": .number(7)]),
            .object(["depth": .number(3), "ttl": .number(255)]),
        ])
        #expect(try match(["mpls": list], mpls).values["mpls"] == list)
    }

    @Test("R4-93: a range of ports has both ends, the first below the last")
    func ranges() throws {
        func ports(_ start: UInt64?, _ end: UInt64?) -> FlowMembers {
            let ends = [("start", start), ("end", end)].compactMap { name, port in
                port.map { (name, FlowValue.number($0)) }
            }
            return ["ip_proto": .text("udp"), "dst_port": .object(FlowMembers(ends))]
        }
        let range = try match(ports(1, 65_535))
        #expect(range.dstPorts == 1...65_535 && range.srcPorts == nil)
        #expect(range.values["dst_port"] == ports(1, 65_535)["dst_port"])
        #expect(try match(ports(1, 9)) != match(ports(1, 8)))
        for (start, end) in [(5, 5), (6, 5), (nil, 5), (5, nil), (5, 65_536), (0, 5)] as [(UInt64?, UInt64?)] {
            #expect(throws: FIBError.self, "\(String(describing: start))") { try match(ports(start, end)) }
        }
    }

    @Test(
        "What means nothing is refused with a reason",
        arguments: [
            (["color": .text("red")], "no key 'color'"), (["dst_ip": .text("10.0.0.300")], "dst_ip"),
            (["dst_ip": .text("2001:db8::1")], "another family"), (["dst_ip": .text("10.0.0.1/33")], "dst_ip"),
            (["dst_mac": .text("02:00:00:00:00")], "dst_mac"), (["dst_port_mask": .number(1)], "without dst_port"),
            (["vlan_id": .number(4_096)], "vlan_id"), (["eth_type": .text("ipv6")], "eth_type"),
            (["ct_state": .text("+new")], "+trk"), (["ct_state": .text("+trk+new+est")], "excludes"),
            (["ct_state": .text("+trk+inv+new")], "+inv"), (["ct_state": .text("trk")], "ct_state"),
            (["indev": .text("a-name-of-16-byt")], "indev"), (["indev": .text("\u{0}a")], "indev"),
            (["indev": .text("..")], "indev"), (["indev": .text("a b")], "indev"), (["spi": .number(5)], "ip_proto"),
            (["ip_proto": .text("+6")], "ip_proto"),
            (["eth_type": .text("+800")], "eth_type"), (["ct_label": .text("-1")], "ct_label"),
            (["ip_ttl": .text("0x+5")], "ip_ttl"), (["dst_mac": .text("02:00:00:00:00:+1")], "dst_mac"),
            (["ip_flags": .object(["frag": .number(1)])], "ip_flags"), (["ip_proto": .text("tcpp")], "ip_proto"),
            (["enc_dst_ip": .text("10.0.0.1"), "enc_src_ip": .text("::1")], "one family"),
            (
                [
                    "ip_proto": .text("udp"), "dst_port": .object(["start": .number(1), "end": .number(2)]),
                    "dst_port_mask": .number(1),
                ], "a range"
            ),
        ] as [(FlowMembers, String)])
    func refusals(values: FlowMembers, part: String) {
        let message = message(values)
        #expect(message.hasPrefix("EINVAL") && message.contains(part), "\(message)")
    }

    @Test("PPPoE: what is in the session is of the type that goes with its protocol")
    func sessions() throws {
        let session = EtherType(rawValue: 0x8864)
        let keys: FlowMembers = [
            "pppoe_sid": .number(7), "ppp_proto": .text("ip"), "ip_proto": .text("udp"), "dst_ip": .text("10.0.0.1"),
        ]
        let match = try match(keys, session)
        #expect(match.values == keys.adding(["eth_type": .text("ipv4")]) && match.ignored.isEmpty)
        #expect(match.key[.pppoeType] == 0x8864)
        #expect(try self.match(match.values, session) == match)
        // Whatever it is in.
        let any = try self.match(["pppoe_sid": .number(7), "eth_type": .text("8864")], session)
        #expect(any.values == ["pppoe_sid": .number(7)] && any.mask[.etherType] == 0)
        #expect(try self.match(["ppp_proto": .text("[49185]")], session).values == ["ppp_proto": .text("[49185]")])
        #expect(
            try self.match(["ppp_proto": .number(49_185)], session)
                == self.match(["ppp_proto": .text("0xc021")], session))
        #expect(message(keys.adding(["eth_type": .text("ipv6")]), session).hasPrefix("EINVAL"))
    }

    @Test("An address of which no bit counts says of which family the packets are")
    func familiesAlone() throws {
        for (given, printed) in [("::/0", "::/0"), ("10.0.0.0/0", "0.0.0.0/0")] {
            for (name, other) in [("dst_ip", "src_ip"), ("enc_dst_ip", "enc_src_ip")] {
                let match = try match([other: .text(given)], .all)
                #expect(match.values == [name: .text(printed)])
                #expect(try self.match(match.values, .all) == match)
            }
        }
    }

    @Test("What is printed means the same again, whatever was given", arguments: UInt64(1)...8)
    func printedMeansTheSame(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let types = [0x0800, 0x86DD, 0x0806, 0x8100, 0x8847, 0x8864, 3].map { EtherType(rawValue: $0) }
        var count = 0
        for _ in 0..<400 {
            let type = types.randomElement(using: &random) ?? .ip
            var values: FlowMembers = [:]
            for key in FlowKey.all where Int.random(in: 0..<5, using: &random) == 0 {
                let part = FlowPart(
                    .random(in: 0...FlowBits.all(key.field), using: &random),
                    mask: Bool.random(using: &random)
                        ? FlowBits.all(key.field) : .random(in: 0...FlowBits.all(key.field), using: &random))
                let (value, mask) = key.form.value(part, key.field)
                values[key.name] = value
                values[key.name + "_mask"] = mask
            }
            if type == .all { values["eth_type"] = .text(["ipv4", "ipv6"].randomElement(using: &random) ?? "") }
            guard let match = try? match(values, type) else { continue }
            count += 1
            let again = try self.match(match.values, type)
            for field in FlowField.allCases {
                #expect(again.key[field] == match.key[field] && again.mask[field] == match.mask[field], "\(field)")
            }
            #expect(again == match && again.ignored.isEmpty)
        }
        #expect(count > 20)
    }
}
