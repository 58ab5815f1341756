extension TunnelOptionsMatch {
    /// `geneve_opt_key` and `geneve_opt_mask`, or those of another kind, as `tc -json` prints them: always with the mask.
    ///
    /// It prints none for gtp and pfcp, whose are in the same form here.
    ///
    /// Source: iproute2 tc/f_flower.c `flower_print_enc_opts`.
    var values: FlowMembers {
        var bytes = TunnelOptionsBytes(kind: key.kind, key: key.bytes[...], mask: mask.bytes[...])
        var (keys, masks) = ([FlowValue](), [FlowValue]())
        while !bytes.key.isEmpty {
            let (option, mask) = bytes.next()
            keys.append(.object(option))
            masks.append(.object(mask))
        }
        return [
            TunnelOptionsKey(kind: key.kind, part: .key).name: .list(keys),
            TunnelOptionsKey(kind: key.kind, part: .mask).name: .list(masks),
        ]
    }
}

/// What is left of options and their mask.
private struct TunnelOptionsBytes {
    let kind: TunnelOptions.Kind
    var key: ArraySlice<UInt8>
    var mask: ArraySlice<UInt8>

    mutating func next() -> (key: FlowMembers, mask: FlowMembers) {
        var (option, bits) = (FlowMembers(), FlowMembers())
        let version = UInt64(key.first ?? 0)
        for member in kind.members {
            let (value, mask) = kind.carries(member, version: version) ? number(member.size) : (0, 0)
            option[member.name] = .number(value)
            // Of a mask it says what the mask is for.
            bits[member.name] = .number(member.name == "ver" ? value : mask)
        }
        if kind == .geneve {
            let fours = Int(number(1).value & 0x1F)
            (option["data"], bits["data"]) = (.list(Self.data(&key, 4 * fours)), .list(Self.data(&mask, 4 * fours)))
        }
        return (option, bits)
    }

    private mutating func number(_ size: Int) -> (value: UInt64, mask: UInt64) {
        defer { (key, mask) = (key.dropFirst(size), mask.dropFirst(size)) }
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.prefix(size).reduce(0) { $0 << 8 | UInt64($1) } }
        return (number(key), number(mask))
    }

    private static func data(_ bytes: inout ArraySlice<UInt8>, _ count: Int) -> [FlowValue] {
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count).map { .number(UInt64($0)) }
    }
}
