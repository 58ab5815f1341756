internal import Bytes

extension JSONReader {
    /// Passes over the next value, whatever it is. All of it is checked, double names included.
    public mutating func skipValue() throws(JSONLocatedError) {
        skipWhiteSpace()
        switch kindHere {
        case .object: try skipObject()
        case .array: try readArray { reader, _ in try reader.skipValue() }
        default:
            do {
                try skipScalar()
            } catch {
                throw JSONLocatedError(error)
            }
        }
    }

    private mutating func skipScalar() throws(JSONError) {
        switch kindHere {
        case .string: _ = try scanString()
        case .number: try skipNumber()
        case .bool: _ = try readBool()
        case .null: _ = try readNull()
        default: throw unexpected("a value")
        }
    }

    /// Names are compared byte by byte here, since no one is going to keep them in a dictionary of strings.
    private mutating func skipObject() throws(JSONLocatedError) {
        var seen = SkippedNames()
        var isOpen = try open(.object)
        while isOpen {
            let start = position
            let range = try scanName()
            guard try insert(range, in: &seen) else { throw Self.duplicate(skippedName(range), at: start) }
            try passColon()
            do {
                try skipValue()
            } catch {
                throw located(error, in: skippedName(range))
            }
            isOpen = try goesOn(.object)
        }
    }

    /// Notes a name. False if it was there before.
    private func insert(_ range: JSONStringRange, in seen: inout SkippedNames) throws(JSONLocatedError) -> Bool {
        let name = content(range)
        if !range.isEscaped, name.count <= 8, let isNew = seen.insert(name.word(at: 0)) {
            return isNew
        }
        do {
            return seen.insert(try unescaped(range))
        } catch {
            throw JSONLocatedError(error)
        }
    }

    @inline(never)
    private func skippedName(_ range: JSONStringRange) -> String {
        Self.shortened((try? unescaped(range)) ?? [])
    }
}

/// The names of one object that is skipped: usually a few short ones, which then cost no allocation.
private struct SkippedNames {
    private var words = InlineArray<8, UInt64>(repeating: 0)
    private var count = 0
    private var others: Set<[UInt8]> = []

    /// Notes a name of up to eight bytes, none of them zero. Nil if there is no room left for more of its kind.
    mutating func insert(_ word: UInt64) -> Bool? {
        for index in 0..<count where words[index] == word { return false }
        guard others.isEmpty, count < 8 else { return nil }
        words[count] = word
        count += 1
        return true
    }

    /// Notes any name. False if it was there before.
    mutating func insert(_ name: [UInt8]) -> Bool {
        if name.count <= 8, !name.contains(0) {
            let word = name.span.word(at: 0)
            for index in 0..<count where words[index] == word { return false }
        }
        return others.insert(name).inserted
    }
}
