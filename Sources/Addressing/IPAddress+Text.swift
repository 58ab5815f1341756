public import Bytes

extension IPAddress: CustomStringConvertible {
    /// The canonical text; see `append(to:)`.
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the canonical text: a dotted quad, or RFC 5952.
    ///
    /// That is: lower case, no leading zeros, `::` for the longest run of two or more zero groups (the first of equals),
    /// and the last 32 bits dotted in `::ffff:0:0/96` only (RFC 5952, section 5). At most 45 bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(addingCapacity: 64) { write(to: &$0) }
    }

    /// At most 45 bytes, for a caller that made room for 64: words are written whole.
    @inlinable @inline(__always)
    public func write(to output: inout OutputSpan<UInt8>) {
        if family == .inet {
            output.append(dotted: UInt32(truncatingIfNeeded: high &>> 32))
        } else {
            writeColons(to: &output)
        }
    }

    @usableFromInline
    func writeColons(to output: inout OutputSpan<UInt8>) {
        let colon = UInt8(ascii: ":")
        if high == 0 && low &>> 32 == 0xFFFF {
            let prefix: [7 of UInt8] = [0x3A, 0x3A, 0x66, 0x66, 0x66, 0x66, 0x3A]  // ::ffff:
            for index in prefix.indices { output.append(prefix[index]) }
            output.append(dotted: UInt32(truncatingIfNeeded: low))
            return
        }
        let gap = longestZeroRun()
        for index in 0..<gap.start {
            if index > 0 { output.append(colon) }
            output.append(hexadecimal: group(index))
        }
        if gap.count == 0 { return }
        output.append(colon)
        output.append(colon)
        for index in gap.start + gap.count..<8 {
            if index > gap.start + gap.count { output.append(colon) }
            output.append(hexadecimal: group(index))
        }
    }

    /// The 16 bits at `index`, counted from the left.
    private func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half &>> UInt64(48 - 16 * (index & 3)))
    }

    /// Where `::` goes, and for how many groups; behind the last group and for none if nowhere.
    private func longestZeroRun() -> (start: Int, count: Int) {
        // Bit i is set if a run of more than `count` zero groups begins at group i.
        var runs: UInt8 = 0
        for index in 0..<8 where group(index) == 0 { runs |= 1 &<< index }
        var (start, count) = (8, 0)
        while runs != 0 {
            start = runs.trailingZeroBitCount
            count += 1
            runs &= runs &>> 1
        }
        return count < 2 ? (8, 0) : (start, count)
    }
}
