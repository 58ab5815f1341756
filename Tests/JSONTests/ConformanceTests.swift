import JSON
import TestSupport
import Testing

/// After the cases of JSONTestSuite (Nicolas Seriot, "Parsing JSON is a minefield"), by hand.
@Suite struct ConformanceTests {
    static let accepted = [
        "0", "-0", "1", "-1", "10", "123456789012345678901234567890", "0.0", "0.5", "-0.5", "1.0", "1e2", "1E2",
        "1e+2", "1e-2", "0e0", "0E+00", "1.5e10", "-1.5E-10", "1e400", "-1e-400", "0.00000000000000000000000001",
        "true", "false", "null", "\"\"", "\"a\"", "\"abcdefg\"", "\"abcdefgh\"", "\"abcdefghi\"",
        "\"abcdefghijklmnop\"", "\"abcdefghijklmnopq\"", "\"\\\"\"", "\"\\\\\"", "\"\\/\"", "\"\\b\\f\\n\\r\\t\"",
        "\"\\u0041\"", "\"\\u00e9\"", "\"\\u00E9\"", "\"\\u0000\"", "\"\\u001f\"", "\"\\uFFFF\"",
        "\"\\uD7FF\\uE000\"", "\"\\uD834\\uDD1E\"", "\"\\ud83d\\ude00\"", "\"\\uDBFF\\uDFFF\"", "\"\\\\u0000\"",
        "\"\\\\\\\"\"", "\"é\"", "\"日本語\"", "\"😀\"", "\"\u{7F}\"", "\"\u{2028}\u{2029}\"", "\"\u{FEFF}\"",
        "\"\u{FFFF}\"", "\"\u{10FFFF}\"", "\"/* no comment */\"", "[]", "[ ]", "[[]]", "[1]", "[1,2]", "[ 1 , 2 ]",
        "[null, true, false, 0, \"\", [], {}]", "[[],[[]]]", "{}", "{ }", "{\"a\":1}", "{ \"a\" : 1 }",
        "{\"a\":1,\"b\":2}", "{\"\":0}", "{\"a\":{\"a\":{\"a\":{}}}}", "{\"\\u0061\":1,\"b\":2}",
        "{\"a\":[],\"A\":[]}", "{\"é\":1,\"e\":2}", "{\"a\\u0000b\":1}", " 1", "1 ", "\t1\t", "\r\n1\r\n",
        "\n\n{\n}\n", "{\"a\"\n:\r1\t}", "[1\n,\r2]", "{\"abcdefghijklmnopqrstuvwxyz\":1}",
    ]

    static let refused = [
        "", " ", "\n", "\u{FEFF}1", "\u{FEFF}{}", "+1", "++1", "--1", "-", "-a", "01", "-01", "00", "0123", "1.",
        "-1.", "0.", ".5", "-.5", "1.e1", "1e", "1e+", "1e-", "1E", "1ee2", "1e1.5", "1.2.3", "0x10", "1_000", "1 2",
        "1,2", "1,", "NaN", "nan", "-NaN", "Infinity", "-Infinity", "inf", "1f", "1L", "１", "- 1", "tru", "truee",
        "true1", "True", "TRUE", "fals", "falsee", "nul", "nulll", "NULL", "None", "undefined", "t", "f", "n", "a",
        "'a'", "\"", "\"a", "\"a\\\"", "\"\\", "\"\\\"", "\"\\a\"", "\"\\x41\"", "\"\\'\"", "\"\\0\"", "\"\\U0041\"",
        "\"\\u\"", "\"\\u1\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\u 123\"", "\"\\u+123\"", "\"\\u-123\"",
        "\"\\u12", "\"\\uD800\"", "\"\\uDBFF\"", "\"\\uDC00\"", "\"\\uDFFF\"", "\"\\uD800\\uD800\"", "\"\\uD800x\"",
        "\"\\uD800\\n\"", "\"\\uD800\\u0041\"", "\"\\uDC00\\uD800\"", "\"\\uD834\\u\"", "\"\\uD834\\uD\"",
        "\"\\uD834\\\"", "\"\t\"", "\"\n\"", "\"\r\"", "\"\0\"", "\"\u{1F}\"", "\"abcdefgh\u{1}\"",
        "\"abcdefghijk\n\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1:2]", "[1}", "[1]]",
        "[1]1", "[\"a\"", "[\"a", "[a]", "[1;2]", "[[]", "[]]", "[true false]", "{", "}", "{]", "{\"a\"", "{\"a\":",
        "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,\"a\":1}", "{\"a\":1,,\"b\":2}", "{\"a\" 1}", "{\"a\",1}",
        "{\"a\"::1}", "{\"a\":1:2}", "{\"a\":}", "{:1}", "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "{[]:1}",
        "{\"a\":1 \"b\":2}", "{\"a\":1;\"b\":2}", "{\"a\":1]", "{\"a\":1}}", "{\"a\":1}{}", "{}{}", "{} {}", "{}1",
        "{}x", "[]x", "\"a\"\"b\"", "\"a\"x", "1x", "1\"", "true,", "null null", "/**/1", "1/**/", "//\n1", "# 1",
        "{\"a\":/*c*/1}", "1\u{B}", "1\u{C}", "\u{A0}1", "1\u{2028}", "1\0", "\0", "{\"a\\\":1}", "{\"a\t\":1}",
        "{\"\\uD800\":1}", "{\"a\":\"\n\"}", "(1)", "<null>", "*", "&", "\\u0031", "[\\n]", "{\"a\":1,\"a\":2}",
    ]

