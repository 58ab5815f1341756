internal import Bytes

/// Where the content of a string lies, between its quotation marks.
@usableFromInline
struct JSONStringRange {
    @usableFromInline let start: Int
    @usableFromInline let end: Int
    /// Whether a backslash occurs, so that the content is not what the bytes say.
    @usableFromInline let isEscaped: Bool
}

extension JSONReader {
    /// A string. Throws `type`, `syntax`, `utf8`, or `range` for U+0000 if that is refused.
    public mutating func readString() throws(JSONError) -> String {
        let range = try scanString()
        if range.isEscaped { return String(decoding: try unescaped(range), as: UTF8.self) }
        return Self.string(bytes.extracting(range.start..<range.end))
    }

    /// Hands the content of a string to `body` as UTF-8, without a copy if nothing in it is escaped.
    ///
    /// The span holds valid UTF-8 and is good only inside `body`. Throws what `readString` throws, and what `body` does.
    @inlinable
    public mutating func readText<Result>(_ body: (Span<UInt8>) throws -> Result) throws -> Result {
        let range = try scanString()
        if range.isEscaped {
            let copy = try unescaped(range)
            return try body(copy.span)
        }
        return try body(content(range))
    }

    @usableFromInline
    @_lifetime(copy self)
    func content(_ range: JSONStringRange) -> Span<UInt8> { bytes.extracting(range.start..<range.end) }

    /// For bytes that are known to be UTF-8.
    static func string(_ bytes: Span<UInt8>) -> String {
        guard let text = try? UTF8Span(validating: bytes) else { preconditionFailure("UTF-8 was validated before") }
        return String(copying: text)
    }
}

extension JSONReader {
    /// Passes over a string, checking all of it.
    @usableFromInline
    mutating func scanString() throws(JSONError) -> JSONStringRange {
        skipWhiteSpace()
        guard byte(at: position) == UInt8(ascii: "\"") else { throw unexpected(.string) }
        let start = position &+ 1
        var index = start
        var isEscaped = false
        var union: UInt64 = 0
        while true {
            let word = bytes.word(at: index)
            let marks = ByteMarks.special(word)
            if marks == 0 {
                union |= word
                index &+= 8
                continue
            }
            let count = ByteMarks.bytesBefore(marks)
            union |= word & ((1 &<< UInt64(8 &* count)) &- 1)
            index &+= count
            // Beyond the end the word is filled with zeros, which are control characters: index is at most the end.
            switch byte(at: index) {
            case UInt8(ascii: "\""):
                if union & ByteMarks.high != 0 { try validateUTF8(start..<index) }
                position = index &+ 1
                return JSONStringRange(start: start, end: index, isEscaped: isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                index = try unescapedScalar(at: index).next
            default:
                throw badStringByte(at: index)
            }
        }
    }

    @inline(never)
    private func validateUTF8(_ range: Range<Int>) throws(JSONError) {
        do {
            _ = try UTF8Span(validating: bytes.extracting(range))
        } catch {
            let offset = range.lowerBound + error.byteOffsets.lowerBound
            throw JSONError(.utf8, offset: offset, "a string is not valid UTF-8")
        }
    }

    @inline(never)
    private func badStringByte(at index: Int) -> JSONError {
        if index >= bytes.count {
            return JSONError(.syntax, offset: index, "the text ends within a string")
        }
        let code = String(bytes[index], radix: 16)
        let escape = "\\u" + String(repeating: "0", count: 4 - code.utf8.count) + code
        return JSONError(.syntax, offset: index, "a control character within a string must be written \(escape)")
    }

    /// The content of a string that has escapes, and was scanned before.
    @usableFromInline
    func unescaped(_ range: JSONStringRange) throws(JSONError) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.end - range.start)
        var index = range.start
        while index < range.end {
            if bytes[index] != UInt8(ascii: "\\") {
                result.append(bytes[index])
                index += 1
                continue
            }
            let (scalar, next) = try unescapedScalar(at: index)
            result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            index = next
        }
        return result
    }

    /// The character that the backslash at `index` begins, and where the text goes on.
    private func unescapedScalar(at index: Int) throws(JSONError) -> (scalar: UnicodeScalar, next: Int) {
        let letter = byte(at: index + 1)
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UnicodeScalar(letter), index + 2)
        case UInt8(ascii: "b"): return ("\u{8}", index + 2)
        case UInt8(ascii: "f"): return ("\u{C}", index + 2)
        case UInt8(ascii: "n"): return ("\n", index + 2)
        case UInt8(ascii: "r"): return ("\r", index + 2)
        case UInt8(ascii: "t"): return ("\t", index + 2)
        case UInt8(ascii: "u"): return try hexScalar(at: index)
        default:
            throw JSONError(.syntax, offset: index, "a backslash must be followed by one of \" \\ / b f n r t u")
        }
    }

    /// The character that `\uXXXX` at `index`, or a pair of them, stands for.
    private func hexScalar(at index: Int) throws(JSONError) -> (scalar: UnicodeScalar, next: Int) {
        let unit = try hexUnit(at: index)
        if let scalar = UnicodeScalar(unit) {
            guard unit != 0 || acceptsNUL else {
                throw JSONError(.range, offset: index, "\\u0000 is not allowed here")
            }
            return (scalar, index + 6)
        }
        // Half of a pair: the high half comes first and the low one follows at once.
        if unit < 0xDC00, byte(at: index + 6) == UInt8(ascii: "\\"), byte(at: index + 7) == UInt8(ascii: "u") {
            let second = try hexUnit(at: index + 6)
            let code = 0x10000 + UInt32(unit - 0xD800) << 10 + UInt32(second &- 0xDC00)
            if 0xDC00...0xDFFF ~= second, let scalar = UnicodeScalar(code) { return (scalar, index + 12) }
        }
        throw JSONError(.utf8, offset: index, "\\u escapes half of a surrogate pair")
    }

    /// The four hex digits of `\uXXXX` at `index`.
    private func hexUnit(at index: Int) throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for digit in (index + 2)..<(index + 6) {
            let value: UInt8
            switch byte(at: digit) {
            case let byte where 0x30...0x39 ~= byte: value = byte &- 0x30
            case let byte where 0x41...0x46 ~= byte: value = byte &- 0x37
            case let byte where 0x61...0x66 ~= byte: value = byte &- 0x57
            default: throw JSONError(.syntax, offset: min(digit, bytes.count), "\\u needs four hex digits")
            }
            unit = unit << 4 | UInt16(value)
        }
        return unit
    }
}
