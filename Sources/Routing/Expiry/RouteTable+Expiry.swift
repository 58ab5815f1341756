internal import ChangeLog

/// Where a route stands among those of its table that expire: by time, then as in the table.
struct ExpiryKey: ImageKey {
    /// In milliseconds since 1970.
    let time: UInt64
    let route: RouteKey

    var leading: UInt64 { time }

    static func < (a: Self, b: Self) -> Bool { a.time != b.time ? a.time < b.time : a.route < b.route }
}

/// Routes that are there until some time only. The table keeps them in the order in which they expire; that they then go is
/// others' work, since it has no clock.
extension RouteTable {
    /// When the first of its routes expires, in milliseconds since 1970; nil if none does.
    public var firstExpiry: UInt64? { expiring?.first(from: ExpiryKey(time: 0, route: .least))?.key.time }

    /// The routes that have expired by `now`: those that did first, at most `limit` of them, in the order of their keys.
    public func expired(by now: UInt64, limit: Int) -> [PlacedRoute] {
        guard var cursor = expiring?.cursor() else { return [] }
        var found: [PlacedRoute] = []
        while found.count < limit, let (key, _) = cursor.next(), key.time <= now {
            if let route = image[key.route] { found.append((key.route, route)) }
        }
        return found.sorted { $0.key < $1.key }
    }

    /// A route has come to `key`.
    mutating func noteExpiry(of route: StoredRoute, at key: RouteKey) {
        let time = route.info.fields.expiresAt
        if time == 0 { return }
        if expiring == nil { expiring = Image() }
        expiring?.insert(route, for: ExpiryKey(time: time, route: key))
    }

    /// A route has gone from `key`.
    mutating func forgetExpiry(of route: StoredRoute, at key: RouteKey) {
        let time = route.info.fields.expiresAt
        if time == 0 { return }
        expiring?.remove(ExpiryKey(time: time, route: key))
        if expiring?.isEmpty ?? false { expiring = nil }
    }

    /// Stops the process if others expire than the image says.
    func _checkExpiries() {
        var cursor = image.cursor()
        var count = 0
        while let (key, route) = cursor.next() {
            let time = route.info.fields.expiresAt
            if time == 0 { continue }
            precondition(expiring?[ExpiryKey(time: time, route: key)] != nil, "a route that would never expire")
            count += 1
        }
        precondition(expiring?.count ?? 0 == count, "\(count) routes expire, \(expiring?.count ?? 0) are noted")
    }
}
