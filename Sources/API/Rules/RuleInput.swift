internal import Addressing
internal import ControlPlane
internal import JSON
internal import Routing

/// A policy rule as a client wrote it, or as `ip -json rule` prints it.
struct RuleInput {
    private(set) var namespace: String?
    private(set) var fields = RuleFields()
    /// Parts that stand in two fields.
    private var source = PrefixParts()
    private var destination = PrefixParts()
    private var sourcePorts = RangeParts<UInt16>()
    private var destinationPorts = RangeParts<UInt16>()
    private var users = RangeParts<UInt32>()

    private enum Field: String, CaseIterable {
        case namespace, family, priority, table, action, nop, goto, `protocol`, not, tos, dscp, iif, oif, fwmark, fwmask
        case src, srclen, dst, dstlen, ipproto, sport, dport
        case tunnel = "tun_id"
        case userStart = "uid_start"
        case userEnd = "uid_end"
        case sourcePortStart = "sport_start"
        case sourcePortEnd = "sport_end"
        case destinationPortStart = "dport_start"
        case destinationPortEnd = "dport_end"
        case suppressedLength = "suppress_prefixlen"
        case suppressedGroup = "suppress_ifgroup"
        case l3mdev
        // Status, which is ignored.
        case h, seq, version, unresolved
        case inputDetached = "iif_detached"
        case outputDetached = "oif_detached"
    }
    private static let names = JSONFields(Field.allCases.map(\.rawValue))

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.names) { reader, index in
            try read(Field.allCases[index], &reader)
        }
        (fields.source, fields.family) = try source.prefix("src", fields.family)
        (fields.destination, fields.family) = try destination.prefix("dst", fields.family)
        fields.sourcePorts = try sourcePorts.range("sport")
        fields.destinationPorts = try destinationPorts.range("dport")
        fields.users = try users.range("uid")
    }

    private mutating func read(_ field: Field, _ reader: inout JSONReader) throws {
        switch field {
        case .namespace:
            namespace = try reader.readName("the name of a namespace") {
                ControlPlane.isValidNamespaceName($0) ? $0 : nil
            }
        case .family: fields.family = try reader.readName("inet or inet6") { AddressFamily(name: $0) }
        case .priority: fields.priority = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case .protocol:
            fields.protocol = try reader.readNameOrNumber("a route protocol") { RouteProtocol(name: $0) }
        case .table, .action, .nop, .goto: try readAction(field, &reader)
        case .src, .srclen: try source.read(&reader, isLength: field == .srclen)
        case .dst, .dstlen: try destination.read(&reader, isLength: field == .dstlen)
        case .suppressedLength: fields.suppressedLength = UInt8(try reader.readUInt(max: 255))
        case .suppressedGroup:
            fields.suppressedGroup = try reader.readNameOrNumber("a group") { LinkGroup.number($0) }
        case .h, .seq, .version, .unresolved, .inputDetached, .outputDetached: try reader.skipValue()
        default: try readSelector(field, &reader)
        }
    }

    private mutating func readAction(_ field: Field, _ reader: inout JSONReader) throws {
        switch field {
        case .table: fields.table = try reader.readNameOrNumber("a table") { TableID(name: $0) }
        case .goto: fields.target = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case .nop: if try reader.readMark() { fields.action = .nop }
        default:
            fields.action = try reader.readName("nop, unreachable, prohibit or blackhole") { ruleActions[$0] }
        }
    }

    private mutating func readSelector(_ field: Field, _ reader: inout JSONReader) throws {
        switch field {
        case .not: fields.isInverted = try reader.readMark()
        case .tos: fields.tos = try reader.readTos()
        case .dscp: fields.dscp = try reader.readNameOrNumber("a DSCP: 0…63, or a name such as CS1") { dscpValue($0) }
        case .iif: fields.input = try reader.readDevice()
        case .oif: fields.output = try reader.readDevice()
        case .fwmark:
            let (mark, mask) = try reader.readNameOrNumber("a mark such as 0x10 or 0x10/0xff") { markValue($0) }
            fields.mark = mark
            if let mask { fields.markMask = mask }
        case .fwmask: fields.markMask = try reader.readNameOrNumber("a mask such as 0xff") { hexadecimal($0) }
        case .tunnel: fields.tunnel = try reader.readUInt()
        case .ipproto:
            fields.ipProtocol = try reader.readNameOrNumber("the name or number of an IP protocol") {
                IPProtocol(name: $0)
            }
        case .sport: sourcePorts.whole = UInt16(try reader.readUInt(max: 65_535))
        case .sourcePortStart: sourcePorts.start = UInt16(try reader.readUInt(max: 65_535))
        case .sourcePortEnd: sourcePorts.end = UInt16(try reader.readUInt(max: 65_535))
        case .dport: destinationPorts.whole = UInt16(try reader.readUInt(max: 65_535))
        case .destinationPortStart: destinationPorts.start = UInt16(try reader.readUInt(max: 65_535))
        case .destinationPortEnd: destinationPorts.end = UInt16(try reader.readUInt(max: 65_535))
        case .userStart: users.start = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case .userEnd: users.end = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case .l3mdev:
            guard try reader.readMark() else { return }
            throw FIBError(.eopnotsupp, .unsupported, "there are no VRF devices here for l3mdev to select by")
        default: preconditionFailure("\(field) is no selector")
        }
    }
}

