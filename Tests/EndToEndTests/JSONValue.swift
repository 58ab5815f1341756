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
        guard offset == bytes.count else { throw JSONValue.Malformed(offset: offset) }
        return value
    }

    private mutating func parse() throws -> JSONValue {
        skipSpace()
        switch peek() {
        case "{": return .object(try members())
        case "[": return .array(try elements())
        case "\"": return .string(try string())
        case "t": return try word("true", .bool(true))
        case "f": return try word("false", .bool(false))
        case "n": return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func members() throws -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        try list("{", "}") { parser in
            parser.skipSpace()
            let name = try parser.string()
            try parser.take(":")
            guard members.updateValue(try parser.parse(), forKey: name) == nil else {
                throw JSONValue.Malformed(offset: parser.offset)
            }
        }
        return members
    }

    private mutating func elements() throws -> [JSONValue] {
        var elements: [JSONValue] = []
        try list("[", "]") { parser in elements.append(try parser.parse()) }
        return elements
    }

    private mutating func list(_ open: Character, _ close: Character, _ item: (inout Self) throws -> Void) throws {
        try take(open)
        skipSpace()
        if peek() == close { return try take(close) }
        try item(&self)
        skipSpace()
        while peek() == "," {
            offset += 1
            try item(&self)
            skipSpace()
        }
        try take(close)
    }

    private mutating func string() throws -> String {
        try take("\"")
        var text: [UInt8] = []
        while let byte = next(), byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw JSONValue.Malformed(offset: offset) }
            text += byte == UInt8(ascii: "\\") ? try escape() : [byte]
        }
        guard let result = String(validating: text, as: UTF8.self) else { throw JSONValue.Malformed(offset: offset) }
        return result
    }

    private mutating func escape() throws -> [UInt8] {
        switch next().map({ Character(UnicodeScalar($0)) }) {
        case "n": return [10]
        case "t": return [9]
        case "r": return [13]
        case "b": return [8]
        case "f": return [12]
        case "u":
            let digits = String(decoding: (0..<4).compactMap { _ in next() }, as: UTF8.self)
            guard let code = UInt32(digits, radix: 16), let scalar = UnicodeScalar(code) else { break }
            return Array(String(scalar).utf8)
        case let other?: return Array(String(other).utf8)
        case nil: break
        }
        throw JSONValue.Malformed(offset: offset)
    }

    private mutating func number() throws -> String {
        let start = offset
        while let character = peek(), "+-.0123456789eE".contains(character) { offset += 1 }
        guard offset > start else { throw JSONValue.Malformed(offset: offset) }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws -> JSONValue {
        for character in text { try take(character) }
        return value
    }

    private func peek() -> Character? { offset < bytes.count ? Character(UnicodeScalar(bytes[offset])) : nil }

    private mutating func next() -> UInt8? {
        guard offset < bytes.count else { return nil }
        defer { offset += 1 }
        return bytes[offset]
    }

    private mutating func take(_ character: Character) throws {
        if character == ":" { skipSpace() }
        guard peek() == character else { throw JSONValue.Malformed(offset: offset) }
        offset += 1
    }

    private mutating func skipSpace() {
        while let character = peek(), " \n\r\t".contains(character) { offset += 1 }
    }
}
