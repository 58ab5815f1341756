internal import ControlPlane
internal import JSON
internal import Routing
internal import TrafficControl

/// A packet that a client asks a block about: its protocol, the fields that it has by flower's names of them, and its length.
struct PacketInput {
    let packet: Packet

    private static let fields = JSONFields("protocol", "keys", "length")

    /// - Parameter place: the block that is asked. What comes in by a link has that as `indev`, unless it says another one.
    init(_ reader: inout JSONReader, in place: BlockIdentity.Place? = nil) throws {
        var type: EtherType?
        var keys: FlowMembers = [:]
        var length: UInt64 = 0
        try reader.readObject(Self.fields) { reader, index in
            switch index {
            case 0: type = try reader.readProtocol()
            case 1: keys = try Self.readKeys(&reader)
            default: length = try reader.readUInt(max: UInt64(UInt32.max))
            }
        }
        guard let type else { throw Problem.missing("protocol", "a packet has a protocol, such as ip") }
        if type == .all { throw Self.invalid("a packet is of one protocol, not of all").at("/protocol") }
        if case .ingress(let device) = place, keys["indev"] == nil { keys["indev"] = .text(device) }
        let (fields, options) = try Self.fields(keys, type)
        packet = Packet(type, fields, options: options, length: length)
    }

    private static func invalid(_ message: String) -> FIBError { FIBError(.einval, .filterInvalid, message) }

    /// A filter may compare some bits of a field; a packet has all of them.
    private static func readKeys(_ reader: inout JSONReader) throws -> FlowMembers {
        var keys: FlowMembers = [:]
        try reader.readObject { reader, name in
            try keys.add(name, &reader)
            let isRange = name.hasSuffix("_port") && keys[name]?.isObject ?? false
            if name.hasSuffix("_mask") || keys[name]?.hasSlash ?? false || isRange {
                throw invalid("a packet has one value of each field, and not a \(isRange ? "range" : "mask")")
            }
        }
        return keys
    }

    private static func fields(
        _ keys: FlowMembers, _ type: EtherType
    ) throws -> (FlowBits, TunnelOptions?) {
        let match = try match(keys, type)
        var fields = match.key
        // A packet has addresses, whether one says them or not.
        let inner = EtherType(rawValue: UInt16(truncatingIfNeeded: fields[.etherType]))
        if inner == .ip || inner == .ipv6, keys["dst_ip"] ?? keys["src_ip"] == nil {
            var keys = keys
            keys["dst_ip"] = .text(inner == .ip ? "0.0.0.0" : "::")
            fields = try Self.match(keys, type).key
        }
        try setTags(&fields, keys)
        return (fields, match.options?.key)
    }

    private static func match(_ keys: FlowMembers, _ type: EtherType) throws -> FlowMatch {
        let match: FlowMatch
        do {
            match = try FlowMatch(keys, protocol: type)
        } catch {
            throw error.at("/keys")
        }
        guard let name = match.ignored.first else { return match }
        throw FIBError(
            .einval, .filterInvalid, "such a packet has no \(name): what it depends on isn't there", rule: "R4-92"
        ).at("/keys/\(name)")
    }

    /// How many tags there are follows from their types; of the third and those behind it only the count is known.
    private static func setTags(_ fields: inout FlowBits, _ keys: FlowMembers) throws {
        let count = [fields[.vlanTPID], fields[.cvlanTPID]].count { $0 == 0x8100 || $0 == 0x88A8 }
        guard keys["num_of_vlans"] != nil else { return fields[.vlanCount] = UInt128(count) }
        guard fields[.vlanCount] == count || (count == 2 && fields[.vlanCount] > 2) else {
            throw invalid("by its protocol and vlan_ethtype the packet has \(count) tags").at("/keys/num_of_vlans")
        }
    }
}

extension FlowValue {
    fileprivate var isObject: Bool { if case .object = self { true } else { false } }

    fileprivate var hasSlash: Bool {
        if case .text(let text) = self { text.utf8.contains(UInt8(ascii: "/")) } else { false }
    }
}
