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
        let utf8 = path.utf8Span
        let bytes = utf8.span
        guard !bytes.isEmpty, bytes[0] == UInt8(ascii: "/") else { throw .notAbsolute(path) }
        var segments: [String] = []
        segments.reserveCapacity(4)
        var start = 1
        for index in 1..<bytes.count where bytes[index] == UInt8(ascii: "/") {
            segments.append(try HTTPTarget.decode(bytes.extracting(start..<index)))
            start = index + 1
        }
        segments.append(try HTTPTarget.decode(bytes.extracting(start..<bytes.count)))
        self.segments = segments
        items = try query.map { query throws(HTTPTargetError) in try HTTPTarget.items(of: query) } ?? []
    }

    private static func items(of query: String) throws(HTTPTargetError) -> [(name: String, value: String)] {
        let utf8 = query.utf8Span
        let bytes = utf8.span
        var items: [(name: String, value: String)] = []
        var start = 0
        while start < bytes.count {
            var equals = bytes.count
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "&") {
                if bytes[end] == UInt8(ascii: "="), equals == bytes.count { equals = end }
                end += 1
            }
            if end > start {
                let name = try decode(bytes.extracting(start..<min(equals, end)))
                items.append((name, try decode(bytes.extracting(min(equals + 1, end)..<end))))
            }
            start = end + 1
        }
        return items
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

    /// A part of a string between two ASCII characters.
    private static func decode(_ text: Span<UInt8>) throws(HTTPTargetError) -> String {
        for index in text.indices where text[index] == UInt8(ascii: "%") || text[index] == 0 {
            return try unescape(text)
        }
        return whole(text)
    }

    private static func unescape(_ text: Span<UInt8>) throws(HTTPTargetError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            var decoded = text[index]
            if decoded == UInt8(ascii: "%") {
                guard index + 2 < text.count, let high = hexadecimal(text[index + 1]),
                    let low = hexadecimal(text[index + 2])
                else { throw .malformedEscape(in: whole(text)) }
                decoded = high << 4 | low
                index += 2
            }
            guard decoded != 0 else { throw .containsNUL(in: whole(text)) }
            bytes.append(decoded)
            index += 1
        }
        guard let string = String(validating: bytes, as: UTF8.self) else { throw .invalidUTF8(in: whole(text)) }
        return string
    }

    private static func whole(_ text: Span<UInt8>) -> String {
        // SAFETY: a part of a string that begins and ends beside ASCII characters is UTF-8 as the string is.
        unsafe String(copying: UTF8Span(unchecked: text))
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