    @Test("Well-formed texts are read", arguments: accepted)
    func accepts(text: String) {
        #expect(Document.error(bytes(text)) == nil)
        #expect(Document.errorOfReading(bytes(text)) == nil)
    }

    @Test("Other texts are refused", arguments: refused)
    func refuses(text: String) {
        #expect(Document.error(bytes(text)) != nil)
        #expect(Document.errorOfReading(bytes(text)) != nil)
    }

    @Test(
        "Bytes that are not UTF-8 are refused, in values and in names",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82], [0xE2, 0x82, 0x41],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], [0xFE],
            [0xFF], [0xE9], [0xC3, 0xA9, 0xA9],
        ] as [[UInt8]])
    func refusesBadUTF8(sequence: [UInt8]) {
        for padding in 0...17 {
            let string = [0x22] + Array(repeating: 0x61, count: padding) + sequence + [0x22]
            #expect(Document.error(string)?.kind == .utf8)
            #expect(Document.errorOfReading(string)?.kind == .utf8)
            #expect(Document.error(string + bytes("abcdefgh"))?.kind == .utf8)
            let object = bytes("{") + string + bytes(":1}")
            #expect(Document.error(object)?.kind == .utf8)
            #expect(Document.errorOfReading(object)?.kind == .utf8)
        }
        #expect(Document.error(sequence) != nil)
    }

    @Test("Every code point is read as itself, plain and escaped")
    func codePoints() throws {
        for code in stride(from: UInt32(0), through: 0x10FFFF, by: 7) {
            guard let scalar = UnicodeScalar(code) else { continue }
            let string = String(scalar)
            var text: [UInt8] = []
            text.appendJSON(string: string)
            var reader = JSONReader(text.span)
            #expect(try reader.readString() == string)
            text = [0x22]
            for unit in string.utf16 {
                text.appendASCII("\\u")
                text.appendHex(UInt64(unit), digits: 4)
            }
            var escaped = JSONReader((text + [0x22]).span)
            #expect(try escaped.readString() == string)
        }
    }

    @Test("The depth is limited, in what is read and in what is skipped")
    func depth() {
        for (opening, closing) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = { (count: Int) in
                bytes(String(repeating: opening, count: count) + "1" + String(repeating: closing, count: count))
            }
            #expect(Document.error(nested(32)) == nil)
            #expect(Document.error(nested(33))?.kind == .depth)
            #expect(Document.errorOfReading(nested(32)) == nil)
            #expect(Document.errorOfReading(nested(33))?.kind == .depth)
            #expect(Document.error(nested(3), maximumDepth: 3) == nil)
            #expect(Document.error(nested(4), maximumDepth: 3)?.kind == .depth)
            #expect(Document.error(nested(1), maximumDepth: 0)?.kind == .depth)
            #expect(Document.error(nested(512), maximumDepth: 512) == nil)
            #expect(Document.error(bytes(String(repeating: opening, count: 100_000)))?.kind == .depth)
        }
        #expect(Document.error(bytes("[[],[],[],[]]"), maximumDepth: 2) == nil)
    }

    @Test(
        "A double name is found in what is skipped, among few names and many, long and short", arguments: UInt64(1)...16
    )
    func skippedDuplicates(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for count in 1...24 {
            let names = (0..<count).map { String(repeating: "n", count: Int(random.next() % 9)) + String($0) }.shuffled(
                using: &random)
            let members = names.map { Bool.random(using: &random) ? "\"\($0)\":1" : "\"\\u006e\($0)\":{}" }
            #expect(Document.error(bytes("{\(members.joined(separator: ","))}")) == nil)
            for member in members {
                let error = Document.error(bytes("{\(members.joined(separator: ",")), \(member)}"))
                guard case .duplicateField = error?.kind else {
                    Issue.record("\(member) is taken twice")
                    continue
                }
            }
        }
    }

    @Test("On a line of its own a line feed is not white space")
    func lineFeed() {
        for text in ["{\"a\":1\n}", "\n1", "1\n", "[1,\n2]", "{\n}", "{\"a\"\n:1}", "{\"a\":\n1}", "[1\n]"] {
            #expect(Document.error(bytes(text)) == nil)
            #expect(Document.error(bytes(text), lineFeedEnds: true)?.kind == .syntax)
        }
        #expect(Document.error(bytes("\t{ \"a\" :\t1 }\r"), lineFeedEnds: true) == nil)
    }

    @Test("U+0000 can be refused")
    func nul() {
        for text in ["\"\\u0000\"", "{\"a\\u0000\":1}", "[\"abcdefgh\\u0000\"]"] {
            #expect(Document.error(bytes(text)) == nil)
            #expect(Document.error(bytes(text), acceptsNUL: false)?.kind == .range)
        }
    }
}
