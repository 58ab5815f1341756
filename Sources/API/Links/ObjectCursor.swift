internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// Where a page of a list of objects ends: the names of its last row, which need not be there any more when the next page is
/// asked for.
struct ObjectCursor: Comparable {
    private let namespace: String
    /// Of a link or a neighbour.
    private let device: String?
    /// Of a neighbour.
    private let address: IPAddress?

    init(_ object: StoredObject) {
        namespace = object.namespace
        device = object.link?.name ?? object.neighbour?.device
        address = object.neighbour?.address
    }

    init(_ text: String, of kind: ObjectKind) throws(Problem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let address = parts.count == 3 ? Self.address(parts[2]) : nil
        let count = kind == .namespace ? 1 : kind == .link ? 2 : 3
        guard parts.count == count, ControlPlane.isValidNamespaceName(parts[0]),
            parts.count < 2 || isDeviceName(parts[1]), parts.count < 3 || address != nil
        else {
            throw .badParameter("after", "'\(text)' is not a cursor of a Link field")
        }
        namespace = parts[0]
        device = parts.count > 1 ? parts[1] : nil
        self.address = address
    }

    var text: String { [namespace, device, address.map(Self.digits)].compactMap(\.self).joined(separator: "/") }

    /// The bytes of an address in hexadecimal, in which no two are alike.
    private static func digits(_ address: IPAddress) -> String {
        let words = address.family == .inet ? [address.high] : [address.high, address.low]
        let digits = words.map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
        return address.family == .inet ? String(digits.prefix(8)) : digits
    }

    private static func address(_ digits: String) -> IPAddress? {
        guard digits.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else { return nil }
        switch digits.utf8.count {
        case 8: return UInt32(digits, radix: 16).map { IPAddress(inet: $0) }
        case 32:
            guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16)
            else { return nil }
            return IPAddress(inet6: high, low)
        default: return nil
        }
    }

    private var key: ObjectKey {
        guard let device else { return .namespace }
        return address.map { .neighbour(device, $0) } ?? .link(device)
    }

    static func < (a: Self, b: Self) -> Bool {
        a.namespace != b.namespace ? a.namespace < b.namespace : a.key < b.key
    }
}
