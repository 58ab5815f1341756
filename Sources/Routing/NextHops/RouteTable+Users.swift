internal import ChangeLog

extension RouteTable {
    /// How many of its routes use that nexthop object.
    public func users(of id: UInt32) -> NextHopUsers { nextHopUsers[id] ?? NextHopUsers() }

    /// A route has come (1), or gone (-1).
    mutating func count(_ number: Int, _ info: RouteInfo) {
        let id = info.fields.nextHopID
        if id == 0 { return }
        nextHopUsers[id, default: NextHopUsers()].add(number, info)
        if nextHopUsers[id]?.count == 0 { nextHopUsers[id] = nil }
    }

    /// Stops the process if others are counted than the image has.
    func _checkUsers() {
        var cursor = image.cursor()
        var found: [UInt32: NextHopUsers] = [:]
        while let (_, route) = cursor.next() {
            if route.info.fields.nextHopID == 0 { continue }
            found[route.info.fields.nextHopID, default: NextHopUsers()].add(1, route.info)
        }
        precondition(found == nextHopUsers, "\(found) use nexthop objects, \(nextHopUsers) counted")
    }
}
