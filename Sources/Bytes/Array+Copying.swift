extension [UInt8] {
    /// Appends a copy of `bytes`.
    @inlinable
    public mutating func append(copying bytes: Span<UInt8>) {
        append(addingCapacity: bytes.count) { $0.append(copying: bytes) }
    }
}
