/// The decimal digits of a number, for who writes them more than once.
@frozen public struct DecimalText: BitwiseCopyable, Sendable {
    /// Characters, the first in the lowest byte: up to eight digits, then eight in each of the following. Zero where there
    /// are no more.
    @usableFromInline let first: UInt64
    @usableFromInline let firstCount: Int
    @usableFromInline let second: UInt64
    @usableFromInline let third: UInt64

    @inlinable @inline(__always)
    public init(_ value: UInt64) {
        if value < 100_000_000 {
            self.init(start: UInt32(truncatingIfNeeded: value))
        } else {
            self.init(large: value)
        }
    }

    @inlinable @inline(never)
    init(large value: UInt64) {
        let (front, last) = value.quotientAndRemainder(dividingBy: 100_000_000)
        let lastDigits = DigitWord.decimal(UInt32(truncatingIfNeeded: last)) | DigitWord.zeros
        if front < 100_000_000 {
            self.init(start: UInt32(truncatingIfNeeded: front), lastDigits)
        } else {
            let (start, middle) = front.quotientAndRemainder(dividingBy: 100_000_000)
            let middleDigits = DigitWord.decimal(UInt32(truncatingIfNeeded: middle)) | DigitWord.zeros
            self.init(start: UInt32(truncatingIfNeeded: start), middleDigits, lastDigits)
        }
    }

    @inlinable @inline(__always)
    init(start: UInt32, _ second: UInt64 = 0, _ third: UInt64 = 0) {
        let digits = DigitWord.decimal(start)
        // Zeros in front are zero bytes as long as the digits aren't characters; the last digit always stands.
        let zeros = (digits | 1 &<< 56).trailingZeroBitCount &>> 3
        first = (digits | DigitWord.zeros) &>> UInt64(8 &* zeros)
        firstCount = 8 &- zeros
        self.second = second
        self.third = third
    }
}
