public import Addressing
public import Bytes
public import ChangeLog
internal import Platform
public import Routing

/// All of this becomes part of the loop over a run of routes: a call for each piece of a row would cost more than to copy
/// the piece.
extension EntryTemplate {
    /// The entry: what is hashed. `text` is what the template was made in; of `output`, `room` must be free.
    @inlinable @inline(__always)
    public func write(
        _ key: RouteKey, _ family: AddressFamily, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>
    ) {
        output.append(blocksOf: text, start, prefix)
        key.prefix(family).write(to: &output)
        output.append(blocksOf: text, prefix, metric)
        output.append(decimal: UInt64(key.metric))
        if key.tos == 0 { return output.append(blocksOf: text, metric, end) }
        output.append(blocksOf: text, metric, tos)
        writeTos(key, &output)
        output.append(blocksOf: text, tos, end)
    }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together. It needs `room` and 192
    /// bytes more, and what it says of hardware.
    @inlinable @inline(__always)
    func writeRow(_ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>) {
        writeRow(row, text, to: &output) { row.writeHardware(text, to: &$0) }
    }

    /// - Parameter writeHardware: what it says of hardware.
    @inlinable @inline(__always)
    func writeRow(
        _ row: EntryRow, _ text: Span<UInt8>, to output: inout OutputSpan<UInt8>,
        _ writeHardware: (inout OutputSpan<UInt8>) -> Void
    ) {
        let number = DecimalText(row.version.rawValue)
        output.append(blocksOf: text, start, prefix)
        row.key.prefix(row.family).write(to: &output)
        if expiresAt != 0 { writeTimeLeft(&output) }
        output.append(blocksOf: text, expiresAt == 0 ? prefix : prefix &+ 1, hash)
        output.append(literal: ",\"h\":\"")
        output.append(row.hash)
        output.append(UInt8(ascii: "\""))
        writeHardware(&output)
        output.append(blocksOf: text, hash, metric)
        output.append(decimal: UInt64(row.key.metric))
        output.append(blocksOf: text, metric, sequence)
        output.append(literal: ",\"seq\":")
        output.append(number)
        output.append(blocksOf: text, sequence, tos)
        if row.key.tos != 0 { writeTos(row.key, &output) }
        output.append(blocksOf: text, tos, version)
        output.append(literal: ",\"version\":")
        output.append(number)
        output.append(blocksOf: text, version, end)
    }

    /// Seconds until the route expires, rounded up. They stand before `expires_at`, that is, behind the quotation mark with which
    /// the text goes on. Not inlined: few routes do.
    @usableFromInline @inline(never)
    func writeTimeLeft(_ output: inout OutputSpan<UInt8>) {
        let now = WallClock.milliseconds
        output.append(literal: "\",\"expires\":")
        output.append(decimal: expiresAt > now ? (expiresAt - now + 999) / 1_000 : 0)
    }

    @inlinable @inline(__always)
    func writeTos(_ key: RouteKey, _ output: inout OutputSpan<UInt8>) {
        output.append(literal: ",\"tos\":")
        output.append(decimal: key.tos)
    }
}

extension OutputSpan<UInt8> {
    @inlinable @inline(__always)
    mutating func append(blocksOf text: Span<UInt8>, _ start: UInt32, _ end: UInt32) {
        append(blocksOf: text, from: Int(start), to: Int(end))
    }

    /// 32 lower-case hexadecimal digits, for which there must be room.
    @inlinable @inline(__always)
    public mutating func append(_ hash: EntryHash) {
        append(hexadecimal: hash.high, hash.low)
    }
}

extension [UInt8] {
    /// 32 lower-case hexadecimal digits.
    public mutating func append(_ hash: EntryHash) {
        append(addingCapacity: 32) { $0.append(hash) }
    }

    /// 32 lower-case hexadecimal digits.
    public mutating func append(_ digest: StateDigest) {
        append(EntryHash(high: digest.high, low: digest.low))
    }
}
