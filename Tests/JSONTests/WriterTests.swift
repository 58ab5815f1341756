import JSON
import TestSupport
import Testing

@Suite struct WriterTests {
    @Test(
        "Only what must be escaped is escaped, as RFC 8785 has it",
        arguments: [
            ("", #""""#), ("plain", #""plain""#), ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#), ("\"\\", #""\"\\""#),
            ("/", #""/""#),
            ("\0\u{1}\u{B}\u{1F}", #""\u0000\u0001\u000b\u001f""#),
            ("\u{7F}\u{80}é\u{2028}😀", "\"\u{7F}\u{80}é\u{2028}😀\""),
            ("seven b", #""seven b""#), ("eight by", #""eight by""#), ("1234567\n", #""1234567\n""#),
            ("12345678\n", #""12345678\n""#), ("<>&'", #""<>&'""#),
        ])
    func strings(string: String, expected: String) {
        var output: [UInt8] = [0x21]
        output.appendJSON(string: string)
        #expect(String(decoding: output, as: UTF8.self) == "!" + expected)
        var fromSpan: [UInt8] = [0x21]
        fromSpan.appendJSON(string: bytes(string).span)
        #expect(fromSpan == output)
    }

    @Test("What is written is read back", arguments: UInt64(1)...32)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("abcdefgh\0\u{1}\t\n\u{1F}\"\\/\u{7F}é日😀\u{10FFFF}".unicodeScalars)
        for _ in 0..<200 {
            var string = ""
            for _ in 0..<Int.random(in: 0...30, using: &random) {
                if let scalar = alphabet.randomElement(using: &random) { string.unicodeScalars.append(scalar) }
            }
            let number = random.next() >> (random.next() & 63)
            let signed = Int64(truncatingIfNeeded: random.next()) >> Int64(random.next() & 63)
            var text = bytes("[")
            text.appendJSON(string: string)
            text.appendASCII(",")
            text.appendDecimal(number)
            text.appendASCII(",")
            text.appendDecimal(signed)
            text.appendASCII("]")
            var readString = "", readNumber: UInt64 = 0, readSigned: Int64 = 0
            var reader = JSONReader(text.span)
            try reader.readArray { reader, index in
                switch index {
                case 0: readString = try reader.readString()
                case 1: readNumber = try reader.readUInt()
                default: readSigned = try reader.readInt()
                }
            }
            try reader.finish()
            #expect(Array(readString.utf8) == Array(string.utf8))
            #expect(readNumber == number)
            #expect(readSigned == signed)
        }
    }

    @Test("Numbers are written as Swift prints them")
    func numbers() {
        var power: UInt64 = 1
        for _ in 0..<20 {
            for value in [power &- 1, power, power &+ 1, power &* 5, ~power] {
                var output: [UInt8] = []
                output.appendDecimal(value)
                #expect(String(decoding: output, as: UTF8.self) == String(value))
                output = []
                output.appendDecimal(Int64(bitPattern: value))
                #expect(String(decoding: output, as: UTF8.self) == String(Int64(bitPattern: value)))
            }
            power &*= 10
        }
        var output: [UInt8] = []
        output.appendDecimal(Int64.min)
        output.appendDecimal(UInt64.max)
        output.appendDecimal(Int8.min)
        output.appendDecimal(UInt8.max)
        output.appendDecimal(0)
        #expect(String(decoding: output, as: UTF8.self) == "-922337203685477580818446744073709551615-1282550")
    }

    @Test(
        "Hex digits are lower case with leading zeros",
        arguments: [
            (0, 1, "0"), (0xAB, 2, "ab"), (0xAB, 4, "00ab"), (.max, 16, "ffffffffffffffff"), (0x1234, 2, "34"),
            (0x0123_4567_89AB_CDEF, 16, "0123456789abcdef"),
        ] as [(UInt64, Int, String)])
    func hex(value: UInt64, digits: Int, expected: String) {
        var output: [UInt8] = []
        output.appendHex(value, digits: digits)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }
}
