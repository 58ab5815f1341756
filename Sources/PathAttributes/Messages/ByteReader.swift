/// Reads numbers in network order; nil behind the end.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: some Collection<UInt8>) { self.bytes = ArraySlice(bytes) }

    var count: Int { bytes.count }

    func byte(_ place: Int) -> UInt8? {
        place < bytes.count ? bytes[bytes.startIndex + place] : nil
    }

    /// - Parameter width: in bytes, 8 at most.
    func number(_ place: Int, _ width: Int) -> UInt64? {
        guard place + width <= bytes.count else { return nil }
        return (place..<place + width).reduce(0) { $0 << 8 | UInt64(bytes[bytes.startIndex + $1]) }
    }

    func rest(from place: Int) -> ByteReader { ByteReader(bytes.dropFirst(place)) }

    func first(_ count: Int) -> ByteReader { ByteReader(bytes.prefix(count)) }

    /// The sum of RFC 1071, which is 0xFFFF where a checksum is right.
    func sum(adding start: UInt32 = 0) -> UInt16 {
        var sum = UInt64(start)
        for place in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt64(byte(place) ?? 0) << 8 | UInt64(byte(place + 1) ?? 0)
        }
        while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
        return UInt16(sum)
    }
}
