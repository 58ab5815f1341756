internal import Bytes

extension JSONReader {
    /// The index of a member's name, up to its value. Bit n of `seen` says that the name of index n occurred.
    @usableFromInline
    mutating func readField(_ fields: JSONFields, _ seen: inout UInt64) throws(JSONLocatedError) -> Int {
        let start = position
        let index: Int
        if let known = shortName(fields) {
            index = known
        } else {
            index = try longName(fields)
        }
        let bit: UInt64 = 1 &<< UInt64(index)
        guard seen & bit == 0 else { throw Self.duplicate(fields.names[index], at: start) }
        seen |= bit
        try passColon()
        return index
    }

    /// The index of the name that stands next, as a string value. Nil, and nothing consumed, if there is something else; so
    /// too for a name of more than 16 bytes or with escapes, which has to be read as a string.
    public mutating func readIndex(of names: JSONFields) -> Int? {
        let start = position
        skipWhiteSpace()
        if let index = shortName(names) { return index }
        position = start
        return nil
    }

    /// The index of a known name of up to 16 bytes without escapes. Nil, and nothing consumed, for every other text.
    @inline(__always)
    private mutating func shortName(_ fields: JSONFields) -> Int? {
        guard byte(at: position) == UInt8(ascii: "\"") else { return nil }
        let start = position &+ 1
        let first = bytes.word(at: start)
        var marks = ByteMarks.special(first)
        var length = ByteMarks.bytesBefore(marks)
        var low = first
        var high: UInt64 = 0
        if marks != 0 {
            low &= (1 &<< UInt64(8 &* length)) &- 1
        } else {
            // No mark among eight bytes that exist: start + 8 is at most the end.
            let second = bytes.word(at: start &+ 8)
            marks = ByteMarks.special(second)
            let rest = ByteMarks.bytesBefore(marks)
            high = marks == 0 ? second : second & ((1 &<< UInt64(8 &* rest)) &- 1)
            length = 8 &+ rest
        }
        guard byte(at: start &+ length) == UInt8(ascii: "\"") else { return nil }
        guard let index = fields.find(low: low, high: high, length: length) else { return nil }
        position = start &+ length &+ 1
        return index
    }

    /// The index of any known name, or the error that says why it is none.
    @inline(never)
    private mutating func longName(_ fields: JSONFields) throws(JSONLocatedError) -> Int {
        let start = position
        let name = try nameBytes()
        if let index = fields.find(name.span) { return index }
        let text = Self.shortened(name)
        var message = "unknown field \"\(text)\""
        if let nearest = fields.nearest(to: name) { message += "; did you mean \"\(nearest)\"?" }
        let error = JSONError(.unknownField(text), offset: start, message)
        throw JSONLocatedError(error, in: text)
    }

    /// A member's name, up to its value, and notes it in `seen`.
    @usableFromInline
    mutating func readName(_ seen: inout ReadNames) throws(JSONLocatedError) -> String {
        let start = position
        let range = try scanName()
        let name =
            range.isEscaped ? String(decoding: try unescapedName(range), as: UTF8.self) : Self.string(content(range))
        guard seen.insert(name) else {
            throw Self.duplicate(Self.shortened(Array(name.utf8)), at: start)
        }
        try passColon()
        return name
    }

    /// A member's name, up to the colon.
    private mutating func nameBytes() throws(JSONLocatedError) -> [UInt8] { try unescapedName(try scanName()) }

    private func unescapedName(_ range: JSONStringRange) throws(JSONLocatedError) -> [UInt8] {
        do {
            return try unescaped(range)
        } catch {
            throw JSONLocatedError(error)
        }
    }

    /// Where a member's name lies, and passes it.
    mutating func scanName() throws(JSONLocatedError) -> JSONStringRange {
        guard byte(at: position) == UInt8(ascii: "\"") else { throw JSONLocatedError(unexpected("a name in quotes")) }
        do {
            return try scanString()
        } catch {
            throw JSONLocatedError(error)
        }
    }

    static func duplicate(_ name: String, at offset: Int) -> JSONLocatedError {
        let error = JSONError(.duplicateField(name), offset: offset, "the field \"\(name)\" occurs twice")
        return JSONLocatedError(error, in: name)
    }

    /// A name as errors show it: the first 256 bytes.
    static func shortened(_ name: [UInt8]) -> String {
        let text = String(decoding: name.prefix(256), as: UTF8.self)
        return name.count <= 256 ? text : text + "…"
    }
}

/// The names of one object that have been read: mostly a few, which then cost no allocation.
@usableFromInline
struct ReadNames {
    private var first = InlineArray<8, String>(repeating: "")
    private var count = 0
    private var others: Set<String> = []

    @usableFromInline
    init() {}

    /// Notes a name. False if it was there before.
    mutating func insert(_ name: String) -> Bool {
        for index in 0..<count where first[index] == name { return false }
        guard count == 8 else {
            first[count] = name
            count += 1
            return true
        }
        return others.insert(name).inserted
    }
}
