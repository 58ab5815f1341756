/// What to do with a route: the words of `ip route`, each a set of the kernel's request flags.
///
/// Source: iproute2 `ip/iproute.c` `do_iproute`; kernel `net/ipv4/fib_trie.c` `fib_table_insert`.
public enum RouteVerb: String, CaseIterable, Sendable {
    case add, replace, change, append, prepend, test

    /// `NLM_F_CREATE`.
    public var creates: Bool { self != .change && self != .test }
    /// `NLM_F_EXCL`.
    var isExclusive: Bool { self == .add || self == .test }
    /// `NLM_F_REPLACE`.
    var replaces: Bool { self == .replace || self == .change }
}

/// How a change looks to a follower.
public enum ChangeOperation: UInt8, CaseIterable, Sendable {
    /// The key was absent.
    case add
    /// Behind the last route of the key.
    case append
    /// Before the first route of the key.
    case prepend
    /// In the place of another.
    case replace
    case delete
    /// The entry is as it was; what hardware makes of it is another state.
    case flags
    /// A device has begun anew, or is gone.
    case restart
    /// The entry is as it was; a link it depends on is not, or its own state isn't.
    case status
    /// Nothing has changed; followers are told something.
    case notice

    public var name: String {
        switch self {
        case .add: "add"
        case .append: "append"
        case .prepend: "prepend"
        case .replace: "replace"
        case .delete: "delete"
        case .flags: "flags"
        case .restart: "restart"
        case .status: "status"
        case .notice: "notice"
        }
    }
}

/// What a verb comes to on one table: exactly one route is added, replaced or removed, or nothing happens.
public struct RouteEdit: Sendable {
    public let operation: ChangeOperation
    public let key: RouteKey
    /// What stands there now, if anything does.
    public let old: StoredRoute?
    /// What is to stand there; nil for a deletion.
    public let info: RouteInfo?
    /// The first route of the prefix, as it is now.
    public let first: PlacedRoute?
    public var nextHops = NextHopsChange.other
    /// What devices say of the new entry to begin with.
    public var hardware: HardwareStatus?

    public init(
        operation: ChangeOperation, key: RouteKey, old: StoredRoute?, info: RouteInfo?, first: PlacedRoute?
    ) {
        self.operation = operation
        self.key = key
        self.first = first
        self.old = old
        self.info = info
    }
}

/// What an edit does to the nexthops of an IPv6 route, which who is told of the first of a prefix hears as such.
public enum NextHopsChange: Sendable {
    /// Some have joined those that were there (R2-07).
    case joined
    /// Some have left, and some are still there (R2-08).
    case left
    /// The route is new, or gone, or another one.
    case other
}

/// The outcome of a decision.
public enum RouteDecision: Sendable {
    case edit(RouteEdit)
    /// The table already says so: no number, no event (R1-63).
    case unchanged(PlacedRoute)
}
