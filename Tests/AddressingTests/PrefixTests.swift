import Addressing
import TestSupport
import Testing

@Suite struct PrefixTests {
    @Test(
        "A prefix is read with its length, or as one address",
        arguments: [
            ("0.0.0.0/0", "0.0.0.0/0"), ("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.1/32", "192.0.2.1/32"),
            ("192.0.2.128/25", "192.0.2.128/25"), ("255.255.255.254/31", "255.255.255.254/31"), ("::/0", "::/0"),
            ("::1", "::1/128"),
            ("2001:DB8::/32", "2001:db8::/32"), ("2001:db8::8000:0:0:0/65", "2001:db8:0:0:8000::/65"),
            ("fe80::/64", "fe80::/64"),
            ("::ffff:192.0.2.0/120", "::ffff:192.0.2.0/120"), ("8000::/1", "8000::/1"),
            ("::8000:0:0:0/65", "::8000:0:0:0/65"),
        ])
    func valid(text: String, expected: String) throws {
        let prefix = try Prefix(text)
        #expect(prefix.description == expected)
        #expect(try Prefix(expected) == prefix)
    }

    @Test(
        "A text that is no prefix is refused",
        arguments: [
            ("", .badAddress), ("/", .badAddress), ("/8", .badAddress), ("10.0.0.0/", .badPrefixLength),
            ("10.0.0.0/33", .badPrefixLength),
            ("10.0.0.0/08", .badPrefixLength), ("10.0.0.0/00", .badPrefixLength), ("10.0.0.0/+8", .badPrefixLength),
            ("10.0.0.0/-1", .badPrefixLength),
            ("10.0.0.0/ 8", .badPrefixLength), ("10.0.0.0/8 ", .badPrefixLength), ("10.0.0.0/8.0", .badPrefixLength),
            ("10.0.0.0/256", .badPrefixLength),
            ("10.0.0.0/264", .badPrefixLength), ("10.0.0.0/1000", .badPrefixLength),
            ("10.0.0.0/99999999999999999999999", .badPrefixLength),
            ("10.0.0.0/a", .badPrefixLength), ("10.0.0.0/255.0.0.0", .badPrefixLength), ("::/129", .badPrefixLength),
            ("::/0128", .badPrefixLength),
            ("10.0.0.0/8/8", .badAddress), ("10.0.0.0//8", .badAddress), ("10/8", .badAddress),
            ("10.0.0/24", .badAddress), ("default", .badAddress),
            ("fe80::%eth0/64", .badAddress), (" 10.0.0.0/8", .badAddress), ("10.0.0.1/8", .prefixHasHostBits),
            ("::1/127", .prefixHasHostBits),
            ("1.2.3.4/0", .prefixHasHostBits), ("2001:db8::1/64", .prefixHasHostBits),
        ] as [(String, AddressError.Code)])
    func invalid(text: String, code: AddressError.Code) {
        let error = #expect(throws: AddressError.self) { try Prefix(text) }
        #expect(error?.code == code)
    }

    @Test(
        "Host bits are refused and the right network is suggested",
        arguments: [
            ("10.0.0.1/8", "10.0.0.1/8 has bits set beyond /8; did you mean 10.0.0.0/8?"),
            ("192.0.2.255/31", "192.0.2.255/31 has bits set beyond /31; did you mean 192.0.2.254/31?"),
            ("1.2.3.4/0", "1.2.3.4/0 has bits set beyond /0; did you mean 0.0.0.0/0?"),
            ("2001:DB8::1/64", "2001:db8::1/64 has bits set beyond /64; did you mean 2001:db8::/64?"),
            ("2001:db8::1:0:0:1/65", "2001:db8::1:0:0:1/65 has bits set beyond /65; did you mean 2001:db8::/65?"),
        ])
    func suggestion(text: String, message: String) {
        let error = #expect(throws: AddressError.self) { try Prefix(text) }
        #expect(error?.message == message)
    }

    @Test("Each length keeps exactly its bits, for each family", arguments: [AddressFamily.inet, .inet6])
    func masks(family: AddressFamily) throws {
        let ones = family == .inet ? IPAddress(inet: ~0) : IPAddress(inet6: ~0, ~0)
        for length in 0...family.maximumLength {
            let prefix = try Prefix(masking: ones, length: length)
            #expect(prefix.address.high.nonzeroBitCount + prefix.address.low.nonzeroBitCount == Int(length))
            #expect(prefix.lastAddress == ones)
            #expect(try Prefix(address: prefix.address, length: length) == prefix)
            #expect(prefix.contains(ones))
            #expect(prefix.isHost == (length == family.maximumLength))
            if length < family.maximumLength {
                #expect(throws: AddressError.self) { try Prefix(address: ones, length: length) }
            }
        }
        #expect(throws: AddressError.self) { try Prefix(address: ones, length: family.maximumLength + 1) }
        #expect(throws: AddressError.self) { try Prefix(masking: ones, length: 255) }
        #expect(Prefix(host: ones).length == family.maximumLength)
        #expect(Prefix.default(family).lastAddress == ones)
    }

    @Test("A prefix contains what lies between its first and last address", arguments: UInt64(1)...32)
    func containment(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            // Few different bits, so that one contains the other often enough.
            let a = try Self.prefix(&random), b = try Self.prefix(&random)
            let inside = a.family == b.family && a.address <= b.address && b.lastAddress <= a.lastAddress
            #expect(a.contains(b) == inside, "\(a) \(b)")
            let between = a.family == b.family && a.address <= b.lastAddress && b.lastAddress <= a.lastAddress
            #expect(a.contains(b.lastAddress) == between, "\(a) \(b)")
        }
    }

    private static func prefix(_ random: inout SeededGenerator) throws -> Prefix {
        let bits = UInt64.random(in: 0..<8, using: &random) << 61
        if Bool.random(using: &random) {
            return try Prefix(masking: IPAddress(inet: UInt32(bits >> 32)), length: .random(in: 0...4, using: &random))
        }
        let edge = UInt64.random(in: 0..<4, using: &random)
        return try Prefix(masking: IPAddress(inet6: edge, bits), length: .random(in: 60...68, using: &random))
    }

    @Test("Prefixes are ordered by family, address, and the longest first")
    func order() throws {
        let texts = [
            "0.0.0.0/32", "0.0.0.0/1", "0.0.0.0/0", "10.0.0.0/24", "10.0.0.0/8", "10.0.1.0/24", "255.0.0.0/8", "::/128",
            "::/0",
            "2001:db8::/64", "2001:db8::/32", "ff00::/8",
        ]
        let prefixes = try texts.map { try Prefix($0) }
        #expect(prefixes.reversed().sorted() == prefixes)
    }
}
