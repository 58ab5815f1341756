/// Eight bytes at a time, the first in the lowest bits on every machine.
extension Span<UInt8> {
    /// The eight bytes from `index` on, zeros for those beyond the end.
    ///
    /// `index` is at most `count`. The compiler makes one load of the eight.
    @inlinable @inline(__always)
    func word(at index: Int) -> UInt64 {
        if index >= 0, index <= count &- 8 { return fullWord(at: index) }
        return lastWord(at: index)
    }

    @inlinable @inline(__always)
    func fullWord(at i: Int) -> UInt64 {
        UInt64(self[i]) | UInt64(self[i &+ 1]) &<< 8
            | UInt64(self[i &+ 2]) &<< 16 | UInt64(self[i &+ 3]) &<< 24
            | UInt64(self[i &+ 4]) &<< 32 | UInt64(self[i &+ 5]) &<< 40
            | UInt64(self[i &+ 6]) &<< 48 | UInt64(self[i &+ 7]) &<< 56
    }

    /// Fewer than eight bytes are left: take the last eight and drop those before `index`.
    @inlinable @inline(never)
    func lastWord(at index: Int) -> UInt64 {
        if count >= 8 { return fullWord(at: count &- 8) >> UInt64(8 &* (index &- count &+ 8)) }
        var word: UInt64 = 0
        for offset in 0..<(count - index) { word |= UInt64(self[index + offset]) &<< UInt64(8 * offset) }
        return word
    }

    /// Whether it has the same bytes as `other`, which is as long.
    func hasBytes(of other: Span<UInt8>) -> Bool {
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}

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
