/// The header fields of a request in the order in which they were sent. Names are compared without regard to ASCII case.
public struct HTTPHeaders: Sendable {
    private var fields: [(name: String, value: String)] = []

    public init() {}

    public mutating func add(_ name: String, _ value: String) {
        // Most headers are allocated once.
        if fields.isEmpty { fields.reserveCapacity(6) }
        fields.append((name, value))
    }

    /// O(number of fields).
    public func first(_ name: String) -> String? {
        for field in fields where HTTPHeaders.isSame(field.name, name) { return field.value }
        return nil
    }

    /// The value of a field that was sent once; nil if there is none or more than one.
    public func only(_ name: String) -> String? {
        var found: String?
        for field in fields where HTTPHeaders.isSame(field.name, name) {
            guard found == nil else { return nil }
            found = field.value
        }
        return found
    }

    public func all(_ name: String) -> [String] {
        fields.filter { HTTPHeaders.isSame($0.name, name) }.map(\.value)
    }

    /// True if the two are equal, or differ only in the case of ASCII letters.
    static func isSame(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count && (a == b || isSame(a.utf8Span.span, b.utf8Span.span))
    }

    /// Of two that are equally long.
    private static func isSame(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
        for index in a.indices where lowercased(a[index]) != lowercased(b[index]) { return false }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// RFC 9110 section 5.6.2, `token`.
    static func isToken(_ name: String) -> Bool {
        let utf8 = name.utf8Span
        let bytes = utf8.span
        for index in bytes.indices where !isTokenByte(bytes[index]) { return false }
        return !bytes.isEmpty
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        // Nearly all are letters.
        if (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte &- UInt8(ascii: "0") < 10 { return true }
        return switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension HTTPHeaders: Sequence {
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> { fields.makeIterator() }
    public var underestimatedCount: Int { fields.count }
}
