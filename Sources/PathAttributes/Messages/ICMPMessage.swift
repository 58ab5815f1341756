public import Addressing

/// A message of ICMP about a path, as it comes from the wire: from its type on, without the IP header before it.
///
/// Source: RFC 792, RFC 1191, RFC 4443, RFC 4861.
public enum ICMPMessage: Sendable {
    /// A packet was too large: type 3 code 4, or of ICMPv6 type 2.
    case tooLarge(mtu: UInt32, QuotedPacket)
    /// Another router is nearer: type 5, or of ICMPv6 type 137.
    case redirect(code: UInt8, to: IPAddress, of: IPAddress, QuotedPacket?)

    /// Why it means nothing.
    public struct Malformed: Error, Hashable, Sendable {
        /// One sentence for a person.
        public let message: String
        public init(_ message: String) { self.message = message }
    }

    /// Which addresses it went from and to, where they are known: ICMPv6 has them in its checksum.
    public struct Ends: Sendable {
        public var source: IPAddress?
        public var destination: IPAddress?

        public init(from source: IPAddress?, to destination: IPAddress?) {
            (self.source, self.destination) = (source, destination)
        }
    }

    /// Whether it says that a packet was too large, and what it quotes.
    public var quoted: QuotedPacket? {
        switch self {
        case .tooLarge(_, let packet): packet
        case .redirect(_, _, _, let packet): packet
        }
    }

    public init(_ bytes: [UInt8], _ ends: Ends) throws(Malformed) {
        let reader = ByteReader(bytes)
        guard let type = reader.byte(0), let code = reader.byte(1), reader.count >= 8 else {
            throw .init("a message of ICMP has 8 bytes at least")
        }
        switch (type, code) {
        case (3, 4):
            try Self.checkSum(reader)
            // Routers of before RFC 1191 have nothing here.
            let mtu = UInt32(reader.number(6, 2) ?? 0)
            self = .tooLarge(mtu: mtu, try QuotedPacket(inet: reader.rest(from: 8)))
        case (5, _):
            try Self.checkSum(reader)
            let gateway = IPAddress(inet: UInt32(reader.number(4, 4) ?? 0))
            let packet = try QuotedPacket(inet: reader.rest(from: 8))
            self = .redirect(code: code, to: gateway, of: packet.destination, packet)
        // Whoever receives it ignores the code (RFC 4443, section 3.2).
        case (2, _):
            try Self.checkSum6(reader, ends)
            let mtu = UInt32(reader.number(4, 4) ?? 0)
            self = .tooLarge(mtu: mtu, try QuotedPacket(inet6: reader.rest(from: 8)))
        case (137, 0):
            try Self.checkSum6(reader, ends)
            self = try Self.redirect6(reader)
        default:
            throw .init(
                "type \(type) code \(code) says nothing of a path; it is 3/4 and 5 of ICMP, 2 and 137/0 of ICMPv6")
        }
    }

    private static func checkSum(_ reader: ByteReader) throws(Malformed) {
        if reader.sum() != 0xFFFF { throw .init("its checksum is wrong") }
    }

    /// Only where both addresses are known that it covers (RFC 4443, section 2.3).
    private static func checkSum6(_ reader: ByteReader, _ ends: Ends) throws(Malformed) {
        guard let source = ends.source, let destination = ends.destination else { return }
        guard source.family == .inet6, destination.family == .inet6 else {
            throw .init("a message of ICMPv6 comes from IPv6 addresses")
        }
        var sum = UInt32(58) + UInt32(truncatingIfNeeded: reader.count)
        for word in [source.high, source.low, destination.high, destination.low] {
            for shift in stride(from: UInt64(0), to: 64, by: 16) { sum += UInt32(word >> shift & 0xFFFF) }
        }
        if reader.sum(adding: sum) != 0xFFFF { throw .init("its checksum is wrong") }
    }

    /// RFC 4861, section 4.5: the target, the destination, then options, each of which has its length in units of 8 bytes.
    private static func redirect6(_ reader: ByteReader) throws(Malformed) -> ICMPMessage {
        guard let target = reader.inet6(8), let destination = reader.inet6(24) else {
            throw .init("a redirect of ICMPv6 has 40 bytes at least")
        }
        var packet: QuotedPacket?
        var place = 40
        while place < reader.count {
            guard let type = reader.byte(place), let units = reader.byte(place + 1), units > 0,
                place + Int(units) * 8 <= reader.count
            else { throw .init("an option of it has no length, or goes beyond its end") }
            if type == 4, packet == nil {
                packet = try QuotedPacket(inet6: reader.rest(from: place).first(Int(units) * 8).rest(from: 8))
            }
            place += Int(units) * 8
        }
        if let packet, packet.destination != destination {
            throw .init("it is about \(destination), and quotes a packet to \(packet.destination)")
        }
        return .redirect(code: 0, to: target, of: destination, packet)
    }
}
