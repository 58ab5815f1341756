/// Binary records: numbers in as many bytes as they need, texts with their length.
extension [UInt8] {
    /// Seven bits a byte, the lowest first; all but the last byte have their highest bit set (LEB128).
    @inlinable
    public mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    /// Eight bytes, the highest first.
    @inlinable
    public mutating func append(word value: UInt64) {
        append(addingCapacity: 8) { $0.append(word: value.byteSwapped, count: 8) }
    }

    /// Its length, then its UTF-8.
    @inlinable
    public mutating func append(lengthAndText text: String) {
        append(varint: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }
}
