import ControlPlane
import Routing
import Testing
import TrafficControl

@testable import API

/// Packets that blocks are asked about.
@Suite struct PacketInputTests {
    private func read(_ text: String, in place: BlockIdentity.Place? = nil) throws -> Packet {
        try InputReading.read(text) { try PacketInput(&$0, in: place).packet }
    }

    @Test("A packet has the fields that are said of it, and what follows from these")
    func fields() throws {
        let packet = try read(
            #"{"protocol":"ip","keys":{"ip_proto":"tcp","src_ip":"192.0.2.1","dst_port":80,"ip_flags":{"frag":false}},"length":1500}"#
        )
        #expect(packet.protocol == .ip && packet.length == 1500)
        #expect(packet.fields[.etherType] == 0x800 && packet.fields[.ipProtocol] == 6 && packet.fields[.dstPort] == 80)
        #expect(packet.fields[.srcIP] == 0xC000_0201 << 96 && packet.fields[.addressType] == 1)
        #expect(packet.fields[.vlanCount] == 0 && packet.fields[.inputDevice] == 0)
        let bare = try read(#"{"protocol":34525}"#)
        #expect(bare.protocol == .ipv6 && bare.length == 0 && bare.fields[.addressType] == 2)
    }

    @Test("Tags are counted by their types")
    func tags() throws {
        let one = try read(#"{"protocol":"802.1Q","keys":{"vlan_id":5,"vlan_ethtype":"ip","dst_ip":"192.0.2.1"}}"#)
            .fields
        #expect(one[.vlanCount] == 1 && one[.vlanID] == 5 && one[.etherType] == 0x800 && one[.addressType] == 1)
        let two = try read(#"{"protocol":"802.1ad","keys":{"vlan_ethtype":"802.1Q","cvlan_ethtype":"ipv6"}}"#).fields
        #expect(two[.vlanCount] == 2 && two[.etherType] == 0x86DD && two[.addressType] == 2)
        let three = try read(
            #"{"protocol":"802.1ad","keys":{"vlan_ethtype":"802.1Q","cvlan_ethtype":"802.1Q","num_of_vlans":3}}"#)
        #expect(three.fields[.vlanCount] == 3)
    }

    @Test("What comes in by a link has that as indev, unless it says another one")
    func inputDevice() throws {
        func device(_ name: String, _ place: BlockIdentity.Place?) throws -> UInt128 {
            let keys = name.isEmpty ? "{}" : #"{"indev":"\#(name)"}"#
            return try read(#"{"protocol":"ip","keys":\#(keys)}"#, in: place).fields[.inputDevice]
        }
        let eth0 = try device("eth0", nil)
        #expect(eth0 != 0)
        #expect(try device("", .ingress("eth0")) == eth0)
        #expect(try device("eth0", .ingress("eth1")) == eth0)
        #expect(try device("", .egress("eth0")) == 0 && device("", .shared(1)) == 0)
    }

    @Test("A packet that is read agrees with the filters that compare its fields")
    func agreement() throws {
        let keys = #"{"ip_proto":"udp","dst_ip":"2001:db8::1","src_port":53,"ip_ttl":64}"#
        let packet = try read(#"{"protocol":"ipv6","keys":\#(keys)}"#)
        let values = try InputReading.read(keys) { try FlowMembers(&$0) }
        let match = try FlowMatch(values, protocol: .ipv6)
        for field in FlowField.allCases {
            #expect(packet.fields[field] & match.mask[field] == match.key[field], "\(field)")
        }
    }

    @Test(
        "A packet that is described wrongly is refused, and where",
        arguments: [
            (#"{}"#, "missing-field /protocol"), (#"{"protocol":"all"}"#, "filter-invalid /protocol"),
            (#"{"protocol":"ip","length":-1}"#, "bad-value /length"),
            (#"{"protocol":"ip","fields":{}}"#, "unknown-field /fields"),
            (#"{"protocol":"ip","keys":{"dst_ip":"192.0.2.0/24"}}"#, "filter-invalid /keys/dst_ip"),
            (#"{"protocol":"ip","keys":{"a/b_mask":1}}"#, "filter-invalid /keys/a~1b_mask"),
            (#"{"protocol":"ip","keys":{"ip_proto":"tcp","tcp_flags":"0x2/2"}}"#, "filter-invalid /keys/tcp_flags"),
            (#"{"protocol":"ip","keys":{"ip_tos":1,"ip_tos_mask":255}}"#, "filter-invalid /keys/ip_tos_mask"),
            (
                #"{"protocol":"ip","keys":{"ip_proto":"tcp","dst_port":{"start":1,"end":2}}}"#,
                "filter-invalid /keys/dst_port"
            ),
            (#"{"protocol":"ip","keys":{"dst_port":80}}"#, "filter-invalid R4-92 /keys/dst_port"),
            (#"{"protocol":"ip","keys":{"vlan_id":80}}"#, "filter-invalid R4-92 /keys/vlan_id"),
            (#"{"protocol":"ip","keys":{"arp_op":"reply"}}"#, "filter-invalid R4-92 /keys/arp_op"),
            (#"{"protocol":"ip","keys":{"num_of_vlans":1}}"#, "filter-invalid /keys/num_of_vlans"),
            (#"{"protocol":"802.1Q","keys":{"num_of_vlans":2}}"#, "filter-invalid /keys/num_of_vlans"),
            (#"{"protocol":"ip","keys":{"dst_ip":"2001:db8::1"}}"#, "filter-invalid /keys"),
            (#"{"protocol":"ip","keys":{"colour":"red"}}"#, "filter-invalid /keys"),
            (#"{"protocol":"ip","keys":{"ip_ttl":256}}"#, "filter-invalid /keys"),
            (#"{"protocol":"ip","keys":{"ip_ttl":-1}}"#, "bad-value /keys/ip_ttl"),
        ])
    func refused(text: String, what: String) { #expect(InputReading.refusal(text) { try PacketInput(&$0) } == what) }
}
