internal import Bytes

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
    public func write(to output: inout OutputSpan<UInt8>) {
        if family == .inet {
            Self.writeDotted(UInt32(truncatingIfNeeded: high &>> 32), to: &output)
        } else {
            writeColons(to: &output)
        }
    }

    private func writeColons(to output: inout OutputSpan<UInt8>) {
        let colon = UInt8(ascii: ":")
        if high == 0 && low &>> 32 == 0xFFFF {
            let prefix: [7 of UInt8] = [0x3A, 0x3A, 0x66, 0x66, 0x66, 0x66, 0x3A]  // ::ffff:
            for index in prefix.indices { output.append(prefix[index]) }
            Self.writeDotted(UInt32(truncatingIfNeeded: low), to: &output)
            return
        }
        let gap = longestZeroRun()
        var index = 0
        while index < 8 {
            if index == gap.start {
                output.append(colon)
                output.append(colon)
                index += gap.count
                continue
            }
            if index > 0 && index != gap.start + gap.count { output.append(colon) }
            output.append(hexadecimal: group(index))
            index += 1
        }
    }

    /// The 16 bits at `index`, counted from the left.
    private func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half &>> UInt64(48 - 16 * (index & 3)))
    }

    /// Where `::` goes; a start beyond the last group if nowhere.
    private func longestZeroRun() -> (start: Int, count: Int) {
        var best = (start: 8, count: 1)
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > best.count { best = (index, end - index) }
            index = end + 1
        }
        return best
    }

    @inline(__always)
    private static func writeDotted(_ bits: UInt32, to output: inout OutputSpan<UInt8>) {
        output.append(decimal: UInt8(truncatingIfNeeded: bits &>> 24))
        output.append(UInt8(ascii: "."))
        output.append(decimal: UInt8(truncatingIfNeeded: bits &>> 16))
        output.append(UInt8(ascii: "."))
        output.append(decimal: UInt8(truncatingIfNeeded: bits &>> 8))
        output.append(UInt8(ascii: "."))
        output.append(decimal: UInt8(truncatingIfNeeded: bits))
    }
}
