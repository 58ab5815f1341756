internal import Addressing

extension FlowKeyForm {
    /// A part as `tc -json` prints it, and what its `_mask` says, if there is one.
    func value(_ part: FlowPart, _ field: FlowField) -> (value: FlowValue, mask: FlowValue?) {
        let isWhole = part.mask == FlowBits.all(field)
        let number = UInt64(truncatingIfNeeded: part.value)
        let mask = UInt64(truncatingIfNeeded: part.mask)
        switch self {
        case .number: return (.number(number), isWhole ? nil : .number(mask))
        case .wholeNumber: return (.number(number), nil)
        case .numberText: return (.text(isWhole ? "\(number)" : "\(number)/\(mask)"), nil)
        case .hexText:
            let value = "0x\(String(number, radix: 16))"
            return (.text(isWhole ? value : "\(value)/\(String(mask, radix: 16))"), nil)
        case .arpOperation:
            let name = FlowNames.name(UInt8(truncatingIfNeeded: number), FlowNames.arpOperations)
            return (.text(isWhole ? name ?? "\(number)" : "\(number)/\(mask)"), nil)
        case .etherType: return (.text(EtherType(rawValue: UInt16(truncatingIfNeeded: number)).name), nil)
        case .innerType: return (.text(Self.innerType(UInt16(truncatingIfNeeded: number))), nil)
        case .ipProtocol:
            let name = FlowNames.name(UInt8(truncatingIfNeeded: number), FlowNames.ipProtocols)
            return (.text(name ?? Self.hex(number, digits: 2)), nil)
        case .pppProtocol:
            let name = FlowNames.name(UInt16(truncatingIfNeeded: number), FlowNames.pppProtocols)
            return (.text(name ?? "[\(number)]"), nil)
        case .mac: return (.text(Self.masked(part, 48) { Self.mac($0) }), nil)
        case .address(let family): return (.text(Self.address(part, family)), nil)
        case .label: return (.text(Self.label(part)), nil)
        case .device: return (.text(Self.deviceName(part.value)), nil)
        case .truth: return (.bool(part.value != 0), nil)
        case .flags(let names):
            var members = FlowMembers()
            for (bit, name) in names where part.mask & UInt128(bit) != 0 {
                members[name] = .bool(part.value & UInt128(bit) != 0)
            }
            return (.object(members), nil)
        case .states: return (.text(Self.states(part)), nil)
        }
    }

    private static func hex(_ number: some BinaryInteger, digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    /// Names that `tc` has for `eth_type`.
    static func innerType(_ number: UInt16) -> String {
        switch number {
        case 0x0800: "ipv4"
        case 0x86DD: "ipv6"
        case 0x0806: "arp"
        case 0x8035: "rarp"
        default: hex(number, digits: 4)
        }
    }

    /// How many leading bits a mask has, if it has no others; nil if it has, or none at all.
    private static func leadingBits(_ mask: UInt128, _ width: Int) -> Int? {
        let left = mask << UInt128(128 - width)
        let count = (~left).leadingZeroBitCount
        return left != 0 && left << UInt128(count) == 0 ? min(count, width) : nil
    }

    private static func masked(_ part: FlowPart, _ width: Int, _ text: (UInt128) -> String) -> String {
        guard let bits = leadingBits(part.mask, width) else { return "\(text(part.value))/\(text(part.mask))" }
        return bits == width ? text(part.value) : "\(text(part.value))/\(bits)"
    }

    private static func mac(_ value: UInt128) -> String {
        stride(from: 40, through: 0, by: -8).map { hex(UInt8(truncatingIfNeeded: value >> UInt128($0)), digits: 2) }
            .joined(separator: ":")
    }

    private static func address(_ part: FlowPart, _ family: AddressFamily?) -> String {
        if family == .inet {
            return masked(part, 32) { "\(IPAddress(inet: UInt32(truncatingIfNeeded: $0)))" }
        }
        return masked(part, 128) {
            "\(IPAddress(inet6: UInt64(truncatingIfNeeded: $0 >> 64), UInt64(truncatingIfNeeded: $0)))"
        }
    }

    private static func label(_ part: FlowPart) -> String {
        let value = hex(part.value, digits: 32)
        return part.mask == .max ? value : "\(value)/\(hex(part.mask, digits: 32))"
    }

    private static func deviceName(_ value: UInt128) -> String {
        let bytes = stride(from: 120, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt128($0)) }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func states(_ part: FlowPart) -> String {
        FlowNames.ctStates.filter { part.mask & UInt128($0.0) != 0 }
            .map { (part.value & UInt128($0.0) != 0 ? "+" : "-") + $0.1 }.joined()
    }
}
