extension IPAddress {
    /// The address that a text stands for.
    ///
    /// Strict, and the same as `inet_pton`: IPv4 is four decimal numbers from 0 to 255 without leading zeros; IPv6 is
    /// RFC 4291, section 2.2, in all three forms. No zones (`%eth0`), brackets, white space or prefix lengths.
    ///
    /// Throws `bad-address`. Cost: some 20 ns for IPv4, no allocation.
    public init(parsing text: Span<UInt8>) throws(AddressError) {
        if let bits = Self.inetBits(text, from: 0) {
            self.init(inet: bits)
        } else if let bits = Self.inet6Bits(text) {
            self.init(inet6: UInt64(truncatingIfNeeded: bits &>> 64), UInt64(truncatingIfNeeded: bits))
        } else {
            throw .badAddress(text)
        }
    }

    /// The address that a text stands for; see `init(parsing:)`.
    public init(_ text: String) throws(AddressError) {
        let utf8 = text.utf8Span
        try self.init(parsing: utf8.span)
    }

    /// The dotted quad that takes up `text` from `start` to its end.
    private static func inetBits(_ text: Span<UInt8>, from start: Int) -> UInt32? {
        // 7 bytes are 0.0.0.0; 15 are 255.255.255.255.
        let end = text.count
        guard start >= 0, end &- start >= 7, end &- start <= 15 else { return nil }
        var bits: UInt32 = 0
        var index = start
        for part in 0..<4 {
            if part > 0 {
                guard index < end, text[index] == UInt8(ascii: ".") else { return nil }
                index &+= 1
            }
            guard let first = digit(text, index) else { return nil }
            var value = first
            index &+= 1
            if let second = digit(text, index) {
                if first == 0 { return nil }  // a leading zero, which some read as octal
                value = value &* 10 &+ second
                index &+= 1
                if let third = digit(text, index) {
                    value = value &* 10 &+ third
                    if value > 255 { return nil }
                    index &+= 1
                }
            }
            bits = bits &<< 8 | value
        }
        return index == end ? bits : nil
    }

    /// The decimal digit at `index`; nil if there is something else, or nothing.
    @inline(__always)
    private static func digit(_ text: Span<UInt8>, _ index: Int) -> UInt32? {
        guard index < text.count else { return nil }
        let value = text[index] &- UInt8(ascii: "0")
        return value < 10 ? UInt32(value) : nil
    }

    /// The colon notation that takes up all of `text`.
    private static func inet6Bits(_ text: Span<UInt8>) -> UInt128? {
        let colon = UInt8(ascii: ":")
        let end = text.count
        // 2 bytes are ::, 45 are six full groups and a full dotted quad.
        guard end >= 2, end <= 45 else { return nil }
        var bits: UInt128 = 0
        var groups = 0
        var gap: Int?  // how many groups stand before ::
        var index = 0
        if text[0] == colon {
            guard text[1] == colon else { return nil }
            gap = 0
            index = 2
        }
        while index < end {
            let start = index
            guard groups < 8, let group = hexGroup(text, &index) else { return nil }
            if index < end, text[index] == UInt8(ascii: ".") {
                guard groups <= 6, let tail = inetBits(text, from: start) else { return nil }
                bits = bits &<< 32 | UInt128(tail)
                groups += 2
                break
            }
            bits = bits &<< 16 | UInt128(group)
            groups += 1
            if index == end { break }
            guard text[index] == colon, index + 1 < end else { return nil }
            index += 1
            if text[index] == colon {
                guard gap == nil else { return nil }
                gap = groups
                index += 1
            }
        }
        guard let gap else { return groups == 8 ? bits : nil }
        guard groups < 8 else { return nil }  // :: stands for at least one group
        let after = bits & ((1 << UInt128(16 * (groups - gap))) - 1)
        let before = bits >> UInt128(16 * (groups - gap))
        return gap == 0 ? after : before << UInt128(16 * (8 - gap)) | after
    }

    /// One to four hex digits from `index` on, which ends up behind them.
    private static func hexGroup(_ text: Span<UInt8>, _ index: inout Int) -> UInt32? {
        var value: UInt32 = 0
        let start = index
        while index < text.count, let digit = hexDigit(text[index]) {
            if index - start == 4 { return nil }
            value = value &<< 4 | digit
            index += 1
        }
        return index > start ? value : nil
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte &- 0x30)
        case 0x41...0x46: UInt32(byte &- 0x37)
        case 0x61...0x66: UInt32(byte &- 0x57)
        default: nil
        }
    }
}
