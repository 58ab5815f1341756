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
        bytes.append(addingCapacity: 45) { write(to: &$0) }
    }

    /// For callers that made room for 45 bytes.
    @inline(__always)
    func write(to output: inout OutputSpan<UInt8>) {
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
            Self.writeHex(group(index), to: &output)
            index += 1
        }
    }

    /// The 16 bits at `index`, counted from the left.
    private func group(_ index: Int) -> UInt64 {
        let half = index < 4 ? high : low
        return half &>> UInt64(48 - 16 * (index & 3)) & 0xFFFF
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

    private static func writeHex(_ value: UInt64, to output: inout OutputSpan<UInt8>) {
        var shift = value == 0 ? 0 : (63 - value.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value &>> UInt64(shift)) & 0xF
            output.append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            shift -= 4
        }
    }

    private static func writeDotted(_ bits: UInt32, to output: inout OutputSpan<UInt8>) {
        writeDecimal(UInt8(truncatingIfNeeded: bits &>> 24), to: &output)
        output.append(UInt8(ascii: "."))
        writeDecimal(UInt8(truncatingIfNeeded: bits &>> 16), to: &output)
        output.append(UInt8(ascii: "."))
        writeDecimal(UInt8(truncatingIfNeeded: bits &>> 8), to: &output)
        output.append(UInt8(ascii: "."))
        writeDecimal(UInt8(truncatingIfNeeded: bits), to: &output)
    }

    /// 0 to 255 without leading zeros.
    @inline(__always)
    static func writeDecimal(_ value: UInt8, to output: inout OutputSpan<UInt8>) {
        if value >= 100 { output.append(0x30 &+ value / 100) }
        if value >= 10 { output.append(0x30 &+ value / 10 % 10) }
        output.append(0x30 &+ value % 10)
    }
}
