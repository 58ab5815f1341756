import JSON
import TestSupport
import Testing

@Suite struct DamageTests {
    static let fields = JSONFields(
        "dev", "dst", "metric", "nexthops", "onlink", "via", "comment", "a name of more than sixteen bytes")

    static let body = bytes(
        #"{"dst":"192.0.2.0/24","metric":18446744073709551615,"onlink":true,"via":null,"# + "\r\n\t"
            + #""comment":"caf\u00e9 é \ud83d\ude00 日\\","a name of more than sixteen bytes":[-1, 0, 12],"#
            + #""nexthops":[{"dev":"eth0"},{"dev":"e\/h1","metric":0.5e1}]}"#)

    /// Reads a body of that shape; an error or nil.
    static func read(_ text: [UInt8]) -> JSONLocatedError? {
        var reader = JSONReader(text.span)
        do {
            try reader.read { reader throws in
                try reader.readObject(fields) { reader, index in
                    switch fields.names[index] {
                    case "metric": _ = try reader.readUInt()
                    case "onlink": _ = try reader.readBool()
                    case "via": if try !reader.readNull() { _ = try reader.readString() }
                    case "comment": _ = try reader.readString()
                    case "nexthops": try reader.readArray { reader, _ in try reader.skipValue() }
                    case "dst": try reader.readText { #expect($0.count <= text.count) }
                    default: try reader.readArray { reader, _ in _ = try reader.readInt() }
                    }
                }
            }
            return nil
        } catch {
            return error
        }
    }

    @Test("The undamaged body is read")
    func whole() {
        #expect(Self.read(Self.body)?.description == nil)
        #expect(Document.error(Self.body) == nil)
    }

    @Test("A body cut anywhere is refused")
    func cut() {
        for length in 0..<Self.body.count {
            let text = Array(Self.body[..<length])
            #expect(Self.read(text) != nil)
            #expect(Document.error(text) != nil)
            #expect(Document.errorOfReading(text) != nil)
        }
    }

    @Test("A body with one byte changed, lost or added is read or refused, without harm")
    func changed() {
        let values: [UInt8] = [
            0, 1, 0x09, 0x0A, 0x1F, 0x20, 0x22, 0x27, 0x2B, 0x2C, 0x2D, 0x2E, 0x2F, 0x30, 0x39, 0x3A, 0x41, 0x44, 0x5B,
            0x5C, 0x5D, 0x65, 0x75, 0x7B, 0x7D,
            0x7F, 0x80, 0xBF, 0xC0, 0xC3, 0xE0, 0xED, 0xF0, 0xF4, 0xFF,
        ]
        for index in Self.body.indices {
            for value in values {
                var replaced = Self.body, added = Self.body
                replaced[index] = value
                added.insert(value, at: index)
                for text in [replaced, added] { agree(text) }
            }
            var lost = Self.body
            lost.remove(at: index)
            agree(lost)
        }
    }

    /// What one door takes, the others take, but for what only one of them asks for.
    private func agree(_ text: [UInt8]) {
        let skipped = Document.error(text), read = Document.errorOfReading(text)
        #expect((skipped == nil) == (read == nil), "\(String(decoding: text, as: UTF8.self))")
        if Self.read(text) == nil { #expect(skipped == nil) }
        for case let error as JSONError in [skipped?.underlying, read?.underlying, Self.read(text)?.underlying] {
            #expect(0...text.count ~= error.offset)
        }
    }

    @Test("Random bytes of JSON's alphabet are read or refused, by all doors alike", arguments: UInt64(1)...16)
    func noise(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let alphabet = bytes("{}[]::,,\"\"\"\\u00019e.-+ tfnl\n") + [0xC3, 0xA9]
        for _ in 0..<3_000 {
            let count = Int.random(in: 0...24, using: &random)
            agree((0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 })
        }
    }
}
