extension JSONReader {
    /// A whole number from 0 to `max`, however it is written: `100`, `100.0` and `1e2` are one number.
    ///
    /// Throws `range` if it is negative or above `max`, `type` if it isn't whole (or is with a fraction or an exponent
    /// beyond 64 bits), else `type` or `syntax`.
    public mutating func readUInt(max: UInt64 = .max) throws(JSONError) -> UInt64 {
        skipWhiteSpace()
        guard let (value, end) = digits(from: position) ?? wholeNumber(from: position) else {
            throw notWhole(0, max)
        }
        guard value <= max else { throw notWhole(0, max) }
        position = end
        return value
    }

    /// A whole number within `range`, with or without a minus sign, and written as for `readUInt`. Throws as `readUInt` does.
    public mutating func readInt(
        in range: ClosedRange<Int64> = Int64.min...Int64.max
    ) throws(JSONError) -> Int64 {
        skipWhiteSpace()
        let isNegative = byte(at: position) == UInt8(ascii: "-")
        let start = isNegative ? position &+ 1 : position
        guard let (magnitude, end) = digits(from: start) ?? wholeNumber(from: start) else {
            throw notWhole(range.lowerBound, range.upperBound)
        }
        // The magnitude of the least number has no positive counterpart; as bits it is right.
        let limit = isNegative ? Int64.min.magnitude : Int64.max.magnitude
        let value = Int64(truncatingIfNeeded: isNegative ? 0 &- magnitude : magnitude)
        guard magnitude <= limit, range.contains(value) else {
            throw notWhole(range.lowerBound, range.upperBound)
        }
        position = end
        return value
    }

    /// The number that the digits from `start` on make, and where they end. Nil if there are none, or too many, or a
    /// leading zero, or if a fraction or an exponent follows.
    @inline(__always)
    private func digits(from start: Int) -> (value: UInt64, end: Int)? {
        var digit = byte(at: start) &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        var value = UInt64(digit)
        var index = start &+ 1
        digit = byte(at: index) &- UInt8(ascii: "0")
        if value == 0 && digit < 10 { return nil }
        while digit < 10 {
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(UInt64(digit))
            if overflows || carries { return nil }
            value = sum
            index &+= 1
            digit = byte(at: index) &- UInt8(ascii: "0")
        }
        switch byte(at: index) {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default: return (value, index)
        }
    }

    /// Finds out what is wrong with a number that was not taken.
    @inline(never)
    private func notWhole(_ least: some BinaryInteger, _ most: some BinaryInteger) -> JSONError {
        var copy = self
        guard kindHere == .number else { return unexpected(.number) }
        do {
            try copy.skipNumber()
        } catch {
            return error
        }
        for index in position..<copy.position {
            switch bytes[index] {
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            default:
                let phrase = "a whole number"
                return JSONError(.type(expected: phrase), offset: position, "expected \(phrase)")
            }
        }
        return JSONError(.range, offset: position, "the number is not within \(least) to \(most)")
    }

    /// Passes over any number of the grammar. The position has not moved when it throws `syntax`, except to tell where.
    mutating func skipNumber() throws(JSONError) {
        if byte(at: position) == UInt8(ascii: "-") { position &+= 1 }
        if byte(at: position) == UInt8(ascii: "0") {
            position &+= 1
            if isDigit(byte(at: position)) {
                throw JSONError(.syntax, offset: position, "a number must not begin with a zero")
            }
        } else {
            try skipDigits()
        }
        if byte(at: position) == UInt8(ascii: ".") {
            position &+= 1
            try skipDigits()
        }
        guard byte(at: position) | 0x20 == UInt8(ascii: "e") else { return }
        position &+= 1
        if byte(at: position) == UInt8(ascii: "+") || byte(at: position) == UInt8(ascii: "-") { position &+= 1 }
        try skipDigits()
    }

    /// At least one digit.
    private mutating func skipDigits() throws(JSONError) {
        guard isDigit(byte(at: position)) else { throw unexpected("a digit") }
        while isDigit(byte(at: position)) { position &+= 1 }
    }

    @inline(__always)
    private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}
