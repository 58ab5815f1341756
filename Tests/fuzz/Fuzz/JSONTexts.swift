import Foundation
import JSON

/// Texts in JSON: nothing is taken that Foundation refuses, and what is written is read back.
enum JSONTexts {
    static func run(_ input: [UInt8]) {
        // Foundation refuses numbers that a Double can't hold, which a text may contain all the same.
        guard isAccepted(input), !input.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else { return }
        expect(
            (try? JSONSerialization.jsonObject(with: Data(input), options: .fragmentsAllowed)) != nil,
            "Foundation refuses \(String(decoding: input, as: UTF8.self))")
        if let string = string(input) {
            var written: [UInt8] = []
            written.appendJSON(string: string)
            expect(self.string(written) == string, "\(string) isn't read back")
        }
    }

    private static func isAccepted(_ text: [UInt8]) -> Bool {
        var reader = JSONReader(text.span, maximumDepth: 512)
        do {
            try reader.skipValue()
            try reader.finish()
            return true
        } catch {
            return false
        }
    }

    /// The string that a text is.
    private static func string(_ text: [UInt8]) -> String? {
        var reader = JSONReader(text.span)
        guard let string = try? reader.readString(), (try? reader.finish()) != nil else { return nil }
        return string
    }
}
