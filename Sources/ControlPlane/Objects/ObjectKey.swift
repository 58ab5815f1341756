public import Addressing
public import ChangeLog
public import Routing
public import TrafficControl

/// Where an object other than a route stands in the image of its namespace: by kind, then as listings show it.
///
/// 40 bytes. Names of links have 15 bytes at most, so that they fit into two words and their order is that of their bytes.
@frozen public struct ObjectKey: ImageKey, Hashable {
    private let kind: UInt64
    private let nameHigh: UInt64
    private let nameLow: UInt64
    private let high: UInt64
    private let low: UInt64

    private init(kind: UInt64, _ name: (UInt64, UInt64) = (0, 0), high: UInt64 = 0, low: UInt64 = 0) {
        self.kind = kind
        (nameHigh, nameLow) = name
        self.high = high
        self.low = low
    }

    /// The namespace's own.
    public static let namespace = ObjectKey.start(of: .namespace)

    public static func link(_ name: String) -> ObjectKey { ObjectKey(kind: ObjectKind.link.order, words(name)) }

    public static func neighbour(_ device: String, _ address: IPAddress) -> ObjectKey {
        var (first, second) = words(device)
        second |= address.family == .inet ? 4 : 6
        return ObjectKey(kind: ObjectKind.neigh.order, (first, second), high: address.high, low: address.low)
    }

    /// By family, then in the order in which rules are asked.
    public static func rule(_ placed: PlacedRule) -> ObjectKey {
        rule(placed.rule.family, placed.rule.priority, placed.position)
    }

    public static func rule(_ family: AddressFamily, _ priority: UInt32, _ position: UInt64) -> ObjectKey {
        let place: UInt64 = (family == .inet ? 4 : 6) << 32 | UInt64(priority)
        return ObjectKey(kind: ObjectKind.rule.order, (place, 0), low: position)
    }

    public static func nextHop(_ id: UInt32) -> ObjectKey { ObjectKey(kind: ObjectKind.nexthop.order, low: UInt64(id)) }

    /// A link has one qdisc for filters at most (R4-05).
    public static func qdisc(_ device: String) -> ObjectKey { ObjectKey(kind: ObjectKind.qdisc.order, words(device)) }

    /// Those that are shared by number, then those of links.
    public static func block(_ place: BlockIdentity.Place) -> ObjectKey {
        switch place {
        case .shared(let number): return ObjectKey(kind: ObjectKind.block.order, low: UInt64(number))
        case .ingress(let device): return ObjectKey(kind: ObjectKind.block.order, words(device))
        case .egress(let device): return ObjectKey(kind: ObjectKind.block.order, words(device), low: 1)
        }
    }

    /// No key of the kind is below it.
    public static func start(of kind: ObjectKind) -> ObjectKey { ObjectKey(kind: kind.order) }
    /// No key of the kind is at or above it.
    public static func end(of kind: ObjectKind) -> ObjectKey { ObjectKey(kind: kind.order + 1) }

    /// No neighbour on the link is below it.
    static func startOfNeighbours(on device: String) -> ObjectKey {
        ObjectKey(kind: ObjectKind.neigh.order, words(device))
    }

    /// Whether it is a neighbour's on that link.
    func isNeighbour(on device: String) -> Bool {
        let (first, second) = Self.words(device)
        return kind == ObjectKind.neigh.order && nameHigh == first && nameLow & ~0xff == second
    }

    /// The next key there is.
    public var successor: ObjectKey {
        let (nextLow, carry) = low.addingReportingOverflow(1)
        let (nextHigh, overflow) = high.addingReportingOverflow(carry ? 1 : 0)
        // The last byte of a name's words is far from its end.
        return ObjectKey(kind: kind, (nameHigh, nameLow &+ (overflow ? 1 : 0)), high: nextHigh, low: nextLow)
    }

    /// Up to 15 bytes, the first in the highest place.
    private static func words(_ name: String) -> (UInt64, UInt64) {
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in name.utf8.prefix(15).enumerated() {
            if index < 8 {
                words.0 |= UInt64(byte) << (56 - 8 * UInt64(index))
            } else {
                words.1 |= UInt64(byte) << (56 - 8 * UInt64(index - 8))
            }
        }
        return words
    }

    public var leading: UInt64 { kind }

    public static func < (a: Self, b: Self) -> Bool {
        if a.kind != b.kind { return a.kind < b.kind }
        if a.nameHigh != b.nameHigh { return a.nameHigh < b.nameHigh }
        if a.nameLow != b.nameLow { return a.nameLow < b.nameLow }
        return a.high != b.high ? a.high < b.high : a.low < b.low
    }
}

extension ObjectKind {
    /// Among the objects of a namespace.
    fileprivate var order: UInt64 { UInt64(Self.allCases.firstIndex(of: self) ?? 0) }
}
