internal import Addressing
internal import ControlPlane
internal import JSON
internal import Routing

/// Where a page ended: the place of its last route. Opaque to clients.
struct PageCursor: Sendable {
    let namespace: String
    let family: AddressFamily
    let table: TableID
    let key: RouteKey

    init(_ table: TableIdentity, _ key: RouteKey) {
        namespace = table.namespace
        family = table.family
        self.table = table.id
        self.key = key
    }

    var text: String {
        var digits: [UInt8] = []
        for word in [key.high, key.low, key.rank] { digits.appendHex(word, digits: 16) }
        return "\(namespace):\(family.rawValue):\(table.rawValue):\(String(decoding: digits, as: UTF8.self))"
    }

    init?(parsing text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, ControlPlane.isValidNamespaceName(parts[0]),
            let family = AddressFamily(name: parts[1]), let table = UInt32(parts[2]), parts[3].utf8.count == 48
        else { return nil }
        let words = stride(from: 0, to: 48, by: 16).compactMap { start in
            UInt64(parts[3].dropFirst(start).prefix(16), radix: 16)
        }
        guard words.count == 3, let key = RouteKey(high: words[0], low: words[1], rank: words[2], family: family) else {
            return nil
        }
        namespace = parts[0]
        self.family = family
        self.table = TableID(rawValue: table)
        self.key = key
    }
}