/// An address and its length, in one text or two fields.
private struct PrefixParts {
    private var text: String?
    private var length: UInt8?

    mutating func read(_ reader: inout JSONReader, isLength: Bool) throws {
        if isLength { length = UInt8(try reader.readUInt(max: 255)) } else { text = try reader.readString() }
    }

    /// Nil if every address will do; and the family, as it was or as the address has it.
    func prefix(_ name: String, _ family: AddressFamily?) throws -> (Prefix?, AddressFamily?) {
        guard let text else {
            if length ?? 0 == 0 { return (nil, family) }
            throw FIBError(.einval, .ruleInvalid, "\(name)len without \(name)")
        }
        if ["all", "any", "default"].contains(text) {
            if length ?? 0 == 0 { return (nil, family) }
            throw FIBError(.einval, .ruleInvalid, "\(name) is '\(text)', which has no length \(length ?? 0)")
        }
        guard let length else { return try Self.used(try Prefix(text), family) }
        if text.contains("/") {
            throw FIBError(.einval, .ruleInvalid, "\(name) has a length, and \(name)len gives another one")
        }
        return try Self.used(try Prefix("\(text)/\(length)"), family)
    }

    private static func used(_ prefix: Prefix, _ family: AddressFamily?) throws -> (Prefix?, AddressFamily?) {
        if let family, family != prefix.family {
            throw FIBError(.einval, .familyMismatch, "\(prefix) is not of the rule's family \(family.name)")
        }
        return (prefix.length == 0 ? nil : prefix, prefix.family)
    }
}

/// A number, or the first and the last of several.
private struct RangeParts<Number: FixedWidthInteger & Sendable>: Sendable {
    var whole: Number?
    var start: Number?
    var end: Number?

    func range(_ name: String) throws(FIBError) -> ClosedRange<Number>? {
        switch (whole, start, end) {
        case (nil, nil, nil): return nil
        case (let whole?, nil, nil): return whole...whole
        case (nil, let start?, let end?) where start <= end: return start...end
        case (nil, let start?, let end?):
            throw FIBError(.einval, .ruleInvalid, "\(name) from \(start) down to \(end)", rule: "R1-07")
        default:
            throw FIBError(.einval, .ruleInvalid, "give \(name)_start and \(name)_end together")
        }
    }
}

let ruleActions: [String: PolicyRule.Action] = [
    "nop": .nop, "unreachable": .unreachable, "prohibit": .prohibit, "blackhole": .blackhole,
]

/// The six bits of a DSCP, by number or name.
func dscpValue(_ text: String) -> UInt8? {
    if let number = UInt8(text), String(number) == text { return number <= 63 ? number : nil }
    return tosValue(text).map { $0 >> 2 }
}

/// `16`, `0x10` or either with a mask behind a slash.
func markValue(_ text: String) -> (mark: UInt32, mask: UInt32?)? {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let mark = hexadecimal(String(parts[0])) else { return nil }
    guard parts.count > 1 else { return (mark, nil) }
    return hexadecimal(String(parts[1])).map { (mark, $0) }
}

/// Decimal, or hexadecimal behind `0x`.
func hexadecimal(_ text: String) -> UInt32? {
    if text.hasPrefix("0x"), text.dropFirst(2).allSatisfy(\.isHexDigit), (3...10).contains(text.utf8.count) {
        return UInt32(text.dropFirst(2), radix: 16)
    }
    guard let number = UInt32(text), String(number) == text else { return nil }
    return number
}
