import JSON
import Testing

@Suite struct ReaderTests {
    static let fields = JSONFields(
        "dst", "gateway", "nexthops", "metric", "sixteen_bytes_ab", "fib_notify_on_flag_change", "a/b~c", "é")

    /// Reads an object of the fields above; lists what it found.
    static func read(_ text: String) throws(JSONLocatedError) -> [String] {
        let text = bytes(text)
        var found: [String] = []
        var reader = JSONReader(text.span)
        try reader.read { reader throws in
            try reader.readObject(fields) { reader, index in try member(&reader, index, &found) }
        }
        return found
    }

    @Test(
        "A string is found among names, or left where it is",
        arguments: [
            (#" "dst","#, 0), (#""sixteen_bytes_ab""#, 4), (#""metri""#, nil), (#""metrics""#, nil), (#"7"#, nil),
            (#""fib_notify_on_flag_change""#, nil), (#""\u006detric""#, nil), (#""metric"#, nil), ("", nil),
        ] as [(String, Int?)])
    func indexOfName(text: String, expected: Int?) throws {
        let text = bytes(text)
        var reader = JSONReader(text.span)
        let found = reader.readIndex(of: Self.fields)
        #expect(found == expected)
        #expect((reader.offset == 0) == (expected == nil))
    }

    struct Foreign: Error {}

    static func member(_ reader: inout JSONReader, _ index: Int, _ found: inout [String]) throws {
        let name = fields.names[index]
        switch name {
        case "nexthops":
            var inner: [String] = []
            try reader.readArray { reader, _ in
                try reader.readObject(fields) { reader, index in try member(&reader, index, &inner) }
            }
            found.append("nexthops=\(inner)")
        case "metric": found.append("metric=\(try reader.readUInt(max: 99))")
        case "dst": try reader.readText { if $0.count > 3 { throw Foreign() } }
        case "gateway": break
        default: found.append("\(name)=\(try reader.readString())")
        }
    }

    @Test(
        "Members are known by their names, however these are written, in any order",
        arguments: [
            ("{}", []), (#"{"metric":7,"dst":"a"}"#, ["metric=7"]), (#"{"\u006detric":7}"#, ["metric=7"]),
            (#"{"sixteen_bytes_ab":"x"}"#, ["sixteen_bytes_ab=x"]),
            (#"{"sixteen_bytes_\u0061b":"x"}"#, ["sixteen_bytes_ab=x"]),
            (#"{"fib_notify_on_flag_change":"y","é":"z"}"#, ["fib_notify_on_flag_change=y", "é=z"]),
            (#"{"\u00e9":"z"}"#, ["é=z"]),
            (#"{"nexthops":[{"metric":1},{},{"metric":2}]}"#, ["nexthops=[\"metric=1\", \"metric=2\"]"]),
            (#"{"gateway":{"any":["thing",1]},"metric":1}"#, ["metric=1"]),
        ] as [(String, [String])])
    func members(text: String, expected: [String]) throws {
        #expect(try Self.read(text) == expected)
    }

    @Test(
        "An error carries the pointer of the value at fault",
        arguments: [
            (#"[]"#, "", .type(expected: "an object")), (#"{"metric":"#, "/metric", .syntax),
            (#"{"metric":1"#, "", .syntax),
            (#"{"metric":100}"#, "/metric", .range), (#"{"metric":"1"}"#, "/metric", .type(expected: "a number")),
            (#"{"gatway":1}"#, "/gatway", .unknownField("gatway")),
            (#"{"nexthops":[{"gatway":1}]}"#, "/nexthops/0/gatway", .unknownField("gatway")),
            (#"{"nexthops":[{},{"metric":-1}]}"#, "/nexthops/1/metric", .range),
            (#"{"nexthops":[{},5]}"#, "/nexthops/1", .type(expected: "an object")),
            (#"{"nexthops":{}}"#, "/nexthops", .type(expected: "an array")),
            (#"{"nexthops":[{}"#, "/nexthops", .syntax),
            (#"{"a/b~c":1}"#, "/a~1b~0c", .type(expected: "a string")),
            (#"{"x~/y":1}"#, "/x~0~1y", .unknownField("x~/y")),
            (#"{"metric":1,"metric":1}"#, "/metric", .duplicateField("metric")),
            (#"{"metric":1,"\u006detric":1}"#, "/metric", .duplicateField("metric")),
            (#"{"gateway":{"x":1,"x":2}}"#, "/gateway/x", .duplicateField("x")),
            (#"{"gateway":[0,{"x":[tru]}]}"#, "/gateway/1/x/0", .syntax),
            (#"{"metric":1}x"#, "", .syntax), (#"{"dst":"abcd"}"#, "/dst", nil),
            (#"{"nexthops":[{"dst":"abcd"}]}"#, "/nexthops/0/dst", nil),
            (#"{"":1}"#, "/", .unknownField("")), (#"{"dst\u0000":1}"#, "/dst\0", .unknownField("dst\0")),
            (#"{"sixteen_bytes_abc":1}"#, "/sixteen_bytes_abc", .unknownField("sixteen_bytes_abc")),
            (#"{"sixteen_bytes_a":1}"#, "/sixteen_bytes_a", .unknownField("sixteen_bytes_a")),
        ] as [(String, String, JSONError.Kind?)])
    func pointers(text: String, pointer: String, kind: JSONError.Kind?) {
        let error = #expect(throws: JSONLocatedError.self) { try Self.read(text) }
        #expect(error?.pointer == pointer)
        #expect(error?.kind == kind)
        if kind == nil { #expect(error?.underlying is Foreign) }
    }

    @Test(
        "For an unknown field the nearest known name is suggested",
        arguments: [
            ("gatway", "gateway"), ("gatewya", "gateway"), ("Gateway", "gateway"), ("dts", "dst"),
            ("metrics", "metric"), ("nexthop", "nexthops"),
            ("fib_notify_on_flag_chang", "fib_notify_on_flag_change"), ("xyz", nil), ("gtwy", nil), ("", nil),
            ("ab", nil),
        ] as [(String, String?)])
    func suggestions(name: String, expected: String?) {
        let error = #expect(throws: JSONLocatedError.self) { try Self.read("{\"\(name)\":1}") }
        let suffix = expected.map { "; did you mean \"\($0)\"?" } ?? ""
        #expect((error?.underlying as? JSONError)?.message == "unknown field \"\(name)\"\(suffix)")
    }

    @Test("A name too long to show is cut")
    func longName() {
        let name = String(repeating: "x", count: 100_000)
        let error = #expect(throws: JSONLocatedError.self) { try Self.read("{\"\(name)\":1}") }
        #expect((error?.pointer.utf8.count ?? .max) < 300)
        #expect((error?.description.utf8.count ?? .max) < 1_000)
    }

    @Test("All of 64 fields are told apart")
    func manyFields() throws {
        let names = (0..<64).map { String(repeating: "n", count: $0 % 20) + String($0) }
        let fields = JSONFields(names)
        let text = bytes("{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}")
        var found: [Int] = []
        var reader = JSONReader(text.span)
        try reader.readObject(fields) { _, index in found.append(index) }
        try reader.finish()
        #expect(found == Array(0..<64))
        let twice = bytes("{\"\(names[63])\":1,\"\(names[63])\":1}")
        var again = JSONReader(twice.span)
        let error = #expect(throws: JSONLocatedError.self) { try again.readObject(fields) { _, _ in } }
        #expect(error?.kind == .duplicateField(names[63]))
    }

    @Test("An object with names of the client's choice hands them over, none twice")
    func map() throws {
        let text = bytes(#"{"b":1,"a\n":2,"é":3,"":4}"#)
        var found: [String: UInt64] = [:]
        var reader = JSONReader(text.span)
        try reader.readObject { (reader: inout JSONReader, name: String) in found[name] = try reader.readUInt() }
        #expect(found == ["b": 1, "a\n": 2, "é": 3, "": 4])
        for twice in [#"{"a":1,"\u0061":2}"#, #"{"é":1,"e\u0301":2}"#] {
            var reader = JSONReader(bytes(twice).span)
            #expect(throws: JSONLocatedError.self) { try reader.readObject { (_, _: String) in } }
        }
        // Skipped, only the very same name counts as double.
        #expect(Document.error(bytes(#"{"é":1,"e\u0301":2}"#)) == nil)
    }

    @Test(
        "Whole numbers are read up to the limits of 64 bits",
        arguments: [
            ("0", 0), ("9", 9), ("4294967296", 4_294_967_296), ("18446744073709551615", .max),
            ("18446744073709551614", .max - 1),
            ("10000000000000000000", 10_000_000_000_000_000_000),
        ] as [(String, UInt64)])
    func unsigned(text: String, value: UInt64) throws {
        var reader = JSONReader(bytes(text).span)
        #expect(try reader.readUInt() == value)
        try reader.finish()
        var limited = JSONReader(bytes(text).span)
        #expect(try limited.readUInt(max: value) == value)
        guard value > 0 else { return }
        var exceeded = JSONReader(bytes(text).span)
        let error = #expect(throws: JSONError.self) { try exceeded.readUInt(max: value - 1) }
        #expect(error?.kind == .range)
    }

    @Test(
        "Other numbers are refused where a whole one is asked for",
        arguments: [
            ("18446744073709551616", .range), ("99999999999999999999", .range), ("100000000000000000000000", .range),
            ("-1", .range), ("-0", .range),
            ("1.5", nil), ("1e-1", nil), ("1.05e1", nil), ("0.5", nil), ("1e400", nil), ("1e9999999999", nil),
            ("18446744073709551616.0", nil), ("-1.5", nil), ("01", .syntax), ("01.0", .syntax),
            ("1.", .syntax), ("1e", .syntax), ("-", .syntax), ("+1", .syntax),
            ("", .syntax), ("\"1\"", .type(expected: "a number")), ("null", .type(expected: "a number")),
            ("NaN", .syntax),
        ] as [(String, JSONError.Kind?)])
    func notUnsigned(text: String, kind: JSONError.Kind?) {
        var reader = JSONReader(bytes(text).span)
        let error = #expect(throws: JSONError.self) { try reader.readUInt() }
        #expect(error?.kind == kind ?? .type(expected: "a whole number"))
    }

    @Test(
        "A number is its value, however it is written",
        arguments: [
            ("1.0", 1), ("1e2", 100), ("1E+2", 100), ("1.5e1", 15), ("1200e-2", 12), ("0.0", 0), ("0e99", 0),
            ("1.8446744073709551615e19", .max), ("18446744073709551615.000", .max),
        ] as [(String, UInt64)])
    func wholeInOtherSpellings(text: String, value: UInt64) throws {
        var reader = JSONReader(bytes(text + " ").span)
        #expect(try reader.readUInt() == value)
        try reader.finish()
    }

    @Test(
        "Signed numbers are read up to the limits of 64 bits",
        arguments: [
            ("0", 0), ("-0", 0), ("-1", -1), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("18446744073709551615", nil), ("-18446744073709551615", nil),
            ("-18446744073709551616", nil), ("1.0", 1), ("-1e2", -100), ("-0.0", 0), ("-0.5", nil), ("-01", nil),
            ("--1", nil), ("--1.0", nil),
        ] as [(String, Int64?)])
    func signed(text: String, value: Int64?) {
        var reader = JSONReader(bytes(text).span)
        #expect((try? reader.readInt()) == value)
        var limited = JSONReader(bytes(text).span)
        #expect((try? limited.readInt(in: 0...0)) == (value == 0 ? 0 : nil))
    }

    @Test(
        "What is asked for and what is there are both named",
        arguments: [
            ("1", "expected a string, found a number"), ("{", "expected a string, found an object"),
            ("true", "expected a string, found true or false"),
            ("", "expected a string, found the end of the text"), ("x", "expected a string, found 'x'"),
            ("\0", "expected a string, found byte 0x00"),
        ])
    func messages(text: String, message: String) {
        var reader = JSONReader(bytes(text).span)
        let error = #expect(throws: JSONError.self) { try reader.readString() }
        #expect(error?.message == message)
    }

    @Test("Null is consumed only if it is there")
    func null() throws {
        var reader = JSONReader(bytes(" null true").span)
        #expect(try reader.readNull())
        #expect(try !reader.readNull())
        #expect(try reader.peek() == .bool)
        #expect(try reader.readBool())
        try reader.finish()
        #expect(throws: JSONError.self) { try reader.peek() }
    }

    @Test(
        "Text without escapes is handed over, and an escaped one as what it means",
        arguments: [
            (#""plain""#, "plain"), (#""a\tb""#, "a\tb"), (#""\ud83d\ude00""#, "😀"), (#""""#, ""),
            (#""longer than eight bytes \"quoted\" \\ é""#, #"longer than eight bytes "quoted" \ é"#),
        ])
    func text(json: String, expected: String) throws {
        var reader = JSONReader(bytes(json).span)
        let count = try reader.readText { span in
            for index in span.indices { #expect(span[index] == bytes(expected)[index]) }
            return span.count
        }
        #expect(count == expected.utf8.count)
        var second = JSONReader(bytes(json).span)
        #expect(try second.readString() == expected)
    }
}
