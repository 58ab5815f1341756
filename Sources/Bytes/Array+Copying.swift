extension [UInt8] {
    /// Appends a copy of `bytes`.
    @inlinable
    public mutating func append(copying bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { $0.append(copying: bytes) }
    }

    /// Appends the bytes of a text that stands in the program.
    @inlinable
    public mutating func append(literal text: StaticString) {
        append(addingCapacity: text.utf8CodeUnitCount) { $0.append(literal: text) }
    }
}
