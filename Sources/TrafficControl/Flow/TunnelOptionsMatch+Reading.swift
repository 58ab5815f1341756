internal import Routing

/// Either lists of options with a name for each number, `geneve_opt_key` and `geneve_opt_mask`, as `tc -json` prints them; or all of
/// it in one text, `geneve_opts`, as `tc` takes it. The same for `vxlan`, `erspan`, `gtp` and `pfcp`.
///
/// Source: iproute2 tc/f_flower.c `flower_parse_geneve_opt` and its like; kernel net/sched/cls_flower.c `fl_set_enc_opt`.
extension TunnelOptionsMatch {
    /// What a mask doesn't say counts whole. Throws EINVAL for what means nothing.
    init(_ given: [TunnelOptionsKey: FlowValue]) throws(FIBError) {
        let kinds = Set(given.keys.map(\.kind.rawValue)).sorted()
        guard kinds.count == 1, let kind = TunnelOptions.Kind(rawValue: kinds[0]) else {
            throw FlowMatch.invalid("options are of one tunnel, not of \(kinds.joined(separator: " and "))")
        }
        var reader = TunnelOptionsReader(kind: kind)
        try reader.read(given)
        guard let key = TunnelOptions(kind, reader.key), let mask = TunnelOptions(kind, reader.mask) else {
            throw FlowMatch.invalid("\(kind) options take \(reader.key.count) bytes, which is not from 1 to 255")
        }
        self.init(key, mask: mask)
    }
}

private struct TunnelOptionsReader {
    typealias Members = FlowMembers

    let kind: TunnelOptions.Kind
    var key: [UInt8] = []
    var mask: [UInt8] = []

    mutating func read(_ given: [TunnelOptionsKey: FlowValue]) throws(FIBError) {
        func name(_ part: TunnelOptionsKey.Part) -> String { TunnelOptionsKey(kind: kind, part: part).name }
        func list(_ part: TunnelOptionsKey.Part) throws(FIBError) -> [Members]? {
            guard let value = given[TunnelOptionsKey(kind: kind, part: part)] else { return nil }
            return try options(value, name(part))
        }
        if let text = given[TunnelOptionsKey(kind: kind, part: .text)] {
            guard given.count == 1 else { throw FlowMatch.invalid("\(name(.text)) says all of it, also the mask") }
            return try read(text)
        }
        guard let options = try list(.key) else {
            throw FlowMatch.invalid("\(name(.mask)) is given without \(name(.key))")
        }
        let masks = try list(.mask) ?? []
        guard masks.count <= options.count else {
            throw FlowMatch.invalid("\(name(.mask)) has more options than \(name(.key))")
        }
        for (place, option) in options.enumerated() {
            try append(option, mask: place < masks.count ? masks[place] : [:])
        }
    }

    /// What is in a list. Only headers of Geneve have more than one.
    private func options(_ value: FlowValue, _ name: String) throws(FIBError) -> [Members] {
        guard case .list(let list) = value, !list.isEmpty, list.count == 1 || kind == .geneve else {
            throw FlowMatch.invalid("\(name) is a list of \(kind == .geneve ? "options" : "one option")")
        }
        let known = kind.members.map(\.name) + (kind == .geneve ? ["data"] : [])
        return try list.map { (option) throws(FIBError) in
            guard case .object(let members) = option, members.names.allSatisfy({ known.contains($0) }) else {
                throw FlowMatch.invalid("an option in \(name) has \(known.joined(separator: ", ")), and no more")
            }
            return members
        }
    }

    // MARK: Texts

    private mutating func read(_ value: FlowValue) throws(FIBError) {
        let text = if case .number(let number) = value { "\(number)" } else { value.text }
        guard let text else { throw malformed }
        let options = kind == .geneve ? text.split(separator: ",", omittingEmptySubsequences: false) : [text[...]]
        for option in options {
            let parts = option.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            try append(try members(parts[0]), mask: parts.count == 2 ? try members(parts[1]) : [:])
        }
    }

