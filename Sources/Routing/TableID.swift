/// Number of a routing table. 0 means "unspecified" and is replaced by main (R1-02).
public struct TableID: RawRepresentable, Comparable, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue == 0 ? 254 : rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public static let `default` = TableID(rawValue: 253)
    public static let main = TableID(rawValue: 254)
    public static let local = TableID(rawValue: 255)

    /// `main`, `local`, `default`, `unspec`, or a number from 0 to 4294967295.
    public init?(name: String) {
        switch name {
        case "main", "unspec": self = .main
        case "local": self = .local
        case "default": self = .default
        default:
            guard let number = UInt32(decimal: name) else { return nil }
            self.init(rawValue: number)
        }
    }

    /// The name as iproute2 prints it; the number for tables without a name.
    public var name: String {
        switch self {
        case .main: "main"
        case .local: "local"
        case .default: "default"
        default: String(rawValue)
        }
    }
}

extension FixedWidthInteger {
    /// Digits only: `Int("+5")` and `Int("-0")` are numbers to the standard library, but not in a table's name. No
    /// leading zeros, which `ip` reads as octal.
    init?(decimal text: String) {
        guard text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            text == "0" || text.utf8.first != UInt8(ascii: "0")
        else { return nil }
        self.init(text)
    }
}
