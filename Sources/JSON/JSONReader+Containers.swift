extension JSONReader {
    /// An object whose members are known beforehand, in any order and none twice.
    ///
    /// `member` is called for each one, with the index of its name in `fields`, and reads the value; a value that it
    /// leaves alone is skipped, which is still checked. What must be there is for the caller to find out.
    ///
    /// Throws `unknownField` (with the name that was probably meant), `duplicateField`, `depth`, `type` or `syntax` as
    /// a `JSONError`, or what `member` threw; each with its place.
    @inlinable
    public mutating func readObject(
        _ fields: JSONFields, _ member: (inout JSONReader, Int) throws -> Void
    ) throws(JSONLocatedError) {
        var seen: UInt64 = 0
        var isOpen = try open(.object)
        while isOpen {
            let index = try readField(fields, &seen)
            let start = position
            do {
                try member(&self, index)
                if position == start { try skipValue() }
            } catch {
                throw located(error, in: fields.names[index])
            }
            isOpen = try goesOn(.object)
        }
    }

    /// An object whose members have names of the caller's choice, none twice.
    ///
    /// As `readObject(_:_:)`, but `member` gets the name. Names are compared as Swift compares strings: two that differ
    /// only in how an accent is encoded count as the same, as they would in a dictionary. Cost: a string each.
    @inlinable
    public mutating func readObject(
        _ member: (inout JSONReader, String) throws -> Void
    ) throws(JSONLocatedError) {
        var seen = ReadNames()
        var isOpen = try open(.object)
        while isOpen {
            let name = try readName(&seen)
            let start = position
            do {
                try member(&self, name)
                if position == start { try skipValue() }
            } catch {
                throw located(error, in: name)
            }
            isOpen = try goesOn(.object)
        }
    }

    /// An array. `element` is called for each element in turn, with its index, and reads it; one that it leaves alone is
    /// skipped. Throws `depth`, `type` or `syntax` as a `JSONError`, or what `element` threw; each with its place.
    @inlinable
    public mutating func readArray(
        _ element: (inout JSONReader, Int) throws -> Void
    ) throws(JSONLocatedError) {
        var index = 0
        var isOpen = try open(.array)
        while isOpen {
            let start = position
            do {
                try element(&self, index)
                if position == start { try skipValue() }
            } catch {
                throw located(error, in: String(index))
            }
            index += 1
            isOpen = try goesOn(.array)
        }
    }

    /// Out of line, so that only the way out pays.
    @usableFromInline @inline(never)
    func located(_ error: any Error, in token: String) -> JSONLocatedError { JSONLocatedError(error, in: token) }
}

extension JSONReader {
    /// Passes the opening bracket of an object or array, up to its first member or element. False if it has none.
    @usableFromInline
    mutating func open(_ kind: JSONKind) throws(JSONLocatedError) -> Bool {
        skipWhiteSpace()
        let opening = kind == .object ? UInt8(ascii: "{") : UInt8(ascii: "[")
        guard byte(at: position) == opening else { throw JSONLocatedError(unexpected(kind)) }
        guard depth < maximumDepth else {
            let message = "more than \(maximumDepth) objects and arrays inside one another"
            throw JSONLocatedError(JSONError(.depth, offset: position, message))
        }
        depth &+= 1
        position &+= 1
        skipWhiteSpace()
        guard byte(at: position) == opening &+ 2 else { return true }
        depth &-= 1
        position &+= 1
        return false
    }

    /// Passes the comma before the next member or element, or the closing bracket: then false.
    @usableFromInline
    mutating func goesOn(_ kind: JSONKind) throws(JSONLocatedError) -> Bool {
        skipWhiteSpace()
        let closing = kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")
        switch byte(at: position) {
        case UInt8(ascii: ","):
            position &+= 1
            skipWhiteSpace()
            return true
        case closing:
            depth &-= 1
            position &+= 1
            return false
        default:
            throw JSONLocatedError(unexpected(kind == .object ? "',' or '}'" : "',' or ']'"))
        }
    }

    /// Passes the colon behind a name, up to the value.
    @inline(__always)
    mutating func passColon() throws(JSONLocatedError) {
        skipWhiteSpace()
        guard byte(at: position) == UInt8(ascii: ":") else { throw JSONLocatedError(unexpected("':'")) }
        position &+= 1
        skipWhiteSpace()
    }
}
