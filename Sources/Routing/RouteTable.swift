public import Addressing
public import ChangeLog

/// One stored route, as its table's image keeps it: 40 bytes beside its key.
@frozen public struct StoredRoute: ImageValue {
    /// The number of the change that made this entry.
    public let version: ChangeSequence
    /// Of the entry's canonical bytes.
    public let hash: EntryHash
    public let info: RouteInfo
    /// Not part of the entry. Nil while no device has anything to do with it.
    public let hardware: HardwareStatus?

    public init(
        version: ChangeSequence, hash: EntryHash, info: RouteInfo, hardware: HardwareStatus? = nil
    ) {
        self.version = version
        self.hash = hash
        self.info = info
        self.hardware = hardware
    }

    /// The same entry, of which devices say something else.
    public func with(_ hardware: HardwareStatus?) -> StoredRoute {
        StoredRoute(version: version, hash: hash, info: info, hardware: hardware)
    }
}

/// A route with its place.
public typealias PlacedRoute = (key: RouteKey, value: StoredRoute)

/// A route that someone wants to have: the key but for its place in the list, and the rest.
public struct Route: Hashable, Sendable {
    public let prefix: Prefix
    public let tos: UInt8
    public let metric: UInt32
    /// Of that metric.
    public let info: RouteInfo

    public init(prefix: Prefix, tos: UInt8 = 0, metric: UInt32 = 0, info: RouteInfo) {
        self.prefix = prefix
        self.tos = tos
        self.metric = metric
        self.info = info.with(metric: metric)
    }

    /// The same that leads elsewhere.
    public func with(_ info: RouteInfo) -> Route { Route(prefix: prefix, tos: tos, metric: metric, info: info) }

    var firstKey: RouteKey { RouteKey(prefix, tos: tos, metric: metric, position: 0) }
}

/// One routing table of one family: its routes in the order of lookups, and what each verb of `ip route` does to it.
///
/// A value: copying it is one retain, and a copy never changes. Decisions are pure (`decide…`), changes are made by
/// `apply`, and between them the caller learns the number of the change. R1-20…R1-29, R1-60…R1-102.
public struct RouteTable: Sendable {
    public let family: AddressFamily
    public internal(set) var image = Image<RouteKey, StoredRoute>()
    /// Changes with the image.
    var index = PrefixIndex()
    /// Of each nexthop object that routes use, as the image has them.
    var nextHopUsers: [UInt32: NextHopUsers] = [:]
    /// Its routes that expire, in the order in which they do; nil if there are none.
    var expiring: Image<ExpiryKey, StoredRoute>?

    public init(family: AddressFamily) { self.family = family }

    /// The first route of a prefix: what a lookup that reaches the prefix finds, and what a device programs (R2-01).
    public func first(of prefix: Prefix) -> PlacedRoute? {
        first(of: RouteKey(prefix, tos: 255, metric: 0, position: 0))
    }

    /// The first route of the prefix that `key` belongs to.
    public func first(of key: RouteKey) -> PlacedRoute? {
        guard let found = image.first(from: key.startOfPrefix), found.key.isSamePrefix(as: key) else { return nil }
        return found
    }

    /// The route that follows `key` under the same prefix.
    public func second(of key: RouteKey) -> PlacedRoute? {
        guard let found = image.first(from: key.successor), found.key.isSamePrefix(as: key) else { return nil }
        return found
    }

    /// The first route of the key that `route` would have.
    public func first(of route: Route) -> PlacedRoute? {
        let key = route.firstKey
        guard let found = image.first(from: key), found.key.isSameKey(as: key) else { return nil }
        return found
    }

    /// The routes of a prefix, in order, at most `limit` of them.
    public func routes(of prefix: Prefix, limit: Int = .max) -> [PlacedRoute] {
        let start = RouteKey(prefix, tos: 255, metric: 0, position: 0)
        return run(from: start, limit: limit) { $0.isSamePrefix(as: start) }
    }

    /// All routes of one key, in list order.
    public func routes(of key: RouteKey) -> [PlacedRoute] {
        run(from: key.at(position: 0), limit: .max) { $0.isSameKey(as: key) }
    }

