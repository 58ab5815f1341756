/// Reads what `Array+Records` appends, and believes nothing: a record may come from a damaged disk.
public struct RecordBytes: Sendable {
    /// The bytes are not what such a record has at that place.
    public struct Malformed: Error, Hashable, Sendable {
        /// Where in the bytes.
        public let offset: Int
        public let what: String

        public init(offset: Int, what: String) {
            self.offset = offset
            self.what = what
        }
    }

    public let bytes: [UInt8]
    public private(set) var offset = 0

    @inlinable public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public var isAtEnd: Bool { offset == bytes.count }

    public func malformed(_ what: String) -> Malformed { Malformed(offset: offset, what: what) }

    public mutating func byte() throws(Malformed) -> UInt8 {
        guard offset < bytes.count else { throw malformed("the end") }
        defer { offset += 1 }
        return bytes[offset]
    }

    public mutating func varint() throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let byte = try byte()
            // The tenth byte has room for the highest bit only.
            if shift == 63, byte > 1 { break }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
        }
        throw malformed("a number of more than 64 bits")
    }

    /// A number that must fit `Number`.
    public mutating func varint<Number: FixedWidthInteger>(as type: Number.Type) throws(Malformed) -> Number {
        guard let number = Number(exactly: try varint()) else { throw malformed("a number beyond \(Number.max)") }
        return number
    }

    /// How many of something follow, each of which takes at least a byte.
    public mutating func count() throws(Malformed) -> Int {
        let count = try varint()
        guard count <= UInt64(bytes.count - offset) else { throw malformed("a count of \(count)") }
        return Int(count)
    }

    public mutating func word() throws(Malformed) -> UInt64 {
        guard bytes.count - offset >= 8 else { throw malformed("the end") }
        var word: UInt64 = 0
        for index in offset..<offset + 8 { word = word &<< 8 | UInt64(bytes[index]) }
        offset += 8
        return word
    }

    public mutating func text() throws(Malformed) -> String {
        let count = try count()
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else {
            throw malformed("a text that isn't UTF-8")
        }
        offset += count
        return text
    }

    /// The first `count` bytes of a word in network order; the others are zero. At most 8.
    public mutating func leadingBytes(_ count: Int) throws(Malformed) -> UInt64 {
        guard bytes.count - offset >= count else { throw malformed("the end") }
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(bytes[offset + index]) &<< UInt64(56 - 8 * index) }
        offset += count
        return word
    }
}

extension [UInt8] {
    /// The first `count` bytes of `word` in network order. At most 8.
    @inlinable
    public mutating func append(leadingBytesOf word: UInt64, _ count: Int) {
        append(addingCapacity: 8) { $0.append(word: word.byteSwapped, count: count) }
    }
}
