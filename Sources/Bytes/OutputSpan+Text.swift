/// Text in the making: the numbers and names that routes are written with, a word at a time.
extension OutputSpan<UInt8> {
    /// Appends a copy of `bytes`, for which there must be room.
    @inlinable @inline(__always)
    public mutating func append(copying bytes: Span<UInt8>) {
        precondition(bytes.count <= freeCapacity, "no room")
        // SAFETY: the destination has room for all of it, as was just checked, and can't overlap a span that is readable.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            unsafe bytes.withUnsafeBytes { source in
                guard let start = buffer.baseAddress, let from = source.baseAddress else { return }
                unsafe UnsafeMutableRawPointer(start + used).copyMemory(from: from, byteCount: source.count)
            }
            used &+= bytes.count
        }
    }

    /// Appends a copy of `bytes`, for which there must be room.
    @inlinable @inline(__always)
    public mutating func append(copying bytes: [UInt8]) { append(copying: bytes.span) }

    /// Appends the bytes of a text that stands in the program, for which there must be room.
    @inlinable @inline(__always)
    public mutating func append(literal text: StaticString) {
        precondition(text.hasPointerRepresentation && text.utf8CodeUnitCount <= freeCapacity, "no room")
        // SAFETY: the text lives as long as the process; the destination has room for it, as was just checked.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            guard let start = buffer.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(start + used).copyMemory(
                from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
            used &+= text.utf8CodeUnitCount
        }
    }

    /// Appends the `count` lowest bytes of `word`, the lowest first. There must be room for all eight.
    @inlinable @inline(__always)
    public mutating func append(word: UInt64, count: Int) {
        precondition(freeCapacity >= 8 && 0...8 ~= count, "no room for a word")
        // SAFETY: eight bytes of the destination are free, as was just checked; bytes need no alignment.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            guard let start = buffer.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(start + used).storeBytes(of: word.littleEndian, as: UInt64.self)
            used &+= count
        }
    }

    /// Appends a number in decimal digits. There must be room for 24 bytes.
    @inlinable
    public mutating func append(decimal value: UInt64) {
        if value < 100_000_000 {
            let digits = DigitWord.decimal(UInt32(truncatingIfNeeded: value))
            // Zeros in front are zero bytes as long as the digits aren't characters; the last digit always stands.
            let zeros = min(7, digits.trailingZeroBitCount &>> 3)
            append(word: (digits | DigitWord.zeros) &>> UInt64(8 &* zeros), count: 8 &- zeros)
            return
        }
        let (front, last) = value.quotientAndRemainder(dividingBy: 100_000_000)
        append(decimal: front)
        append(word: DigitWord.decimal(UInt32(truncatingIfNeeded: last)) | DigitWord.zeros, count: 8)
    }

    /// Appends a number up to 255 in decimal digits. There must be room for 8 bytes.
    @inlinable @inline(__always)
    public mutating func append(decimal value: UInt8) {
        let value = UInt64(value)
        let hundreds = (value &* 41) &>> 12
        let rest = value &- hundreds &* 100
        let tens = (rest &* 103) &>> 10
        let digits = hundreds | tens &<< 8 | (rest &- tens &* 10) &<< 16
        let zeros = (value < 100 ? 1 : 0) &+ (value < 10 ? 1 : 0)
        append(word: (digits | DigitWord.zeros) &>> UInt64(8 &* zeros), count: 3 &- zeros)
    }

    /// Appends the hexadecimal digits of a number, in lower case and without zeros in front. There must be room for 8 bytes.
    @inlinable @inline(__always)
    public mutating func append(hexadecimal value: UInt16) {
        let zeros = min(3, value.leadingZeroBitCount &>> 2)
        append(word: DigitWord.hexadecimal(UInt32(value)) &>> UInt64(32 &+ 8 &* zeros), count: 4 &- zeros)
    }

    /// Appends all 16 hexadecimal digits of a number, in lower case. There must be room for them.
    @inlinable
    public mutating func append(hexadecimal value: UInt64) {
        append(word: DigitWord.hexadecimal(UInt32(truncatingIfNeeded: value &>> 32)), count: 8)
        append(word: DigitWord.hexadecimal(UInt32(truncatingIfNeeded: value)), count: 8)
    }
}

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

    /// As characters.
    @inlinable @inline(__always)
    static func hexadecimal(_ value: UInt32) -> UInt64 {
        var nibbles = UInt64(value.byteSwapped)
        nibbles = (nibbles | nibbles &<< 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles &<< 8) & 0x00FF_00FF_00FF_00FF
        nibbles = (nibbles &>> 4 | nibbles &<< 8) & 0x0F0F_0F0F_0F0F_0F0F
        // One in each byte that is above 9: there, 'a' follows where '9' ends.
        let letters = (nibbles &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
        return nibbles &+ zeros &+ letters &* 0x27
    }
}