    /// The key that is meant by one of metric 0. In IPv6 that is the kernel's own for routes of addresses; where there is none
    /// such, it is what a user said, for whom it means the default (R1-23).
    public func meant(_ key: RouteKey) -> RouteKey {
        guard family == .inet6, key.metric == 0, routes(of: key).isEmpty else { return key }
        return RouteKey(key.prefix(family), tos: key.tos, metric: Route.defaultIPv6Metric, position: 0)
    }

    /// Begins to load what writing `route` will touch; see `Image.prefetch`.
    public func prefetch(_ route: Route, _ stage: PrefetchStage) {
        image.prefetch(route.firstKey, stage)
        if stage == .branch { prefixes?.prefetch(route.prefix.address) }
    }

    /// The same of what has to do with the route at `key`.
    public func prefetch(_ key: RouteKey, _ stage: PrefetchStage) { image.prefetch(key, stage) }

    private func run(from start: RouteKey, limit: Int, while belongs: (RouteKey) -> Bool) -> [PlacedRoute] {
        var cursor = image.cursor(from: start)
        var result: [PlacedRoute] = []
        while result.count < limit, let next = cursor.next(), belongs(next.key) { result.append(next) }
        return result
    }

    /// Makes an edit that was decided on this very table. `version` and `hash` are those of the new entry.
    public mutating func apply(_ edit: RouteEdit, version: ChangeSequence, hash: EntryHash) {
        if let info = edit.info {
            let route = StoredRoute(version: version, hash: hash, info: info, hardware: edit.hardware)
            insert(route, for: edit.key)
        } else {
            remove(edit.key)
        }
    }

    /// Sets what devices say of an entry that is there.
    public mutating func set(_ hardware: HardwareStatus?, for route: PlacedRoute) {
        image.insert(route.value.with(hardware), for: route.key)
    }

    /// Stores what `make` gives for `route` if its prefix has no route yet: what most rows of a full table come to, with
    /// one search instead of one to decide and another to apply. Nil, and nothing has happened, if there is a route or if
    /// it takes more than that to see.
    public mutating func insertFirst(_ route: Route, _ make: (RouteKey) -> StoredRoute) -> StoredRoute? {
        let key = route.firstKey.at(position: RouteKey.firstPosition)
        let place = image.place(of: key)
        guard let (before, behind) = image.neighbours(at: place), !before.isSamePrefix(as: key),
            !(behind?.isSamePrefix(as: key) ?? false)
        else { return nil }
        let stored = make(key)
        image.insert(stored, for: key, at: place)
        note(key, stored.info, isNew: true)
        count(1, stored.info)
        noteExpiry(of: stored, at: key)
        return stored
    }

    /// Spreads the routes of a key anew around the middle, when appends or prepends have used up the positions on one
    /// side. No one sees positions, so this is no change.
    mutating func respace(_ routes: [PlacedRoute]) {
        for route in routes {
            image.remove(route.key)
            forgetExpiry(of: route.value, at: route.key)
        }
        let start = Int(RouteKey.firstPosition) - routes.count / 2
        for (index, route) in routes.enumerated() {
            let key = route.key.at(position: UInt16(start + index))
            image.insert(route.value, for: key)
            noteExpiry(of: route.value, at: key)
        }
    }

    /// Stops the process if the table breaks one of its rules. O(n); for tests.
    public func _checkInvariants() {
        image._checkInvariants()
        _checkPrefixes()
        _checkUsers()
        _checkExpiries()
        var cursor = image.cursor()
        var previous: PlacedRoute?
        var hashesOfKey: Set<EntryHash> = []
        while let route = cursor.next() {
            let prefix = route.key.prefix(family)
            precondition(RouteKey(prefix, tos: 0, metric: 0, position: 0).high == route.key.high, "host bits in a key")
            if let previous, previous.key.isSameKey(as: route.key) {
                precondition(!hashesOfKey.contains(route.value.hash), "one entry twice under \(prefix)")
                precondition(
                    family == .inet || !(previous.value.info.isMergeable && route.value.info.isMergeable),
                    "two multipath routes under \(prefix)")
            } else {
                hashesOfKey = []
            }
            hashesOfKey.insert(route.value.hash)
            previous = route
        }
    }
}