    private var malformed: FIBError {
        let example =
            switch kind {
            case .geneve: "CLASS:TYPE:DATA in hexadecimal, behind / the mask: '0102:80:00880022/ffff:ff:ffffffff'"
            case .vxlan: "the group policy, behind / the mask: '5/0xffff'"
            case .erspan: "VERSION:INDEX:DIRECTION:HWID, behind / the mask: '1:7:0:0' or '2:0:1:3/2:0:1:0x3f'"
            case .gtp: "PDU_TYPE:QFI in hexadecimal, behind / the mask: '01:05/ff:ff'"
            case .pfcp: "TYPE:SEID in hexadecimal, behind / the mask: '01:1f/ff:ffffffffffffffff'"
            }
        return FlowMatch.invalid("\(kind)_opts is \(example)")
    }

    /// Empty ones are left out.
    private func members(_ text: Substring) throws(FIBError) -> Members {
        let known = kind.members
        let texts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard texts.count <= known.count + (kind == .geneve ? 1 : 0) else { throw malformed }
        var members: Members = [:]
        for (place, text) in texts.enumerated() where !text.isEmpty {
            guard place < known.count else {
                members["data"] = .text(String(text))
                continue
            }
            guard let number = known[place].number(written: text) else { throw malformed }
            members[known[place].name] = .number(number)
        }
        return members
    }

    // MARK: Bytes

    private mutating func append(_ option: Members, mask given: Members) throws(FIBError) {
        let version = option["ver"]?.number ?? 0
        if kind == .erspan { try check(version, given["ver"]) }
        for member in kind.members {
            let value = try number(option, member)
            let bits = member.name == "ver" ? nil : try number(given, member)
            guard kind.carries(member, version: version) else { continue }
            guard let value, value & ~member.all == 0 else {
                let hex = String(member.all, radix: 16)
                let all = member.isWhole ? "" : " whose bits are among 0x\(hex)"
                throw FlowMatch.invalid(
                    "\(kind) options have \(member.name), a number of \(8 * member.size) bits\(all)")
            }
            append(value, member.size, to: &key)
            append((bits ?? member.all) & member.all, member.size, to: &mask)
        }
        if kind == .geneve { try appendData(option["data"], mask: given["data"]) }
    }

    private func check(_ version: UInt64, _ mask: FlowValue?) throws(FIBError) {
        guard version == 1 || version == 2 else { throw FlowMatch.invalid("the version of erspan is 1 or 2") }
        guard mask.map({ $0.number == version }) ?? true else {
            throw FlowMatch.invalid("the mask of erspan is for the same version, \(version)")
        }
    }

    /// Nil if it isn't said.
    private func number(_ members: Members, _ member: TunnelOptionMember) throws(FIBError) -> UInt64? {
        guard let value = members[member.name] else { return nil }
        guard let number = member.number(value) else {
            throw FlowMatch.invalid("\(member.name) of \(kind) options is a number of \(8 * member.size) bits")
        }
        return number
    }

    private func append(_ number: UInt64, _ size: Int, to bytes: inout [UInt8]) {
        for place in (0..<size).reversed() { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * place))) }
    }

    private mutating func appendData(_ value: FlowValue?, mask given: FlowValue?) throws(FIBError) {
        guard let data = value.flatMap(Self.data), data.count.isMultiple(of: 4), (4...124).contains(data.count) else {
            throw FlowMatch.invalid("geneve options have data, 4 to 124 bytes, in fours")
        }
        let bits = given.map(Self.data) ?? Array(repeating: .max, count: data.count)
        guard let bits, bits.count == data.count else {
            throw FlowMatch.invalid("the mask of geneve options has as much data as they have, \(data.count) bytes")
        }
        key += [UInt8(data.count / 4)] + data
        // Its upper three bits are reserved.
        mask += [0x1F] + bits
    }

    /// A list of bytes, or hexadecimal digits.
    private static func data(_ value: FlowValue) -> [UInt8]? {
        var bytes: [UInt8] = []
        switch value {
        case .list(let list):
            for byte in list {
                guard let number = byte.number.flatMap({ UInt8(exactly: $0) }) else { return nil }
                bytes.append(number)
            }
        case .text(let text):
            var rest = text[...]
            while !rest.isEmpty {
                guard let byte = UInt8(hex: rest.prefix(2)), rest.count > 1 else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            }
        default: return nil
        }
        return bytes
    }
}
