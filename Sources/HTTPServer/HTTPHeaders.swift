/// Header fields in the order in which they were sent or added. Names are compared without regard to ASCII case.
///
/// In a response, a field whose name isn't a token or whose value contains a control character (a line break above
/// all) is left out: no text from a client can add lines to a header.
public struct HTTPHeaders: Sendable {
    private var fields: [(name: String, value: String)] = []

    public init() {}

    public mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

    /// O(number of fields).
    public func first(_ name: String) -> String? {
        for field in fields where HTTPHeaders.isSame(field.name, name) { return field.value }
        return nil
    }

    public func all(_ name: String) -> [String] {
        fields.filter { HTTPHeaders.isSame($0.name, name) }.map(\.value)
    }

    /// True if the two are equal, or differ only in the case of ASCII letters.
    static func isSame(_ a: String, _ b: String) -> Bool {
        let left = a.utf8
        let right = b.utf8
        guard left.count == right.count else { return false }
        var other = right.makeIterator()
        for byte in left {
            guard let against = other.next(), lowercased(byte) == lowercased(against) else { return false }
        }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// RFC 9110 section 5.6.2, `token`.
    static func isToken(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy(isTokenByte)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// What may go into a response. libmicrohttpd refuses tabs too, so they are refused on every path.
    static func isSendable(_ name: String, _ value: String) -> Bool {
        isToken(name) && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

extension HTTPHeaders: Sequence {
    public func makeIterator() -> IndexingIterator<[(name: String, value: String)]> { fields.makeIterator() }
    public var underestimatedCount: Int { fields.count }
}
