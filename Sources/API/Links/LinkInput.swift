internal import Addressing
internal import ControlPlane
internal import JSON
internal import Routing

/// A link as a client wrote it, or as `ip -json address show` prints it; nil where it says nothing.
struct LinkInput: Sendable {
    private var name: String?
    private(set) var namespace: String?
    private var isUp: Bool?
    /// Of what iproute2 prints, `flags` say whether it was set up; `operstate` says what became of that.
    private var isSetUp: Bool?
    private var mtu: UInt32?
    private var addresses: [LinkAddress]?
    private var isOffloaded: Bool?
    private var group: UInt32?
    private var ignoresLinkDown: Bool?
    private var disablesIPv6: Bool?
    private var acceptsRedirects: Bool?

    private static let fields = JSONFields(
        "ifname", "namespace", "operstate", "mtu", "addresses", "offload", "group",
        "ignore_routes_with_linkdown", "disable_ipv6", "accept_redirects",
        // Status, which is ignored.
        "carrier", "h", "seq", "version",
        // What iproute2 prints besides.
        "addr_info", "flags", "address", "allmulti", "altnames", "broadcast", "event", "gro_ipv4_max_size",
        "gro_max_size", "gso_ipv4_max_size", "gso_max_segs", "gso_max_size", "ifalias", "ifindex",
        "inet6_addr_gen_mode", "link", "link_index", "link_netnsid", "link_pointtopoint", "link_type", "linkinfo",
        "linkmode", "master", "max_mtu", "min_mtu", "num_rx_queues", "num_tx_queues", "parentbus", "parentdev",
        "permaddr", "phys_port_id", "phys_port_name", "phys_switch_id", "promiscuity", "proto_down", "qdisc", "stats",
        "stats64", "tso_max_segs", "tso_max_size", "txqlen", "xdp")
    private static let addressFields = JSONFields(
        "family", "local", "prefixlen", "address", "anycast", "autojoin", "broadcast", "dadfailed", "deprecated",
        "dynamic", "home", "label", "metric", "mngtmpaddr", "nodad", "noprefixroute", "optimistic", "peer",
        "preferred_life_time", "protocol", "scope", "secondary", "temporary", "tentative", "valid_life_time")

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in
            switch Self.fields.names[index] {
            case "ifname": name = try reader.readDevice()
            case "namespace":
                namespace = try reader.readName("the name of a namespace") {
                    ControlPlane.isValidNamespaceName($0) ? $0 : nil
                }
            case "operstate": isUp = try Self.readState(&reader)
            case "mtu": mtu = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
            case "addresses": addresses = try Self.readAddresses(&reader)
            case "addr_info": addresses = try Self.readAddressInfo(&reader)
            case "flags": isSetUp = try Self.readFlags(&reader)
            case "offload": isOffloaded = try reader.readBool()
            case "group": group = try reader.readNameOrNumber("a group") { LinkGroup.number($0) }
            case "ignore_routes_with_linkdown": ignoresLinkDown = try reader.readBool()
            case "disable_ipv6": disablesIPv6 = try reader.readBool()
            case "accept_redirects": acceptsRedirects = try reader.readBool()
            default: try reader.skipValue()
            }
        }
    }

    /// - Parameter path: what the path calls it.
    func edit(_ path: String?) throws(FIBError) -> LinkEdit {
        if let path, let name, name != path {
            throw FIBError(.einval, .linkInvalid, "the ifname is '\(name)' in the body but '\(path)' in the path")
        }
        guard let name = path ?? name else { throw FIBError(.einval, .linkInvalid, "a link needs an ifname") }
        var edit = LinkEdit(name: name)
        edit.isUp = isSetUp ?? isUp
        edit.mtu = mtu
        edit.addresses = addresses
        edit.isOffloaded = isOffloaded
        edit.group = group
        edit.ignoresLinkDown = ignoresLinkDown
        edit.disablesIPv6 = disablesIPv6
        edit.acceptsRedirects = acceptsRedirects
        return edit
    }

    /// RFC 2863's words, of which a link without carrier has others than UP and DOWN.
    private static func readState(_ reader: inout JSONReader) throws -> Bool {
        try reader.readName("UP or DOWN") { name in
            switch name {
            case "UP", "UNKNOWN", "LOWERLAYERDOWN", "DORMANT", "TESTING": true
            case "DOWN", "NOTPRESENT": false
            default: nil
            }
        }
    }

    private static func readFlags(_ reader: inout JSONReader) throws -> Bool {
        var isUp = false
        try reader.readArray { reader, _ in
            if try reader.readString() == "UP" { isUp = true }
        }
        return isUp
    }

    private static func readAddresses(_ reader: inout JSONReader) throws -> [LinkAddress] {
        var addresses: [LinkAddress] = []
        try reader.readArray { reader, _ in
            let text = try reader.readString()
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            let address = try IPAddress(String(parts[0]))
            let length = parts.count > 1 ? number(parts[1]) : UInt64(address.family.maximumLength)
            addresses.append(try made(address, length ?? .max))
        }
        return addresses
    }

    /// Decimal digits, without sign and leading zeros.
    private static func number(_ text: Substring) -> UInt64? {
        guard let number = UInt64(text), "\(number)" == text else { return nil }
        return number
    }

    private static func readAddressInfo(_ reader: inout JSONReader) throws -> [LinkAddress] {
        var addresses: [LinkAddress] = []
        try reader.readArray { reader, _ in
            var address: IPAddress?
            var length: UInt64?
            try reader.readObject(addressFields) { reader, index in
                switch addressFields.names[index] {
                case "local": address = try reader.readAddress()
                case "prefixlen": length = try reader.readUInt(max: 255)
                default: try reader.skipValue()
                }
            }
            guard let address else { throw FIBError(.einval, .linkInvalid, "an address needs its local part") }
            addresses.append(try made(address, length ?? UInt64(address.family.maximumLength)))
        }
        return addresses
    }

    private static func made(_ address: IPAddress, _ length: UInt64) throws -> LinkAddress {
        if let length = UInt8(exactly: length), let made = LinkAddress(address, length: length) { return made }
        throw FIBError(.einval, .linkInvalid, "\(address)/\(length) is not an address that a link can have")
    }
}
