/// Eight bytes at a time, the first in the lowest bits on every machine.
extension Span<UInt8> {
    /// The eight bytes from `index` on, zeros for those beyond the end.
    ///
    /// `index` is at most `count`. The compiler makes one load of the eight.
    @inlinable @inline(__always)
    public func word(at index: Int) -> UInt64 {
        if index >= 0, index <= count &- 8 { return fullWord(at: index) }
        return lastWord(at: index)
    }

    @inlinable @inline(__always)
    public func fullWord(at i: Int) -> UInt64 {
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
    public func hasBytes(of other: Span<UInt8>) -> Bool {
        for index in indices where self[index] != other[index] { return false }
        return true
    }

    /// The first place from `start` on where `byte` stands; nil if it doesn't. Eight bytes at a time.
    @inlinable
    public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        let pattern = 0x0101_0101_0101_0101 &* UInt64(byte)
        var index = start
        while index &+ 8 <= count {
            let difference = fullWord(at: index) ^ pattern
            // A zero byte is marked by its highest bit; a mark above the lowest may be false, which no one looks at.
            let marks = (difference &- 0x0101_0101_0101_0101) & ~difference & 0x8080_8080_8080_8080
            if marks != 0 { return index &+ marks.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < count {
            if self[index] == byte { return index }
            index &+= 1
        }
        return nil
    }
}
