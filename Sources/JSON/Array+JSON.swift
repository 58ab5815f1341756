internal import Bytes

/// Writers of JSON text as RFC 8785 has it, so that what is written in sorted order is canonical.
extension [UInt8] {
    /// Appends a string in quotation marks with only those characters escaped that must be: `\b \t \n \f \r \" \\`, and
    /// the other control characters as `\u00xx` with lower-case digits (RFC 8785, section 3.2.2.2).
    public mutating func appendJSON(string: String) {
        let utf8 = string.utf8Span
        appendJSON(string: utf8.span)
    }

    /// Appends a string, given as valid UTF-8, in quotation marks; see `appendJSON(string:)`.
    public mutating func appendJSON(string utf8: Span<UInt8>) {
        if utf8.hasSpecialBytes {
            append(0x22)
            appendEscaped(utf8)
        } else {
            append(addingCapacity: utf8.count &+ 2) { output in
                output.append(0x22)
                for index in utf8.indices { output.append(utf8[index]) }
                output.append(0x22)
            }
        }
    }

    /// The content, escaped, and the closing quotation mark.
    @inline(never)
    private mutating func appendEscaped(_ utf8: Span<UInt8>) {
        for index in utf8.indices {
            let byte = utf8[index]
            switch byte {
            case 0x22, 0x5C: append(contentsOf: [0x5C, byte])
            case 0x08: appendASCII("\\b")
            case 0x09: appendASCII("\\t")
            case 0x0A: appendASCII("\\n")
            case 0x0C: appendASCII("\\f")
            case 0x0D: appendASCII("\\r")
            case 0..<0x20:
                appendASCII("\\u00")
                appendHex(UInt64(byte), digits: 2)
            default: append(byte)
            }
        }
        append(0x22)
    }

    /// Appends text as it stands; meant for literals, names with their quotation marks and colons above all.
    @inlinable
    public mutating func appendASCII(_ text: String) { append(contentsOf: text.utf8) }

    /// Appends the lowest `digits` hex digits of a number, in lower case, with leading zeros. `digits` is 1 to 16.
    public mutating func appendHex(_ value: UInt64, digits: Int) {
        precondition(1...16 ~= digits, "a number of 64 bits has no \(digits) hex digits")
        append(addingCapacity: 16) { output in
            output.append(hexadecimal: value &<< UInt64(64 &- 4 &* digits))
            output.removeLast(16 &- digits)
        }
    }

    /// Appends a number of at most 64 bits in decimal digits.
    @inlinable
    public mutating func appendDecimal(_ value: some UnsignedInteger & FixedWidthInteger) {
        appendDigits(UInt64(value))
    }

    /// Appends a number of at most 64 bits in decimal digits, with a minus sign if it is below zero.
    @inlinable
    public mutating func appendDecimal(_ value: some SignedInteger & FixedWidthInteger) {
        if value < 0 { append(UInt8(ascii: "-")) }
        appendDigits(UInt64(value.magnitude))
    }

    @usableFromInline
    mutating func appendDigits(_ value: UInt64) {
        append(addingCapacity: 24) { $0.append(decimal: value) }
    }
}

extension Span<UInt8> {
    /// Whether some byte can't stand for itself in a string.
    @inline(__always)
    var hasSpecialBytes: Bool {
        var index = 0
        var marks: UInt64 = 0
        while index &+ 8 <= count {
            marks |= ByteMarks.special(fullWord(at: index))
            index &+= 8
        }
        // Spaces instead of zeros behind the end, so that they aren't taken for control characters.
        let rest = count &- index
        if rest > 0 { marks |= ByteMarks.special(word(at: index) | 0x2020_2020_2020_2020 &<< UInt64(8 &* rest)) }
        return marks != 0
    }
}
