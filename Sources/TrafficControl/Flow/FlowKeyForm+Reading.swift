internal import Addressing
internal import Routing

/// The pieces of which values are made.
extension FlowKeyForm {
    func masked(_ value: FlowValue, _ all: UInt128) -> FlowPart? {
        guard let text = value.text, let slash = text.firstIndex(of: "/") else { return nil }
        let behind = text[text.index(after: slash)...]
        // `tc` prints the mask of hexadecimal ones without 0x.
        let isBareHex = if case .hexText = self { !behind.hasPrefix("0x") } else { false }
        let mask = isBareHex ? UInt64(hex: behind) : UInt64(written: behind)
        guard let number = UInt64(written: text[..<slash]), let mask, UInt128(number | mask) <= all else { return nil }
        return FlowPart(UInt128(number), mask: UInt128(mask))
    }

    /// Text of a value that may have a mask behind `/`: the number of leading bits, or a text like the value.
    ///
    /// - Parameter hasLengths: whether numbers of bits can be told from such texts.
    func masked(
        _ text: String, _ width: Int, hasLengths: Bool = true, _ read: (Substring) -> UInt128?
    ) -> FlowPart? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let value = read(parts[0]) else { return nil }
        let all: UInt128 = width == 128 ? .max : 1 << UInt128(width) - 1
        guard parts.count == 2 else { return FlowPart(value, mask: all) }
        if hasLengths, let bits = UInt64(written: parts[1]), parts[1].utf8.count <= 3, bits <= width {
            return FlowPart(value, mask: bits == 0 ? 0 : all << (UInt128(width) - UInt128(bits)) & all)
        }
        return read(parts[1]).map { FlowPart(value, mask: $0) }
    }

    /// Four hexadecimal digits, which `eth_type` has for types without a name.
    static func hexType(_ text: String) -> UInt16? { text.utf8.count == 4 ? UInt16(hex: text) : nil }

    func ipProtocol(_ value: FlowValue) -> UInt64? {
        guard let text = value.text else { return value.number }
        if let known = FlowNames.number(text, FlowNames.ipProtocols) { return UInt64(known) }
        // Two hexadecimal digits, as `tc` prints it.
        return text.hasPrefix("0x") ? UInt64(written: text) : text.utf8.count == 2 ? UInt64(hex: text) : nil
    }

    /// Six bytes.
    static func mac(_ text: Substring) -> UInt128? {
        let bytes = text.split(separator: ":", omittingEmptySubsequences: false)
        guard bytes.count == 6 else { return nil }
        var value: UInt128 = 0
        for byte in bytes {
            guard byte.utf8.count <= 2, let number = UInt8(hex: byte) else {
                return nil
            }
            value = value << 8 | UInt128(number)
        }
        return value
    }

    func address(_ text: String, _ family: AddressFamily?) -> FlowPart? {
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            return (try? IPAddress(text)).flatMap { part($0, family) }
        }
        guard let address = try? IPAddress(String(text[..<slash])), var part = part(address, family) else { return nil }
        let behind = String(text[text.index(after: slash)...])
        if let length = UInt8(written: behind), length <= address.family.maximumLength {
            part.mask = Self.bits(IPAddress.ones(address.family).masked(to: length), isShort: family == .inet)
        } else if let mask = try? IPAddress(behind), mask.family == address.family {
            part.mask = Self.bits(mask, isShort: family == .inet)
        } else {
            return nil
        }
        return FlowPart(part.value, mask: part.mask)
    }

    /// One of a field for either family is left-aligned, as an address is.
    func part(_ address: IPAddress, _ family: AddressFamily?) -> FlowPart? {
        if let family, address.family != family { return nil }
        let isShort = family == .inet
        return FlowPart(
            Self.bits(address, isShort: isShort), mask: Self.bits(.ones(address.family), isShort: isShort))
    }

    static func bits(_ address: IPAddress, isShort: Bool) -> UInt128 {
        isShort ? UInt128(address.high >> 32) : UInt128(address.high) << 64 | UInt128(address.low)
    }

    /// Of a link: the first byte in the highest place.
    static func device(_ name: String) -> UInt128? {
        guard Link.isName(name) else { return nil }
        return name.utf8.reduce((UInt128(0), UInt128(120))) { ($0.0 | UInt128($1) << $0.1, $0.1 - 8) }.0
    }

    func flags(_ value: FlowValue, _ names: [(UInt8, String)]) -> FlowPart? {
        guard case .object(let members) = value else { return nil }
        var part = FlowPart(0, mask: 0)
        for member in members {
            guard let bit = FlowNames.number(member.name, names), case .bool(let isSet) = member.value else {
                return nil
            }
            part.mask |= UInt128(bit)
            if isSet { part.value |= UInt128(bit) }
        }
        return part
    }

    static func states(_ text: String) -> FlowPart? {
        var part = FlowPart(0, mask: 0)
        var rest = text[...]
        while let sign = rest.first {
            guard sign == "+" || sign == "-" else { return nil }
            let name = rest.dropFirst().prefix { $0 != "+" && $0 != "-" }
            guard let bit = FlowNames.number(String(name), FlowNames.ctStates) else { return nil }
            part.mask |= UInt128(bit)
            if sign == "+" { part.value |= UInt128(bit) }
            rest = rest.dropFirst(1 + name.count)
        }
        return part
    }
}

extension IPAddress {
    static func ones(_ family: AddressFamily) -> IPAddress {
        family == .inet ? IPAddress(inet: .max) : IPAddress(inet6: .max, .max)
    }
}
