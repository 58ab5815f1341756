internal import Addressing
internal import Routing

/// Keys that are more than one field.
extension FlowMatch {
    /// Where each member lies in an entry of a label stack (RFC 3032, section 2.1).
    private static let members: [(name: String, shift: UInt128, width: UInt128)] = [
        ("label", 12, 20), ("tc", 9, 3), ("bos", 8, 1), ("ttl", 0, 8),
    ]

    /// `mpls_label` and its like are of the outermost entry; `mpls` has a list of entries.
    mutating func readLabels(_ values: FlowMembers) throws(FIBError) {
        let outermost = values.names.filter { $0.hasPrefix("mpls_") }
        guard let list = values["mpls"] else {
            if outermost.isEmpty { return }
            guard key.innerType.isMPLS else { return ignored.append(contentsOf: outermost) }
            for member in Self.members { try set(member, .mpls1, values["mpls_\(member.name)"]) }
            return
        }
        guard outermost.isEmpty else {
            throw Self.invalid("\(outermost[0]) is given beside mpls, which says all of it")
        }
        guard key.innerType.isMPLS else { return ignored.append("mpls") }
        guard case .list(let entries) = list else { throw Self.invalid("mpls is a list of entries") }
        for entry in entries { try readEntry(entry) }
    }

    private mutating func readEntry(_ entry: FlowValue) throws(FIBError) {
        guard case .object(let members) = entry, let depth = members["depth"]?.number, (1...7).contains(depth) else {
            throw Self.invalid("an entry of mpls has a depth from 1 to 7")
        }
        let known = Set(Self.members.map(\.name) + ["depth"])
        if let unknown = members.names.first(where: { !known.contains($0) }) {
            throw Self.invalid("an entry of mpls has no '\(unknown)'")
        }
        for member in Self.members { try set(member, FlowField.mpls[Int(depth) - 1], members[member.name]) }
    }

    private mutating func set(
        _ member: (name: String, shift: UInt128, width: UInt128), _ field: FlowField, _ value: FlowValue?
    ) throws(FIBError) {
        guard let value else { return }
        let all: UInt128 = 1 << member.width - 1
        guard let number = value.number, UInt128(number) <= all else {
            throw Self.invalid("mpls \(member.name) is a number from 0 to \(all)")
        }
        let entry = key[field] & ~(all << member.shift) | UInt128(number) << member.shift
        set(field, FlowPart(entry, mask: mask[field] | all << member.shift))
    }

    /// Connectivity fault management (IEEE 802.1ag): level and opcode.
    mutating func readCFM(_ values: FlowMembers) throws(FIBError) {
        guard let value = values["cfm"] else { return }
        guard case .object(let members) = value, members.names.allSatisfy({ $0 == "mdl" || $0 == "op" }) else {
            throw Self.invalid("cfm has mdl and op")
        }
        guard key.innerType == .cfm else { return ignored.append("cfm") }
        for (name, field) in [("mdl", FlowField.cfmLevel), ("op", .cfmOpcode)] {
            guard let value = members[name] else { continue }
            guard let part = FlowKeyForm.wholeNumber.part(value, field) else {
                throw Self.invalid("cfm \(name) is a number from 0 to \(FlowBits.all(field))")
            }
            set(field, part)
        }
    }

    // MARK: Text

    /// The entries of the label stack that count, as `mpls` has them.
    private var labels: [FlowValue] {
        FlowField.mpls.enumerated().compactMap { index, field in
            guard mask[field] != 0 else { return nil }
            var entry = Self.entry("", key[field], mask[field])
            entry["depth"] = .number(UInt64(index) + 1)
            return .object(entry)
        }
    }

    private static func entry(_ prefix: String, _ value: UInt128, _ mask: UInt128) -> FlowMembers {
        var entry: FlowMembers = [:]
        for (name, shift, width) in members where mask >> shift & (1 << width - 1) != 0 {
            entry[prefix + name] = .number(UInt64(truncatingIfNeeded: value >> shift & (1 << width - 1)))
        }
        return entry
    }

    /// What `tc -json` has under `options.keys`: all that counts, in one form whatever it was given in.
    public var values: FlowMembers { values(of: FlowParts(mask)) }

    /// - Parameter parts: those of its mask.
    func values(of parts: FlowParts) -> FlowMembers {
        var values: FlowMembers = [:]
        for known in parts.keys {
            let (value, ownMask) = text(known)
            values[known.name] = value
            if let ownMask { values[known.name + "_mask"] = ownMask }
        }
        if mask[.addressType] != 0, mask[.dstIP] | mask[.srcIP] == 0 { values["dst_ip"] = anyAddress(.addressType) }
        if mask[.encAddressType] != 0, mask[.encDstIP] | mask[.encSrcIP] == 0 {
            values["enc_dst_ip"] = anyAddress(.encAddressType)
        }
        if mask[.etherType] != 0 {
            values["eth_type"] = .text(FlowKeyForm.innerType(UInt16(truncatingIfNeeded: key[.etherType])))
        }
        for (name, range) in [("dst_port", dstPorts), ("src_port", srcPorts)] {
            guard let range else { continue }
            let (start, end) = (UInt64(range.lowerBound), UInt64(range.upperBound))
            values[name] = .object(["start": .number(start), "end": .number(end)])
        }
        if parts.hasInnerLabels {
            values["mpls"] = .list(labels)
        } else if parts.hasOutermostLabel {
            values = values.adding(Self.entry("mpls_", key[.mpls1], mask[.mpls1]))
        }
        if parts.hasCFM { values["cfm"] = .object(cfm) }
        if let options { values = values.adding(options.values) }
        return values
    }

    private var cfm: FlowMembers {
        var cfm: FlowMembers = [:]
        if mask[.cfmLevel] != 0 { cfm["mdl"] = .number(UInt64(truncatingIfNeeded: key[.cfmLevel])) }
        if mask[.cfmOpcode] != 0 { cfm["op"] = .number(UInt64(truncatingIfNeeded: key[.cfmOpcode])) }
        return cfm
    }

    /// Addresses of which no bit counts are still of a family.
    private func anyAddress(_ type: FlowField) -> FlowValue {
        .text(key[type] == FlowAddressType.inet6 ? "::/0" : "0.0.0.0/0")
    }

    private func text(_ known: FlowKey) -> (FlowValue, FlowValue?) {
        let part = FlowPart(key[known.field], mask: mask[known.field])
        guard case .address(nil) = known.form else { return known.form.value(part, known.field) }
        let type = key[known.field == .dstIP || known.field == .srcIP ? .addressType : .encAddressType]
        if type == FlowAddressType.inet6 { return known.form.value(part, known.field) }
        return FlowKeyForm.address(.inet).value(
            FlowPart(part.value >> 96, mask: part.mask >> 96), .arpSourceIP)
    }
}
