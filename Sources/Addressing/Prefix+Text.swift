public import Bytes

extension Prefix {
    /// The prefix that a text stands for: `address/length`, or a bare address for the prefix that holds just it.
    ///
    /// The length is decimal without sign and leading zeros; the address is as `IPAddress.init(parsing:)` has it.
    /// `default` is not known here: its family depends on what stands around it.
    ///
    /// Throws `bad-address`, `bad-prefix-length` or `prefix-has-host-bits`, whichever is found first in this order.
    public init(parsing text: Span<UInt8>) throws(AddressError) {
        var slash = text.count
        while slash > 0, text[slash - 1] != UInt8(ascii: "/") { slash -= 1 }
        if slash == 0 {
            self.init(host: try IPAddress(parsing: text))
            return
        }
        let address = try IPAddress(parsing: text.extracting(0..<(slash - 1)))
        guard let length = Self.decimal(text, from: slash), length <= address.family.maximumLength else {
            throw .badLength(text.extracting(slash..<text.count), address.family)
        }
        try self.init(address: address, length: length)
    }

    /// The prefix that a text stands for; see `init(parsing:)`.
    public init(_ text: String) throws(AddressError) {
        let utf8 = text.utf8Span
        try self.init(parsing: utf8.span)
    }

    /// One to three digits that take up `text` from `start` to its end, if they make a number up to 255.
    private static func decimal(_ text: Span<UInt8>, from start: Int) -> UInt8? {
        let count = text.count - start
        guard count >= 1, count <= 3, count == 1 || text[start] != UInt8(ascii: "0") else { return nil }
        var value = 0
        for index in start..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return UInt8(exactly: value)
    }
}

extension Prefix: CustomStringConvertible {
    /// The canonical text; see `append(to:)`.
    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the address's canonical text, a slash and the length, which is never left out. At most 49 bytes.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(addingCapacity: 72) { write(to: &$0) }
    }

    /// At most 49 bytes, for a caller that made room for 72: words are written whole.
    @inlinable @inline(__always)
    public func write(to output: inout OutputSpan<UInt8>) {
        address.write(to: &output)
        output.append(UInt8(ascii: "/"))
        output.append(decimal: length)
    }
}
