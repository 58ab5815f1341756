import Addressing
import TestSupport
import Testing

@Suite struct IPAddressTests {
    @Test(
        "A dotted quad is the top 32 bits",
        arguments: [
            ("0.0.0.0", 0), ("192.0.2.1", 0xC000_0201), ("255.255.255.255", 0xFFFF_FFFF), ("1.2.3.4", 0x0102_0304),
            ("10.20.30.40", 0x0A14_1E28), ("127.0.0.1", 0x7F00_0001),
        ] as [(String, UInt32)])
    func inet(text: String, bits: UInt32) throws {
        let address = try IPAddress(text)
        #expect(address == IPAddress(inet: bits))
        #expect(address.family == .inet)
        #expect(address.high == UInt64(bits) << 32)
        #expect(address.low == 0)
        #expect(address.description == text)
    }

    @Test(
        "IPv6 is read in all forms of RFC 4291",
        arguments: [
            ("::", 0, 0), ("::1", 0, 1), ("1::", 0x0001_0000_0000_0000, 0),
            ("2001:db8::8:800:200c:417a", 0x2001_0DB8_0000_0000, 0x0008_0800_200C_417A),
            ("2001:DB8:0:0:8:800:200C:417A", 0x2001_0DB8_0000_0000, 0x0008_0800_200C_417A),
            ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", 0xABCD_EF01_2345_6789, 0xABCD_EF01_2345_6789),
            ("0:0:0:0:0:0:13.1.68.3", 0, 0x0D01_4403), ("::13.1.68.3", 0, 0x0D01_4403),
            ("::FFFF:129.144.52.38", 0, 0xFFFF_8190_3426),
            ("0001:0002:0003:0004:5:6:7:8", 0x1_0002_0003_0004, 0x5_0006_0007_0008),
            ("1:2:3:4:5:6:7::", 0x1_0002_0003_0004, 0x5_0006_0007_0000),
            ("::2:3:4:5:6:7:8", 0x2_0003_0004, 0x5_0006_0007_0008),
            ("1:2:3::5:6:7:8", 0x1_0002_0003_0000, 0x5_0006_0007_0008),
            ("1:2:3:4:5:6:1.2.3.4", 0x1_0002_0003_0004, 0x5_0006_0102_0304),
            ("1::1.2.3.4", 0x0001_0000_0000_0000, 0x0102_0304),
            ("::2:3:4:5:6:1.2.3.4", 0x2_0003_0004, 0x5_0006_0102_0304),
            ("fe80::1", 0xFE80_0000_0000_0000, 1), ("ff02::fb", 0xFF02_0000_0000_0000, 0xFB),
        ] as [(String, UInt64, UInt64)])
    func inet6(text: String, high: UInt64, low: UInt64) throws {
        #expect(try IPAddress(text) == IPAddress(inet6: high, low))
    }

    @Test(
        "What inet_pton refuses is refused",
        arguments: [
            "", " ", ".", "..", "...", "1", "1.2", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.", ".1.2.3.4", "1.2.3.4.5",
            "1..3.4",
            "1.2..4", "256.0.0.1", "1.2.3.256", "1.2.3.999", "1.2.3.1000", "01.2.3.4", "1.02.3.4", "1.2.3.04",
            "00.0.0.0",
            "1.2.3.00", "0x1.2.3.4", "1.2.3.4a", "a.b.c.d", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "1.2.3.4\0",
            "+1.2.3.4", "-1.2.3.4",
            "1,2,3,4", "16909060", "0x01020304", "1.2.3.4/32", "１.2.3.4", ":", ":::", "::::", ":1", "1:", "1:2",
            ":1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8",
            "1::2::3", "1:::2", "::1::", "1:2:3:4::5:6:7:8", "12345::", "00001::", "::12345", "g::", "::g",
            "fe80::1%eth0", "fe80::1%1", "[::1]", "::1/128",
            "::1 ", " ::1", "::1\n", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "::1.2.3", "::1.2.3.4.5",
            "::1.2.3.256",
            "::01.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "1.2.3.4:5::", "::.1.2.3", "::1.2.3.4:", "0xfe80::1", "::-1",
            "::+1", "1:2:3:4:5:6:7::8:9",
            "::ffff:1.2.3.4%eth0", "1:2:3:4:5:6:1.2.3.4::", "localhost", "default", "any",
            "0000:0000:0000:0000:0000:0000:255.255.255.2555", "1:2:3:4:5:6:7:8888888888888888888888888888888888888",
        ])
    func refused(text: String) {
        let error = #expect(throws: AddressError.self) { try IPAddress(text) }
        #expect(error?.code == .badAddress)
    }

