internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing
internal import TrafficControl

/// Where a page of a list of objects ends: the names of its last row, which need not be there any more when the next page is
/// asked for.
struct ObjectCursor: Comparable {
    private let namespace: String
    private let key: ObjectKey
    let text: String

    init(_ object: StoredObject) {
        namespace = object.namespace
        key = object.key
        text = ([object.namespace] + Self.parts(object)).joined(separator: "/")
    }

    init(_ text: String, of kind: ObjectKind) throws(Problem) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard ControlPlane.isValidNamespaceName(parts[0]), let key = Self.key(Array(parts.dropFirst()), kind) else {
            throw .badParameter("after", "'\(text)' is not a cursor of a Link field")
        }
        namespace = parts[0]
        self.key = key
        self.text = text
    }

    private static func parts(_ object: StoredObject) -> [String] {
        switch object.value {
        case .namespace, .device: []
        case .link(let link): [link.name]
        case .qdisc(let qdisc): [qdisc.device]
        case .block(let place): [place.description]
        case .nextHop(let object): [String(object.id)]
        case .neighbour(let neighbour): [neighbour.device, digits(neighbour.address)]
        case .rule(let placed):
            [placed.rule.family.name, String(placed.rule.priority), String(placed.position)]
        }
    }

    private static func key(_ parts: [String], _ kind: ObjectKind) -> ObjectKey? {
        switch (kind, parts.count) {
        case (.namespace, 0): return .namespace
        case (.link, 1) where Link.isName(parts[0]): return .link(parts[0])
        case (.qdisc, 1) where Link.isName(parts[0]): return .qdisc(parts[0])
        case (.block, 1): return BlockName(text: parts[0]).map { .block($0.place) }
        case (.neigh, 2) where Link.isName(parts[0]):
            return address(parts[1]).map { .neighbour(parts[0], $0) }
        case (.nexthop, 1): return UInt32(parts[0]).map { .nextHop($0) }
        case (.rule, 3):
            guard let family = AddressFamily(name: parts[0]), let priority = UInt32(parts[1]),
                let position = UInt64(parts[2])
            else { return nil }
            return .rule(family, priority, position)
        default: return nil
        }
    }

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

    static func < (a: Self, b: Self) -> Bool {
        a.namespace != b.namespace ? a.namespace < b.namespace : a.key < b.key
    }
}
