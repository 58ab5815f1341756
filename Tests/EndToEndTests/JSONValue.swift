/// A JSON text as a test reads it. A parser of its own, so that the server's is not its own judge.
enum JSONValue: Equatable {
    case null, bool(Bool)
    /// As it was written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    struct Malformed: Error {
        let offset: Int
    }

    init(_ text: String) throws {
        var parser = JSONParser(bytes: Array(text.utf8))
        self = try parser.parseText()
    }

    subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    subscript(_ index: Int) -> JSONValue? {
        if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var number: UInt64? { if case .number(let text) = self { UInt64(text) } else { nil } }
    var array: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// RFC 8785 for what the server writes: ASCII keys in order, no white space, integers, nothing to escape.
    var canonical: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): "\"\(text)\""
        case .array(let elements): "[" + elements.map(\.canonical).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1.canonical)" }.joined(separator: ",") + "}"
        }
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    var offset = 0

    mutating func parseText() throws -> JSONValue {
        let value = try parse()
        skipSpace()
        guard offset == bytes.count else { throw malformed }
        return value
    }

    private var malformed: JSONValue.Malformed { JSONValue.Malformed(offset: offset) }

    private mutating func parse() throws -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return .object(try members())
        case UInt8(ascii: "["): return .array(try elements())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func members() throws -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        try list(UInt8(ascii: "{"), UInt8(ascii: "}")) { parser in
            parser.skipSpace()
            let name = try parser.string()
            parser.skipSpace()
            try parser.take(UInt8(ascii: ":"))
            guard members.updateValue(try parser.parse(), forKey: name) == nil else { throw parser.malformed }
        }
        return members
    }

    private mutating func elements() throws -> [JSONValue] {
        var elements: [JSONValue] = []
        try list(UInt8(ascii: "["), UInt8(ascii: "]")) { parser in elements.append(try parser.parse()) }
        return elements
    }

    private mutating func list(_ open: UInt8, _ close: UInt8, _ item: (inout Self) throws -> Void) throws {
        try take(open)
        skipSpace()
        if peek == close { return try take(close) }
        try item(&self)
        skipSpace()
        while peek == UInt8(ascii: ",") {
            offset += 1
            try item(&self)
            skipSpace()
        }
        try take(close)
    }

    private mutating func string() throws -> String {
        try take(UInt8(ascii: "\""))
        let start = offset
        var text: [UInt8] = []
        var copied = start
        while let byte = peek, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw malformed }
            offset += 1
            guard byte == UInt8(ascii: "\\") else { continue }
            text += bytes[copied..<offset - 1]
            text += try escape()
            copied = offset
        }
        text += bytes[copied..<offset]
        try take(UInt8(ascii: "\""))
        guard let result = String(validating: text, as: UTF8.self) else { throw malformed }
        return result
    }

    private mutating func escape() throws -> [UInt8] {
        guard let byte = peek else { throw malformed }
        offset += 1
        switch UnicodeScalar(byte) {
        case "n": return [10]
        case "t": return [9]
        case "r": return [13]
        case "b": return [8]
        case "f": return [12]
        case "u":
            let digits = String(decoding: bytes[offset..<min(offset + 4, bytes.count)], as: UTF8.self)
            guard let code = UInt32(digits, radix: 16), let scalar = UnicodeScalar(code) else { throw malformed }
            offset += 4
            return Array(String(scalar).utf8)
        default: return [byte]
        }
    }

    private mutating func number() throws -> String {
        let start = offset
        while let byte = peek, byte <= UInt8(ascii: "9") && byte > UInt8(ascii: ",") || byte | 0x20 == UInt8(ascii: "e")
        {
            offset += 1
        }
        guard offset > start else { throw malformed }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
        for byte in text.description.utf8 { try take(byte) }
        return value
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func take(_ byte: UInt8) throws {
        guard peek == byte else { throw malformed }
        offset += 1
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }
}
