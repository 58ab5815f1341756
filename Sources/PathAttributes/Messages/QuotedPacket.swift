public import Addressing

/// The beginning of a packet that an ICMP message quotes: what it is about.
public struct QuotedPacket: Sendable {
    public let source: IPAddress
    public let destination: IPAddress
    /// Of all of it as it was sent, in bytes.
    public let length: UInt32
    /// Of its IP header without extensions, in bytes.
    public let headerLength: UInt32
    /// Of IP.
    public let ipProtocol: UInt8

    /// TCP, DCCP and SCTP look whether such a packet was sent (kernel `icmp_strict_tag_validation`).
    public var isVerifiable: Bool { Self.isVerifiable(ipProtocol) }

    /// Whether a protocol of IP does.
    public static func isVerifiable(_ ipProtocol: UInt8) -> Bool { [6, 33, 132].contains(ipProtocol) }

    /// Reads an IPv4 header and the 8 bytes behind it (RFC 792).
    init(inet bytes: ByteReader) throws(ICMPMessage.Malformed) {
        guard let first = bytes.byte(0), first >> 4 == 4 else { throw .init("what it quotes is not an IPv4 packet") }
        headerLength = UInt32(first & 0xF) * 4
        guard headerLength >= 20, bytes.count >= Int(headerLength) + 8, let length = bytes.number(2, 2),
            let ipProtocol = bytes.byte(9), let source = bytes.number(12, 4), let destination = bytes.number(16, 4)
        else {
            throw .init("what it quotes has less than its header and 8 bytes")
        }
        guard length >= UInt64(headerLength) else { throw .init("what it quotes is shorter than its header") }
        self.length = UInt32(length)
        self.ipProtocol = ipProtocol
        self.source = IPAddress(inet: UInt32(source))
        self.destination = IPAddress(inet: UInt32(destination))
        try checkDestination()
    }

    /// Reads an IPv6 header (RFC 8200, section 3).
    init(inet6 bytes: ByteReader) throws(ICMPMessage.Malformed) {
        guard let first = bytes.byte(0), first >> 4 == 6 else { throw .init("what it quotes is not an IPv6 packet") }
        guard let length = bytes.number(4, 2), let ipProtocol = bytes.byte(6), let source = bytes.inet6(8),
            let destination = bytes.inet6(24)
        else { throw .init("what it quotes has less than its header") }
        headerLength = 40
        self.length = UInt32(length) + 40
        self.ipProtocol = ipProtocol
        self.source = source
        self.destination = destination
        try checkDestination()
    }

    private func checkDestination() throws(ICMPMessage.Malformed) {
        if destination.isMulticast || destination.isUnspecified || destination.isLimitedBroadcast {
            throw .init("what it quotes went to \(destination), of which no host sends errors")
        }
    }
}

extension ByteReader {
    func inet6(_ place: Int) -> IPAddress? {
        guard let high = number(place, 8), let low = number(place + 8, 8) else { return nil }
        return IPAddress(inet6: high, low)
    }
}
