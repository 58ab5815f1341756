public import Addressing
public import Routing

/// Which routes someone means: those that agree with every part that is given.
public struct RouteSelection: Hashable, Sendable {
    /// Sorted; nil for all.
    public var namespaces: [String]?
    public var families: [AddressFamily]?
    public var tables: [TableID]?
    /// A route agrees that is one of these prefixes or lies within one.
    public var within: [Prefix]?
    public var protocols: [RouteProtocol]?
    public var types: [RouteType]?
    public var devices: [String]?
    /// Nexthop objects that it uses.
    public var nextHopIDs: Set<UInt32>?
    /// Routes of this protocol don't agree, unless `protocols` names it.
    public var spared: RouteProtocol?
    /// Exactly this prefix.
    public var destination: Prefix?
    /// Every prefix that contains this one, itself included.
    public var covers: Prefix?
    /// What hardware makes of it.
    public var hardware: HardwareSelection?

    public init() {}

    /// Whether whole ranges of keys agree, so that their count and digest can be read off the image.
    var isByKeyOnly: Bool {
        protocols == nil && types == nil && devices == nil && nextHopIDs == nil && spared == nil && hardware == nil
    }

    public func includes(_ table: TableIdentity) -> Bool {
        includes(namespace: table.namespace) && (families?.contains(table.family) ?? true)
            && (tables?.contains(table.id) ?? true) && mayInclude(table.family)
    }

    /// False if the prefixes that are asked for are all of the other family.
    private func mayInclude(_ family: AddressFamily) -> Bool {
        (within?.contains { $0.family == family } ?? true) && (destination.map { $0.family == family } ?? true)
            && (covers.map { $0.family == family } ?? true)
    }

    public func includes(namespace: String) -> Bool { namespaces?.contains(namespace) ?? true }

    /// Whether a route of a table that is included agrees in the rest.
    func agrees(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> Bool {
        if within != nil || destination != nil || covers != nil, !agrees(key.prefix(table.family)) { return false }
        return agrees(info)
    }

    func agrees(_ info: RouteInfo) -> Bool {
        (protocols?.contains(info.protocol) ?? (info.protocol != spared)) && (types?.contains(info.type) ?? true)
            && (devices.map { wanted in info.nextHops.contains { wanted.contains($0.device) } } ?? true)
            && (nextHopIDs.map { $0.contains(info.fields.nextHopID) } ?? true)
    }

    /// Whether a route agrees whose key lies in one of the ranges.
    func agrees(_ route: StoredRoute, _ devices: Devices) -> Bool {
        isByKeyOnly || agrees(route.info) && (hardware?.agrees(route.hardware, devices) ?? true)
    }

    private func agrees(_ prefix: Prefix) -> Bool {
        (within.map { $0.contains { $0.contains(prefix) } } ?? true) && (destination.map { $0 == prefix } ?? true)
            && (covers.map { prefix.contains($0) } ?? true)
    }
}

/// What hardware is to make of a route, and for how long at least.
public struct HardwareSelection: Hashable, Sendable {
    public var states: [HardwareState]?
    /// In milliseconds since 1970: it has been so since then, or for longer. What no device has to do with has no age.
    public var since: UInt64?

    /// - Parameter age: in milliseconds.
    public init(_ states: [HardwareState]?, age: UInt64?) {
        self.states = states
        since = age.map { age in
            let now = Devices().now
            return now > age ? now - age : 0
        }
    }

    func agrees(_ status: HardwareStatus?, _ devices: Devices) -> Bool {
        (states?.contains(devices.state(of: status)) ?? true)
            && (since.map { since in (status?.since).map { $0 <= since } ?? false } ?? true)
    }
}

/// Keys from `lower` up to, but not including, `upper`; without one, to the end.
struct KeyRange {
    let lower: RouteKey
    let upper: RouteKey?
}

extension RouteSelection {
    /// The ranges of keys that hold every route that agrees by prefix and no other, in order.
    func ranges(in family: AddressFamily) -> [KeyRange] {
        if let destination {
            guard destination.family == family, within.map({ $0.contains { $0.contains(destination) } }) ?? true,
                covers.map({ destination.contains($0) }) ?? true
            else { return [] }
            return [Self.range(of: destination)]
        }
        if let covers {
            guard covers.family == family else { return [] }
            return Self.coveringRanges(covers).filter { prefix, _ in
                within.map { $0.contains { $0.contains(prefix) } } ?? true
            }.map(\.1)
        }
        guard let within else { return [KeyRange(lower: RouteKey(startingAt: .unspecified(family)), upper: nil)] }
        return Self.outermost(within).filter { $0.family == family }.flatMap(Self.rangesWithin)
    }

    /// The same addresses without prefixes that lie within others, sorted. O(n log n).
    public static func outermost(_ prefixes: [Prefix]) -> [Prefix] {
        // Where several begin at one address the shortest comes first, so whatever lies within another follows it.
        let sorted = prefixes.sorted { $0.address != $1.address ? $0.address < $1.address : $0.length < $1.length }
        var result: [Prefix] = []
        for prefix in sorted where !(result.last?.contains(prefix) ?? false) { result.append(prefix) }
        return result
    }

    private static func range(of prefix: Prefix) -> KeyRange {
        let lower = RouteKey(prefix, tos: 255, metric: 0, position: 0)
        return KeyRange(lower: lower, upper: endOfLength(prefix))
    }

    /// At the prefix's own address the longer ones come first, so the range ends where the shorter ones begin; the rest
    /// of the block follows behind that address.
    private static func rangesWithin(_ prefix: Prefix) -> [KeyRange] {
        let first = KeyRange(lower: RouteKey(startingAt: prefix.address), upper: endOfLength(prefix))
        let last = prefix.lastAddress
        guard last != prefix.address, let second = RouteKey(behind: prefix.address) else { return [first] }
        return [first, KeyRange(lower: second, upper: RouteKey(behind: last))]
    }

    /// The first key at the prefix's address that belongs to a shorter prefix.
    private static func endOfLength(_ prefix: Prefix) -> RouteKey? {
        guard prefix.length > 0 else { return RouteKey(behind: prefix.address) }
        return RouteKey(
            Prefix(unchecked: prefix.address, prefix.length), tos: 0, metric: .max, position: .max
        ).successor
    }

    private static func coveringRanges(_ prefix: Prefix) -> [(Prefix, KeyRange)] {
        (0...prefix.length).compactMap { length in
            (try? Prefix(masking: prefix.address, length: length)).map { ($0, range(of: $0)) }
        }.sorted { $0.1.lower < $1.1.lower }
    }
}
