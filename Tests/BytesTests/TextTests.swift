import Bytes
import TestSupport
import Testing

@Suite struct TextTests {
    private static func text(_ write: (inout OutputSpan<UInt8>) -> Void) -> String {
        var bytes: [UInt8] = []
        bytes.append(addingCapacity: 64, initializingWith: write)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("Decimal digits are those that Swift prints, at every length")
    func decimal() {
        var powers: [UInt64] = [0, 1, .max]
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            powers += [power - 1, power, power + 1]
        }
        for value in powers { #expect(Self.text { $0.append(decimal: value) } == String(value)) }
        for value in UInt8.min ... .max { #expect(Self.text { $0.append(decimal: value) } == String(value)) }
    }

    @Test("Hexadecimal digits without zeros in front are those that Swift prints")
    func hexadecimal() {
        for value in UInt16.min ... .max where value % 17 == 0 || value < 300 {
            #expect(Self.text { $0.append(hexadecimal: value) } == String(value, radix: 16))
        }
    }

    @Test("Digits are right for any number", arguments: UInt64(1)...8)
    func anyNumber(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let value = random.next() >> (random.next() & 63)
            #expect(Self.text { $0.append(decimal: value) } == String(value))
            let digits = String(value, radix: 16)
            let padded = String(repeating: "0", count: 16 - digits.utf8.count) + digits
            #expect(Self.text { $0.append(hexadecimal: value) } == padded)
            #expect(Self.text { $0.append(hexadecimal: value, ~value) }.hasPrefix(padded))
            #expect(Self.text { $0.append(hexadecimal: ~value, value) }.hasSuffix(padded))
            #expect(Self.text { $0.append(DecimalText(value)) } == String(value))
        }
    }

    @Test("Bytes with dots between them are those that Swift prints", arguments: UInt8.min ... .max)
    func dotted(byte: UInt8) {
        for other: UInt8 in [0, 9, 10, 99, 100, 255] {
            for (a, b, c, d) in [
                (byte, other, 1, 20), (other, byte, 20, 1), (1, 20, byte, other), (20, 1, other, byte),
            ] {
                let bytes = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
                #expect(Self.text { $0.append(dotted: bytes) } == "\(a).\(b).\(c).\(d)")
            }
        }
    }

    @Test("A number's digits can be written again and again")
    func decimalTwice() {
        for value: UInt64 in [0, 7, 99_999_999, 100_000_000, 1_000_000_002] {
            let digits = DecimalText(value)
            let text = Self.text { output in
                output.append(digits)
                output.append(UInt8(ascii: " "))
                output.append(digits)
            }
            #expect(text == "\(value) \(value)")
        }
    }

    @Test("A byte is found wherever it stands, and nothing else is taken for it", arguments: UInt64(1)...8)
    func firstIndex(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            // Neighbours of the byte in value, which a search by words could confuse with it.
            let near: [UInt8] = [0x09, 0x0A, 0x0B, 0x8A, 0x00, 0xFF]
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...40, using: &random) { bytes.append(near[Int(random.next() % 6)]) }
            for start in 0...bytes.count {
                let expected = bytes[start...].firstIndex(of: 0x0A)
                let found = bytes.span.firstIndex(of: 0x0A, from: start)
                #expect(found == expected)
            }
        }
    }

    @Test("Copies keep their place and length")
    func copying() {
        let parts: [[UInt8]] = [Array("ab".utf8), [], Array("cde".utf8)]
        #expect(Self.text { output in for part in parts { output.append(copying: part.span) } } == "abcde")
    }

    @Test("Copies in blocks have every byte of their range and no other")
    func blocks() {
        let block = OutputSpan<UInt8>.blockSize
        let source = (0..<(4 * block)).map { UInt8($0) }
        for start in 0..<block {
            for end in start...(3 * block) {
                var bytes: [UInt8] = []
                bytes.append(addingCapacity: 5 * block) { output in
                    output.append(blocksOf: source.span, from: start, to: end)
                    output.append(blocksOf: source.span, from: 0, to: 1)
                }
                #expect(bytes == source[start..<end] + [0])
            }
        }
    }

    @Test func readingOrWritingBlocksBeyondTheRoomEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            var bytes: [UInt8] = []
            let source = [UInt8](repeating: 0, count: 40)
            bytes.append(addingCapacity: 100) { $0.append(blocksOf: source.span, from: 0, to: 9) }
        }
        await #expect(processExitsWith: .failure) {
            var bytes: [UInt8] = []
            let source = [UInt8](repeating: 0, count: 100)
            bytes.append(addingCapacity: 1) { output in
                while output.freeCapacity > 40 { output.append(0) }
                output.append(blocksOf: source.span, from: 0, to: 9)
            }
        }
        await #expect(processExitsWith: .failure) {
            var bytes: [UInt8] = []
            bytes.append(addingCapacity: 1) { output in
                while output.freeCapacity > 31 { output.append(0) }
                output.append(hexadecimal: 1, 2)
            }
        }
    }

    @Test func writingBeyondTheRoomEndsTheProcess() async {
        await #expect(processExitsWith: .failure) {
            var bytes: [UInt8] = []
            bytes.append(addingCapacity: 2) { $0.append(copying: [1, 2, 3, 4, 5, 6, 7, 8, 9].span) }
        }
        await #expect(processExitsWith: .failure) {
            var bytes: [UInt8] = []
            bytes.append(addingCapacity: 2) { $0.append(word: 1, count: 1) }
        }
    }
}
