internal import Bytes

/// Reads one JSON text (RFC 8259) straight from its bytes, value by value, without building a tree.
///
/// The caller knows what it expects and asks for it: `readObject`, `readArray`, `readString`, `readUInt`… Each reads
/// exactly one value, with the white space before it. At the end `finish()` refuses anything that is left, or
/// `read(_:)` does both. Strict: no comments, trailing commas, leading zeros, NaN, invalid UTF-8, half surrogate pairs,
/// control characters in strings, or double names, not even in values that are skipped.
///
/// Errors leave `readObject` and `readArray` as `JSONLocatedError`, with the JSON Pointer of the value at fault: also
/// those that the closures throw themselves. After an error the reader is of no further use.
///
/// A reader is a view: it can't outlive its bytes. Copies are independent and cost nothing, which is how to look ahead.
public struct JSONReader: ~Escapable {
    let bytes: Span<UInt8>
    /// The next byte to look at.
    @usableFromInline var position = 0
    /// How many objects and arrays are open.
    @usableFromInline var depth = 0
    let maximumDepth: Int
    /// Bit n is set if byte n is white space.
    let whiteSpace: UInt64
    let acceptsNUL: Bool

    /// - Parameters:
    ///   - bytes: The whole text, or with `lineFeedEnds` one line.
    ///   - maximumDepth: How many objects and arrays may be inside one another, from 0 to 512. Each takes stack.
    ///   - lineFeedEnds: Refuse a line feed as white space, for a line of NDJSON: with a brace missing, a reader that
    ///     took it for a space would go on into the next line.
    ///   - acceptsNUL: Whether strings and names may contain `\u0000`. If not, it is a `range` error.
    @_lifetime(copy bytes)
    public init(
        _ bytes: Span<UInt8>, maximumDepth: Int = 32, lineFeedEnds: Bool = false, acceptsNUL: Bool = true
    ) {
        precondition(0...512 ~= maximumDepth, "a depth of \(maximumDepth) is not within 0 to 512")
        self.bytes = bytes
        self.maximumDepth = maximumDepth
        whiteSpace = 1 << 0x20 | 1 << 0x09 | 1 << 0x0D | (lineFeedEnds ? 0 : 1 << 0x0A)
        self.acceptsNUL = acceptsNUL
    }

    /// How many bytes have been read.
    public var offset: Int { position }
}

extension JSONReader {
    /// Reads the whole text: `body` its value, then nothing but white space may remain.
    ///
    /// Whatever goes wrong arrives with its place; the pointer is empty for what concerns the whole text.
    @inlinable
    public mutating func read<Value>(
        _ body: (inout JSONReader) throws -> Value
    ) throws(JSONLocatedError) -> Value {
        do {
            let value = try body(&self)
            try finish()
            return value
        } catch {
            throw JSONLocatedError(error)
        }
    }

    /// Throws a `syntax` error if anything but white space is left.
    public mutating func finish() throws(JSONError) {
        skipWhiteSpace()
        guard position == bytes.count else { throw unexpected("the end of the text") }
    }

    /// What the next value is, from its first byte; the rest of it is not looked at. Throws `syntax` if there is none.
    public func peek() throws(JSONError) -> JSONKind {
        var copy = self
        copy.skipWhiteSpace()
        guard let kind = copy.kindHere else { throw copy.unexpected("a value") }
        return kind
    }

    /// True if the next value is null, which is then consumed; false if it is another one.
    public mutating func readNull() throws(JSONError) -> Bool {
        skipWhiteSpace()
        guard byte(at: position) == UInt8(ascii: "n") else { return false }
        guard take(0x6C6C_756E, count: 4) else { throw unexpected("null") }
        return true
    }

    public mutating func readBool() throws(JSONError) -> Bool {
        skipWhiteSpace()
        if take(0x6575_7274, count: 4) { return true }
        if take(0x65_736C_6166, count: 5) { return false }
        throw unexpected(.bool)
    }

    /// Consumes a literal, given as the number its bytes make with the first one lowest.
    private mutating func take(_ literal: UInt64, count: UInt64) -> Bool {
        let mask: UInt64 = (1 &<< (8 &* count)) &- 1
        guard bytes.word(at: position) & mask == literal else { return false }
        position &+= Int(count)
        return true
    }
}

extension JSONReader {
    /// The byte at `index`, or zero at the end: no token begins with zero.
    @inline(__always)
    func byte(at index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    @inline(__always)
    mutating func skipWhiteSpace() {
        // Nothing to skip is the rule.
        while position < bytes.count, bytes[position] <= 0x20, whiteSpace &>> UInt64(bytes[position]) & 1 != 0 {
            position &+= 1
        }
    }

    /// The kind of value that the byte at the current position begins.
    var kindHere: JSONKind? {
        switch byte(at: position) {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: nil
        }
    }

    /// For a value that is not of the kind asked for: a `type` error if it is of another one, else a `syntax` error.
    @inline(never)
    func unexpected(_ kind: JSONKind) -> JSONError {
        guard let found = kindHere, found != kind else { return unexpected(kind.phrase) }
        return JSONError(
            .type(expected: kind.phrase), offset: position, "expected \(kind.phrase), found \(found.phrase)")
    }

    /// For a byte, or the end, that the grammar does not allow here.
    @inline(never)
    func unexpected(_ expected: String) -> JSONError {
        JSONError(.syntax, offset: position, "expected \(expected), found \(JSONReader.name(at: position, in: bytes))")
    }

    private static func name(at position: Int, in bytes: Span<UInt8>) -> String {
        guard position < bytes.count else { return "the end of the text" }
        let byte = bytes[position]
        switch byte {
        case 0x0A: return "a line feed"
        case 0x21..<0x7F: return "'\(UnicodeScalar(byte))'"
        default: return (byte < 16 ? "byte 0x0" : "byte 0x") + String(byte, radix: 16)
        }
    }
}
