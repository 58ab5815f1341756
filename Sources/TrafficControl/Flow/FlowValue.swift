/// What `tc -json` has behind one name of `options.keys`.
public enum FlowValue: Hashable, Sendable {
    case number(UInt64)
    case text(String)
    case bool(Bool)
    case object(FlowMembers)
    case list([FlowValue])

    /// A number, also one that is written as text: decimal, or hexadecimal behind `0x`.
    var number: UInt64? {
        switch self {
        case .number(let number): number
        case .text(let text): UInt64(written: text)
        default: nil
        }
    }

    var text: String? {
        if case .text(let text) = self { text } else { nil }
    }
}

extension FixedWidthInteger {
    /// As C has it: digits, behind `0x` hexadecimal ones. No sign.
    init?(written text: some StringProtocol) {
        let isHex = text.utf8.first == UInt8(ascii: "0") && (text.hasPrefix("0x") || text.hasPrefix("0X"))
        self.init(digits: isHex ? text.dropFirst(2) : text[...], radix: isHex ? 16 : 10)
    }

    /// Hexadecimal digits and nothing else.
    init?(hex text: some StringProtocol) { self.init(digits: text, radix: 16) }

    /// The standard library takes a sign as well.
    private init?(digits text: some StringProtocol, radix: Int) {
        guard let first = text.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        self.init(text, radix: radix)
    }
}
