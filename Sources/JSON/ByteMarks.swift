/// Marks bytes of a word by their highest bit.
///
/// A mark above the lowest may be false, since subtraction borrows from the byte above a true one; the lowest never is.
enum ByteMarks {
    @inline(__always)
    private static func all(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 &* UInt64(byte) }

    @inline(__always)
    static var high: UInt64 { all(0x80) }

    /// Quotation marks, backslashes and control characters: the bytes that can't stand for themselves in a string.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let quotes = word ^ all(0x22)
        let backslashes = word ^ all(0x5C)
        let equal = (quotes &- all(1)) & ~quotes | (backslashes &- all(1)) & ~backslashes
        let control = (word &- all(0x20)) & ~word
        return (equal | control) & high
    }

    /// How many bytes stand before the lowest mark; 8 without any.
    @inline(__always)
    static func bytesBefore(_ marks: UInt64) -> Int { marks.trailingZeroBitCount &>> 3 }
}
