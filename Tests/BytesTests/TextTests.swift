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
