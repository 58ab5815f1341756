extension JSONReader {
    /// The whole number that an unsigned number with a fraction or an exponent stands for, and where it ends: `1.0`,
    /// `12e2`, `1.5e1`. Nil if there is no such number, or if its value isn't whole or is beyond 64 bits.
    ///
    /// To JSON a number is its value, and some encoders write all numbers alike. Out of line: nearly no one does.
    @inline(never)
    func wholeNumber(from start: Int) -> (value: UInt64, end: Int)? {
        guard byte(at: start) &- UInt8(ascii: "0") < 10 else { return nil }
        var copy = self
        copy.position = start
        do {
            try copy.skipNumber()
        } catch {
            return nil
        }
        let end = copy.position
        guard let parts = decimalParts(start..<end), let value = Self.scaled(parts.digits, by: parts.exponent) else {
            return nil
        }
        return (value, end)
    }

    /// Digits and power of ten of a number of the grammar. Nil if the exponent alone is beyond every use.
    private func decimalParts(_ range: Range<Int>) -> (digits: [UInt8], exponent: Int)? {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        for index in range {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let power = power(index + 1..<range.upperBound) else { return nil }
                return (digits, exponent + power)
            default:
                digits.append(byte - UInt8(ascii: "0"))
                if isFraction { exponent -= 1 }
            }
        }
        return (digits, exponent)
    }

    private func power(_ range: Range<Int>) -> Int? {
        var value = 0
        for index in range where bytes[index] != UInt8(ascii: "+") && bytes[index] != UInt8(ascii: "-") {
            value = value * 10 + Int(bytes[index] - UInt8(ascii: "0"))
            if value > 1_000_000_000 { return nil }
        }
        return bytes[range.lowerBound] == UInt8(ascii: "-") ? -value : value
    }

    private static func scaled(_ digits: [UInt8], by exponent: Int) -> UInt64? {
        var digits = digits[...]
        var exponent = exponent
        while let last = digits.last, last == 0 {
            digits.removeLast()
            exponent += 1
        }
        if digits.isEmpty { return 0 }
        guard (0...19).contains(exponent) else { return nil }
        var value: UInt64 = 0
        for digit in digits + repeatElement(0, count: exponent) {
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(UInt64(digit))
            if overflows || carries { return nil }
            value = sum
        }
        return value
    }
}
