internal import Addressing

/// In which form `tc -json` has a key, and what it means in bits.
enum FlowKeyForm: Sendable {
    /// A number; masks are in a key of their own, whose name ends with `_mask`.
    case number
    /// A number that is matched whole.
    case wholeNumber
    /// A number as text, behind `/` the mask.
    case numberText
    /// As above, in hexadecimal.
    case hexText
    /// `02:00:00:00:00:01`, with `/24` or `/ff:ff:ff:00:00:00` in part.
    case mac
    /// An address, with `/24` or `/255.255.255.0` in part.
    case address(AddressFamily?)
    case etherType
    /// As `eth_type` has it.
    case innerType
    case ipProtocol, pppProtocol, arpOperation
    /// `{"frag":false}`
    case flags([(UInt8, String)])
    /// `+trk-new`
    case states
    /// 32 hexadecimal digits, behind `/` the mask as such digits.
    case label
    case device, truth
}

/// A field's value and which of its bits count.
struct FlowPart: Hashable {
    var value: UInt128
    var mask: UInt128

    init(_ value: UInt128, mask: UInt128) {
        self.value = value & mask
        self.mask = mask
    }
}

extension FlowKeyForm {
    /// What a value means for a field; nil if it means nothing.
    ///
    /// - Parameter mask: what the key's `_mask` says.
    func part(_ value: FlowValue, _ field: FlowField, mask: FlowValue? = nil) -> FlowPart? {
        let all = FlowBits.all(field)
        func whole(_ number: (some BinaryInteger)?) -> FlowPart? {
            number.flatMap { UInt128($0) <= all ? FlowPart(UInt128($0), mask: all) : nil }
        }
        switch self {
        case .number:
            guard let mask = mask.map(\.number) else { return whole(value.number) ?? masked(value, all) }
            guard let mask, let number = value.number, UInt128(mask) <= all, UInt128(number) <= all else { return nil }
            return FlowPart(UInt128(number), mask: UInt128(mask))
        case .wholeNumber: return whole(value.number)
        case .numberText, .hexText: return whole(value.number) ?? masked(value, all)
        case .arpOperation:
            return whole(value.text.flatMap { FlowNames.number($0, FlowNames.arpOperations) })
                ?? whole(value.number) ?? masked(value, all)
        case .etherType: return whole(value.text.flatMap { EtherType(name: $0)?.rawValue }) ?? whole(value.number)
        case .innerType:
            return whole(value.text.flatMap { Self.hexType($0) ?? EtherType(name: $0)?.rawValue })
                ?? whole(value.number)
        case .ipProtocol: return whole(ipProtocol(value))
        case .pppProtocol:
            guard let text = value.text else { return whole(value.number) }
            let number = FlowNames.number(text, FlowNames.pppProtocols)
            return whole(number ?? UInt16(written: FlowNames.withoutBrackets(text)))
        case .mac: return value.text.flatMap { masked($0, 48, Self.mac) }
        case .address(let family): return value.text.flatMap { address($0, family) }
        case .label: return value.text.flatMap { masked($0, 128, hasLengths: false) { UInt128(hex: $0) } }
        case .device: return value.text.flatMap { Self.device($0) }.map { FlowPart($0, mask: all) }
        case .truth:
            if case .bool(let isTrue) = value { return FlowPart(isTrue ? 1 : 0, mask: all) }
            return whole(value.number)
        case .flags(let names): return flags(value, names)
        case .states: return value.text.flatMap(Self.states)
        }
    }
}