    @Test(
        "The text is that of RFC 5952, sections 4 and 5",
        arguments: [
            ("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:0db8::0001", "2001:db8::1"), ("2001:db8::0:1", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::AAAA", "2001:db8::aaaa"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:0:1", "::1"), ("1:0:0:0:0:0:0:0", "1::"), ("::ffff:c000:0201", "::ffff:192.0.2.1"),
            ("0:0:0:0:0:ffff:0:0", "::ffff:0.0.0.0"), ("::1.2.3.4", "::102:304"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"), ("0:0:1:1:1:1:0:0", "::1:1:1:1:0:0"),
            ("1:1:1:1:1:1:0:0", "1:1:1:1:1:1::"),
            ("0:1:1:1:1:1:1:0", "0:1:1:1:1:1:1:0"), ("a:b0:c00:d000:1:10:100:1000", "a:b0:c00:d000:1:10:100:1000"),
        ])
    func canonical(text: String, expected: String) throws {
        #expect(try IPAddress(text).description == expected)
    }

    @Test("What is written is read back as the same address", arguments: UInt64(1)...32)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            // Groups that are often zero, so that every place of :: comes up.
            let mask = random.next() & random.next()
            let groups = (0..<8).map {
                mask >> UInt64($0) & 1 == 0 ? 0 : random.next() & 0xFFFF >> (random.next() & 15)
            }
            let half = { (from: Int) in groups[from..<(from + 4)].reduce(UInt64(0)) { $0 << 16 | $1 } }
            let long = IPAddress(inet6: half(0), half(4))
            #expect(try IPAddress(long.description) == long)
            #expect(try IPAddress(groups.map { String($0, radix: 16) }.joined(separator: ":")) == long)
            let short = IPAddress(inet: UInt32(truncatingIfNeeded: random.next()))
            #expect(try IPAddress(short.description) == short)
        }
    }

    @Test("Any text is either read or refused, and what is read is written back the same", arguments: UInt64(1)...32)
    func noise(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("01234567890abcdefF::::....%/ g".utf8)
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 0...20, using: &random)).map { _ in
                alphabet.randomElement(using: &random) ?? 0
            }
            if let address = try? IPAddress(parsing: text.span) {
                #expect(try IPAddress(address.description) == address)
            }
        }
    }

    @Test("Addresses are ordered by family, then as numbers")
    func order() throws {
        let texts = [
            "0.0.0.0", "9.255.255.255", "10.0.0.0", "255.255.255.255", "::", "::1", "::1:0:0:0", "1::", "ff00::",
        ]
        let addresses = try texts.map { try IPAddress($0) }
        #expect(addresses.reversed().sorted() == addresses)
        #expect(Set(addresses).count == texts.count)
    }

    @Test(
        "Special addresses are known",
        arguments: [
            ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("0.0.0.1", ""), ("223.255.255.255", ""),
            ("224.0.0.0", "multicast"),
            ("239.255.255.255", "multicast"), ("240.0.0.0", ""), ("ff00::", "multicast"), ("feff::", ""),
            ("127.0.0.0", "loopback"),
            ("127.255.255.255", "loopback"), ("128.0.0.0", ""), ("::1", "loopback"), ("::2", ""), ("1::1", ""),
            ("fe80::", "link"),
            ("febf:ffff::1", "link"), ("fec0::", ""), ("fe7f::", ""), ("169.254.0.1", ""),
            ("255.255.255.255", "broadcast"),
            ("255.255.255.254", ""), ("ffff:ffff::", "multicast"), ("::ffff:127.0.0.1", ""),
        ])
    func predicates(text: String, expected: String) throws {
        let address = try IPAddress(text)
        let found = [
            (address.isUnspecified, "unspecified"), (address.isMulticast, "multicast"),
            (address.isLoopback, "loopback"),
            (address.isLinkLocal, "link"), (address.isLimitedBroadcast, "broadcast"),
        ]
        #expect(found.filter(\.0).map(\.1).joined() == expected)
    }

    @Test(
        "A family is known by each of its names",
        arguments: [
            ("inet", .inet), ("ipv4", .inet), ("4", .inet), ("inet6", .inet6), ("ipv6", .inet6), ("6", .inet6),
            ("IPv4", nil), ("", nil),
            ("any", nil), ("46", nil),
        ] as [(String, AddressFamily?)])
    func families(name: String, expected: AddressFamily?) {
        #expect(AddressFamily(name: name) == expected)
    }

    @Test("An error quotes no more than is safe to print")
    func quoting() {
        let hostile = "\u{1B}[2J\n\"" + String(repeating: "x", count: 100_000)
        let error = #expect(throws: AddressError.self) { try IPAddress(hostile) }
        #expect(error?.message.hasPrefix(#""\x1b[2J\x0a\"xxx"#) == true)
        #expect((error?.message.utf8.count ?? .max) < 300)
        let zone = #expect(throws: AddressError.self) { try IPAddress("fe80::1%eth0") }
        #expect(zone?.message.contains("zone") == true)
    }
}
