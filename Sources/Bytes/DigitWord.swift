/// Eight digits at a time, the first in the lowest byte. Each step splits all groups of digits in two at once.
@usableFromInline
enum DigitWord {
    /// The character 0, eight times.
    @inlinable @inline(__always)
    static var zeros: UInt64 { 0x3030_3030_3030_3030 }

    /// Of a number below 10^8, as values from 0 to 9.
    @inlinable @inline(__always)
    static func decimal(_ value: UInt32) -> UInt64 {
        let (high, low) = value.quotientAndRemainder(dividingBy: 10_000)
        let fours = UInt64(high) | UInt64(low) &<< 32
        // Multiplying and shifting divides: by 100 what is below 10^4, then by 10 what is below 100.
        let hundreds = (fours &* 10_486) &>> 20 & 0x0000_007F_0000_007F
        let twos = hundreds | (fours &- hundreds &* 100) &<< 16
        let tens = (twos &* 103) &>> 10 & 0x000F_000F_000F_000F
        return tens | (twos &- tens &* 10) &<< 8
    }

    /// Of each of two bytes, which stand in the lowest of four bytes each: three characters and a dot.
    @inlinable @inline(__always)
    static func dotted(_ bytes: UInt64) -> UInt64 {
        let hundreds = (bytes &* 41) &>> 12 & 0x0000_000F_0000_000F
        let rest = bytes &- hundreds &* 100
        let tens = (rest &* 103) &>> 10 & 0x0000_000F_0000_000F
        return hundreds | tens &<< 8 | (rest &- tens &* 10) &<< 16 | 0x2E30_3030_2E30_3030
    }

    /// As characters.
    @inlinable @inline(__always)
    static func hexadecimal(_ value: UInt32) -> UInt64 {
        hexadecimal(SIMD4(repeating: UInt64(value.byteSwapped)))[0]
    }

    /// As characters, of four bytes in the lower half of each word.
    @inlinable @inline(__always)
    static func hexadecimal(_ bytes: SIMD4<UInt64>) -> SIMD4<UInt64> {
        var nibbles = (bytes | bytes &<< 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles &<< 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles &>> 4 | nibbles &<< 8) & 0x0F0F_0F0F_0F0F_0F0F
        // One in each byte that is above 9: there, 'a' follows where '9' ends.
        let letters = (nibbles &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
        // 39 times each, in sums of powers of two since processors multiply no vectors of words.
        return nibbles &+ zeros &+ (letters &<< 5 &+ letters &<< 3 &- letters)
    }
}
