extension FlowMatch {
    private static let names: [FlowField: String] = {
        var names = Dictionary(FlowKey.all.map { ($0.field, $0.name) }) { first, _ in first }
        names[.etherType] = "eth_type"
        (names[.addressType], names[.encAddressType]) = ("dst_ip", "enc_dst_ip")
        (names[.vlanTPID], names[.cvlanTPID]) = ("protocol", "vlan_ethtype")
        (names[.cfmLevel], names[.cfmOpcode]) = ("cfm", "cfm")
        for field in FlowField.mpls { names[field] = "mpls" }
        return names
    }()

    /// In what a packet differs from those that it is for: names of keys, sorted.
    func differences(_ packet: Packet) -> [String] {
        var names: Set<String> = []
        for field in FlowField.allCases where packet.fields[field] & mask[field] != key[field] {
            names.insert(Self.names[field] ?? "\(field)")
        }
        for (field, range) in [(FlowField.dstPort, dstPorts), (.srcPort, srcPorts)] {
            guard let range, !range.contains(UInt16(truncatingIfNeeded: packet.fields[field])) else { continue }
            names.insert(Self.names[field] ?? "")
        }
        if let options, !options.holds(packet.options) { names.insert("\(options.mask.kind.rawValue)_opts") }
        return names.sorted()
    }
}
