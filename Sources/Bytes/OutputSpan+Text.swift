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
        if text.utf8CodeUnitCount == 0 { return }
        // SAFETY: the text lives as long as the process; the destination has room for it, as was just checked, and so an
        // address.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            let start = unsafe buffer.baseAddress.unsafelyUnwrapped
            unsafe UnsafeMutableRawPointer(start + used).copyMemory(
                from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
            used &+= text.utf8CodeUnitCount
        }
    }

    /// What `append(blocksOf:from:to:)` copies at once.
    @inlinable @inline(__always)
    public static var blockSize: Int { 32 }

    /// Appends the bytes from `start` to `end` of `source`, a block at a time rather than by a call. A block more must be
    /// readable behind `end`, and free here behind what is appended.
    @inlinable @inline(__always)
    public mutating func append(blocksOf source: Span<UInt8>, from start: Int, to end: Int) {
        let size = Self.blockSize
        precondition(0 <= start && start <= end && end <= source.count &- size, "not in the source")
        let count = end &- start
        precondition(count <= freeCapacity &- size, "no room for blocks")
        // SAFETY: fewer than `count + size` bytes are read from `start` on and written, all of which lie in the source and
        // in what is free of the destination, as was just checked, so both have an address; bytes need no alignment.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            unsafe source.withUnsafeBytes { source in
                let (to, from) = unsafe (buffer.baseAddress.unsafelyUnwrapped, source.baseAddress.unsafelyUnwrapped)
                var place = 0
                repeat {
                    let block = unsafe from.loadUnaligned(fromByteOffset: start &+ place, as: SIMD32<UInt8>.self)
                    unsafe UnsafeMutableRawPointer(to + used + place).storeBytes(of: block, as: SIMD32<UInt8>.self)
                    place &+= size
                } while place < count
            }
            used &+= count
        }
    }

    /// Appends the `count` lowest bytes of `word`, the lowest first. There must be room for all eight.
    @inlinable @inline(__always)
    public mutating func append(word: UInt64, count: Int) {
        precondition(freeCapacity >= 8 && 0...8 ~= count, "no room for a word")
        // SAFETY: eight bytes of the destination are free, as was just checked, so it has an address; bytes need no alignment.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            let start = unsafe buffer.baseAddress.unsafelyUnwrapped
            unsafe UnsafeMutableRawPointer(start + used).storeBytes(of: word.littleEndian, as: UInt64.self)
            used &+= count
        }
    }

    /// Appends a number's digits. There must be room for 24 bytes.
    @inlinable @inline(__always)
    public mutating func append(_ number: DecimalText) {
        append(word: number.first, count: number.firstCount)
        if number.second == 0 { return }
        append(word: number.second, count: 8)
        if number.third != 0 { append(word: number.third, count: 8) }
    }

    /// Appends a number in decimal digits. There must be room for 24 bytes.
    @inlinable @inline(__always)
    public mutating func append(decimal value: UInt64) {
        // Metrics, mostly.
        if value < 10 { return append(word: value | DigitWord.zeros, count: 1) }
        append(DecimalText(value))
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

    /// Appends the four bytes of a number, the highest first, in decimal digits with dots between them. There must be room
    /// for 20 bytes.
    @inlinable @inline(__always)
    public mutating func append(dotted bytes: UInt32) {
        let front = DigitWord.dotted(UInt64(bytes &>> 24) | UInt64(bytes & 0xFF_0000) &<< 16)
        let back = DigitWord.dotted(UInt64(bytes &>> 8 & 0xFF) | UInt64(bytes & 0xFF) &<< 32)
        append(dotted: UInt32(truncatingIfNeeded: front), characters: 4)
        append(dotted: UInt32(truncatingIfNeeded: front &>> 32), characters: 4)
        append(dotted: UInt32(truncatingIfNeeded: back), characters: 4)
        append(dotted: UInt32(truncatingIfNeeded: back &>> 32), characters: 3)
    }

    /// Appends the first of three digits and a dot, without the zeros in front.
    @inlinable @inline(__always)
    mutating func append(dotted digits: UInt32, characters: Int) {
        // The last digit always stands.
        let zeros = (digits & 0x000F_0F0F | 0x0001_0000).trailingZeroBitCount &>> 3
        append(word: UInt64(digits) &>> UInt64(8 &* zeros), count: characters &- zeros)
    }

    /// Appends the hexadecimal digits of a number, in lower case and without zeros in front. There must be room for 8 bytes.
    @inlinable @inline(__always)
    public mutating func append(hexadecimal value: UInt16) {
        let zeros = min(3, value.leadingZeroBitCount &>> 2)
        append(word: DigitWord.hexadecimal(UInt32(value)) &>> UInt64(32 &+ 8 &* zeros), count: 4 &- zeros)
    }

    /// Appends all 16 hexadecimal digits of a number, in lower case. There must be room for them.
    @inlinable @inline(__always)
    public mutating func append(hexadecimal value: UInt64) {
        append(word: DigitWord.hexadecimal(UInt32(truncatingIfNeeded: value &>> 32)), count: 8)
        append(word: DigitWord.hexadecimal(UInt32(truncatingIfNeeded: value)), count: 8)
    }

    /// Appends all 32 hexadecimal digits of a number of 128 bits, in lower case. There must be room for them.
    @inlinable @inline(__always)
    public mutating func append(hexadecimal high: UInt64, _ low: UInt64) {
        precondition(freeCapacity >= 32, "no room for 32 digits")
        let (front, back) = (high.byteSwapped, low.byteSwapped)
        let words = DigitWord.hexadecimal(SIMD4(front & 0xFFFF_FFFF, front &>> 32, back & 0xFFFF_FFFF, back &>> 32))
        // SAFETY: 32 bytes of the destination are free, as was just checked, so it has an address; bytes need no alignment.
        unsafe withUnsafeMutableBufferPointer { buffer, used in
            let start = unsafe UnsafeMutableRawPointer(buffer.baseAddress.unsafelyUnwrapped + used)
            for place in 0..<4 {
                unsafe start.storeBytes(of: words[place].littleEndian, toByteOffset: 8 &* place, as: UInt64.self)
            }
            used &+= 32
        }
    }
}
