import Addressing
import TestSupport
import Testing

@testable import PathAttributes

/// Messages as they come from the wire.
@Suite struct ICMPMessageTests {
    private static func inet(_ text: String) -> [UInt8] {
        let address = PathLab.address(text)
        if address.family == .inet { return (0..<4).map { UInt8(truncatingIfNeeded: address.high >> (56 - 8 * $0)) } }
        return [address.high, address.low].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
        }
    }

    /// A packet's header and the 8 bytes behind it.
    private static func packet(
        _ length: UInt16 = 1_500, _ ipProtocol: UInt8 = 6, to destination: String = "203.0.113.9"
    )
        -> [UInt8]
    {
        [0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0, 1, 0x40, 0, 64, ipProtocol, 0, 0] + inet("192.0.2.1")
            + inet(destination) + [0, 80, 0, 90, 0, 0, 0, 1]
    }

    private static func packet6(to destination: String = "2001:db8::9") -> [UInt8] {
        [0x60, 0, 0, 0, 5, 0xB4, 17, 64] + inet("2001:db8::1") + inet(destination) + [0, 1, 2, 3]
    }

    /// With its checksum, over what ICMPv6 covers too.
    private static func summed(_ bytes: [UInt8], _ ends: (String, String)? = nil) -> [UInt8] {
        var bytes = bytes
        (bytes[2], bytes[3]) = (0, 0)
        var start = UInt32(0)
        if let ends {
            start = 58 + UInt32(bytes.count)
            for byte in (inet(ends.0) + inet(ends.1)).enumerated() {
                start += UInt32(byte.element) << (byte.offset.isMultiple(of: 2) ? 8 : 0)
            }
        }
        let sum = ~ByteReader(bytes).sum(adding: start)
        (bytes[2], bytes[3]) = (UInt8(sum >> 8), UInt8(sum & 255))
        return bytes
    }

    private static func tooLarge(_ mtu: UInt16, _ packet: [UInt8] = packet()) -> [UInt8] {
        summed([3, 4, 0, 0, 0, 0, UInt8(mtu >> 8), UInt8(mtu & 255)] + packet)
    }

    private static func tooLarge6(_ mtu: UInt32, _ packet: [UInt8] = packet6()) -> [UInt8] {
        [2, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: mtu >> (24 - 8 * $0)) } + packet
    }

    private static func redirect6(_ options: [UInt8] = [], of destination: String = "2001:db8::9") -> [UInt8] {
        [137, 0, 0, 0, 0, 0, 0, 0] + inet("fe80::2") + inet(destination) + options
    }

    private static let nowhere = ICMPMessage.Ends(from: nil, to: nil)

    /// Why it means nothing; nil if it does.
    private static func refusal(_ bytes: [UInt8], _ ends: ICMPMessage.Ends = nowhere) -> String? {
        do throws(ICMPMessage.Malformed) {
            _ = try ICMPMessage(bytes, ends)
            return nil
        } catch {
            return error.message
        }
    }

    @Test("RFC 1191: a packet was too large, and what it was")
    func tooLarge() throws {
        guard case .tooLarge(1_400, let packet) = try ICMPMessage(Self.tooLarge(1_400), Self.nowhere) else {
            Issue.record("another message")
            return
        }
        #expect(packet.destination == PathLab.address("203.0.113.9") && packet.source == PathLab.address("192.0.2.1"))
        #expect(packet.length == 1_500 && packet.headerLength == 20 && packet.isVerifiable)
        let udp = try ICMPMessage(Self.tooLarge(0, Self.packet(900, 17)), Self.nowhere)
        #expect(udp.quoted?.isVerifiable == false && udp.quoted?.length == 900)
    }

    @Test("RFC 4443: the same of IPv6, whose checksum covers the addresses, where they are known")
    func tooLarge6() throws {
        let ends = ("2001:db8::ffff", "2001:db8::1")
        let bytes = Self.summed(Self.tooLarge6(1_400), ends)
        let known = ICMPMessage.Ends(from: PathLab.address(ends.0), to: PathLab.address(ends.1))
        guard case .tooLarge(1_400, let packet) = try ICMPMessage(bytes, known) else {
            Issue.record("another message")
            return
        }
        #expect(packet.destination == PathLab.address("2001:db8::9") && packet.length == 1_500)
        #expect(packet.headerLength == 40 && packet.ipProtocol == 17)
        let others = ICMPMessage.Ends(from: PathLab.address("2001:db8::fffe"), to: PathLab.address(ends.1))
        #expect(Self.refusal(bytes, others) == "its checksum is wrong")
        #expect(Self.refusal(bytes) == nil)
        let inet = ICMPMessage.Ends(from: PathLab.address("192.0.2.1"), to: PathLab.address("192.0.2.2"))
        #expect(Self.refusal(bytes, inet) != nil)
    }

    @Test("RFC 792, RFC 4861: another router is nearer")
    func redirects() throws {
        let bytes = Self.summed([5, 1, 0, 0] + Self.inet("192.0.2.254") + Self.packet())
        guard case .redirect(1, let gateway, let destination, .some) = try ICMPMessage(bytes, Self.nowhere) else {
            Issue.record("another message")
            return
        }
        #expect(gateway == PathLab.address("192.0.2.254") && destination == PathLab.address("203.0.113.9"))
        let option: [UInt8] = [2, 1, 2, 0, 0, 0, 0, 1]
        let quote: [UInt8] = [4, 7, 0, 0, 0, 0, 0, 0] + Self.packet6() + [0, 0, 0, 0]
        for options in [[], option, option + quote, quote + option] {
            guard
                case .redirect(0, let target, let of, let packet) = try ICMPMessage(
                    Self.redirect6(options), Self.nowhere)
            else {
                Issue.record("another message")
                continue
            }
            #expect(target == PathLab.address("fe80::2") && of == PathLab.address("2001:db8::9"))
            #expect((packet != nil) == (options.count > 8))
        }
    }

    @Test("What is no such message, is cut short or contradicts itself is refused, and said why")
    func refused() {
        let good = Self.tooLarge(1_400)
        var wrongSum = good
        wrongSum[7] ^= 1
        let cases: [([UInt8], String)] = [
            ([], "8 bytes"), ([3, 4, 0, 0], "8 bytes"), (wrongSum, "checksum"),
            ([8, 0, 0, 0, 0, 0, 0, 0], "says nothing of a path"), ([3, 1, 0, 0, 0, 0, 0, 0], "says nothing of a path"),
            (Self.summed(Array(good.dropLast())), "less than its header and 8 bytes"),
            (Self.tooLarge(1_400, Self.packet6()), "not an IPv4 packet"),
            (Self.tooLarge(1_400, [0x41] + Self.packet().dropFirst()), "less than its header"),
            (Self.tooLarge(1_400, [0x4F] + Self.packet().dropFirst()), "less than its header"),
            (Self.tooLarge(1_400, Self.packet(19)), "shorter than its header"),
            (Self.tooLarge(1_400, Self.packet(to: "224.0.0.1")), "no host sends errors"),
            (Self.tooLarge(1_400, Self.packet(to: "0.0.0.0")), "no host sends errors"),
            (Self.tooLarge6(1_400, Self.packet()), "not an IPv6 packet"),
            (Self.tooLarge6(1_400, Array(Self.packet6().prefix(39))), "less than its header"),
            (Array(Self.redirect6().dropLast()), "40 bytes"),
            (Self.redirect6([2, 0, 0, 0, 0, 0, 0, 0]), "no length"), (Self.redirect6([2]), "no length"),
            (Self.redirect6([2, 2, 0, 0, 0, 0, 0, 0]), "beyond its end"),
            (Self.redirect6([4, 1, 0, 0, 0, 0, 0, 0]), "not an IPv6 packet"),
            (
                Self.redirect6([4, 7, 0, 0, 0, 0, 0, 0] + Self.packet6() + [0, 0, 0, 0], of: "2001:db8::8"),
                "quotes a packet to"
            ),
        ]
        for (bytes, why) in cases {
            #expect(Self.refusal(bytes)?.contains(why) ?? false, "\(Self.refusal(bytes) ?? "taken"), not \(why)")
        }
    }

    @Test("Whatever bytes come, they are read or refused", arguments: UInt64(1)...4)
    func hostile(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let seeds = [
            Self.tooLarge(1_400), Self.tooLarge6(1_400),
            Self.summed([5, 1, 0, 0] + Self.inet("192.0.2.254") + Self.packet()),
            Self.redirect6([4, 7, 0, 0, 0, 0, 0, 0] + Self.packet6() + [0, 0, 0, 0]),
        ]
        var taken = 0
        for _ in 0..<5_000 {
            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count * 2, using: &random)))
            if Bool.random(using: &random), bytes.count >= 8 { bytes = Self.summed(bytes) }
            if Self.refusal(bytes) == nil { taken += 1 }
        }
        #expect(taken > 100)
    }
}
