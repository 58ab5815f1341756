/// Why a path or a query can't be decoded.
public enum HTTPTargetError: Error, Hashable, Sendable {
    /// A "%" without two hexadecimal digits behind it.
    case malformedEscape(in: String)
    /// "%00", or a NUL byte.
    case containsNUL(in: String)
    /// The decoded bytes aren't UTF-8.
    case invalidUTF8(in: String)
    /// The path doesn't start with "/".
    case notAbsolute(String)
}

/// The target of a request, decoded: the segments of its path and the items of its query.
///
/// "/a%2Fb/" has the segments "a/b" and "" (the empty one tells of the trailing slash), "/" has one empty segment.
/// A "+" stays a "+". Items keep their order, and names may repeat; an item without "=" has an empty value; empty items
/// ("a&&b") are dropped.
public struct HTTPTarget: Sendable {
    public let segments: [String]
    public let items: [(name: String, value: String)]

    public init(path: String, query: String?) throws(HTTPTargetError) {
        guard path.utf8.first == UInt8(ascii: "/") else { throw .notAbsolute(path) }
        var segments: [String] = []
        for segment in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(try HTTPTarget.decode(segment))
        }
        self.segments = segments
        var items: [(name: String, value: String)] = []
        for item in (query ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            let equals = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            let name = try HTTPTarget.decode(item[..<equals])
            let value = try HTTPTarget.decode(item[equals...].dropFirst())
            items.append((name, value))
        }
        self.items = items
    }

    /// The decoded value of the first item of that name.
    public func first(_ name: String) -> String? {
        for item in items where item.name == name { return item.value }
        return nil
    }

    /// A value as it can stand in a query: what would end it, or be read as something else, is escaped.
    public static func encoded(_ value: String) -> String {
        var text = ""
        for byte in value.utf8 {
            if isPlain(byte) {
                text.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return text
    }

    /// RFC 3986, `unreserved`, and what else a query may hold and addresses and lists need.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: ","):
            true
        default: false
        }
    }

    private static func decode(_ text: Substring.UTF8View) throws(HTTPTargetError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            var decoded = byte
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next().flatMap(hexadecimal), let low = rest.next().flatMap(hexadecimal) else {
                    throw .malformedEscape(in: String(Substring(text)))
                }
                decoded = high << 4 | low
            }
            guard decoded != 0 else { throw .containsNUL(in: String(Substring(text))) }
            bytes.append(decoded)
        }
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw .invalidUTF8(in: String(Substring(text)))
        }
        return string
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
