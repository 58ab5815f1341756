internal import Addressing
internal import Routing

/// What waits in the switch to be done. 64 bytes, so that a whole table can wait for a moment.
struct SwitchJob {
    enum Kind: UInt8 {
        /// A route is the first of its prefix now.
        case program
        /// The same, by nexthops that joined or left.
        case reprogram
        /// The prefix has no route any more.
        case delete
        /// Someone wants it tried once more.
        case retry
        /// Something is known of a namespace, link or neighbour.
        case learn
    }

    let kind: Kind
    /// Whether it was counted when it was admitted (R3-26).
    var isCounted = false
    /// Whether it is one to the chain; what is left of the route may be to be programmed all the same.
    var isDeletion = false
    /// Nanoseconds.
    let due: UInt64
    let ticket: Int
    /// Of a route; without meaning where something is learned.
    var key = RouteKey.none
    var version: UInt64 = 0
    /// None where nothing is to be programmed.
    var group: UInt32 = .max
    var table: UInt32 = .max

    init(_ kind: Kind, due: UInt64, ticket: Int) {
        self.kind = kind
        self.due = due
        self.ticket = ticket
    }
}

extension RouteKey {
    fileprivate static let none = RouteKey(startingAt: .unspecified(.inet))
}
