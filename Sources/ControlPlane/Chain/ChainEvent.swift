public import Addressing
public import Routing

/// What members of the notifier chain hear.
public enum ChainEvent: Sendable {
    /// It came, has other settings, or is gone (nil).
    case namespace(name: String, NamespaceSettings?)
    /// It came, is another one, or is gone (nil).
    case link(namespace: String, name: String, Link?)
    /// It came, is in another state, or is gone (nil).
    case neighbour(namespace: String, device: String, IPAddress, Neighbour?)
    /// `RULE_ADD` of the kernel if there was none, `RULE_DEL` if there is none any more; both if one took the place of another.
    case rule(namespace: String, was: PolicyRule?, PolicyRule?)
    /// It came, leads elsewhere, or is gone (nil).
    case nextHopObject(namespace: String, id: UInt32, NextHopObject?)
    case route(RouteEvent)
    case nextHops(NextHopsEvent)

    /// What members are told of a change; nil if nothing.
    init?(_ change: Change) {
        switch change.object {
        case .route(let route):
            guard let event = RouteEvent(route) else { return nil }
            self = .route(event)
        case .object(let object):
            guard let event = ChainEvent(object) else { return nil }
            self = event
        case .status(let status):
            guard let event = NextHopsEvent(status) else { return nil }
            self = .nextHops(event)
        case .traffic, .peer, .peerStorage, .hardware, .device, .listener, .operationEnd, .notice: return nil
        }
    }

    var namespace: String {
        switch self {
        case .namespace(let name, _), .link(let name, _, _), .neighbour(let name, _, _, _), .rule(let name, _, _),
            .nextHopObject(let name, _, _):
            name
        case .route(let event): event.table.namespace
        case .nextHops(let event): event.table.namespace
        }
    }
}

extension Change {
    /// Whether it is of a kind of which members are told.
    var concernsChain: Bool {
        switch object {
        case .route, .status: true
        case .object(let object): ![.device, .qdisc, .block].contains(object.object.kind)
        case .traffic, .peer, .peerStorage, .hardware, .device, .listener, .operationEnd, .notice: false
        }
    }
}

extension ChainEvent {
    /// As if it had just come.
    init?(_ object: StoredObject) { self.init(ObjectChange(old: nil, new: object)) }

    /// Nil for what a device is set to, which is no one's business but its own, and for what has filters, which isn't the FIB's.
    init?(_ change: ObjectChange) {
        let (object, isGone) = (change.object, change.new == nil)
        switch object.value {
        case .namespace(let settings): self = .namespace(name: object.namespace, isGone ? nil : settings)
        case .link(let link): self = .link(namespace: object.namespace, name: link.name, isGone ? nil : link)
        case .neighbour(let neighbour):
            self = .neighbour(
                namespace: object.namespace, device: neighbour.device, neighbour.address, isGone ? nil : neighbour)
        case .rule:
            self = .rule(namespace: object.namespace, was: change.old?.rule?.rule, change.new?.rule?.rule)
        case .nextHop(let nextHop):
            self = .nextHopObject(namespace: object.namespace, id: nextHop.id, isGone ? nil : nextHop)
        case .device, .qdisc, .block: return nil
        }
    }
}

/// Legs of the first route of a prefix, which is of IPv4 and stays, can't be used any more, or can be again (R2-12).
public struct NextHopsEvent: Sendable {
    public let table: TableIdentity
    public let key: RouteKey
    public let route: StoredRoute
    /// `NH_DEL` of the kernel.
    public let died: [NextHop]
    /// `NH_ADD` of the kernel.
    public let revived: [NextHop]

    /// Nil if all that can be used is what could be before. To be without carrier keeps a leg from being used only where its link
    /// is set so.
    init?(_ change: RouteStatusChange) {
        guard change.concernsChain else { return nil }
        table = change.table
        key = change.key
        route = change.route
        let hops = zip(change.route.info.nextHops, zip(change.was, change.legs))
        died = hops.filter { !$1.0.isUnusable && $1.1.isUnusable }.map(\.0)
        revived = hops.filter { $1.0.isUnusable && !$1.1.isUnusable }.map(\.0)
    }
}

extension RouteStatusChange {
    /// Whether members are told of it.
    var concernsChain: Bool {
        isFirst && table.family == .inet && zip(was, legs).contains { $0.isUnusable != $1.isUnusable }
    }
}

/// What members of the chain hear of routes: of each prefix in a table, only of the first (R2-01…R2-10).
public struct RouteEvent: Sendable {
    public enum Operation: Hashable, Sendable {
        /// The prefix is now this route. For the one that was first before there is no event of its own (R2-02).
        case replace
        /// Nexthops have joined the first route, which is of IPv6 (R2-07).
        case append
        /// The prefix has no route any more; or nexthops have left its first route, which is of IPv6 (R2-06, R2-08).
        case delete
    }

    public let operation: Operation
    public let table: TableIdentity
    public let key: RouteKey
    /// The first route as it is from now on, before it is made with version 0; of a deletion as it was.
    public let route: StoredRoute
    /// Those that joined, or that have left: of a route that is gone, all of them.
    public let nextHops: [NextHop]
    /// Of a deletion, the route as it is without these nexthops; nil if it is gone.
    public let remainder: StoredRoute?

    /// What a change of a route comes to; nil if the first of its prefix is the same before and after (R2-03, R2-22).
    init?(_ change: RouteChange) {
        switch (change.best, change.old, change.new) {
        case (.none, _, _), (.own, nil, nil), (.displaced, _, nil): return nil
        case (.own(.joined), let old?, let new?):
            self.init(.append, change, new, Array(new.info.nextHops.dropFirst(old.info.nextHops.count)))
        case (.own(.left), let old?, let new?):
            let left = old.info.nextHops.filter { !new.info.nextHops.contains($0) }
            self.init(.delete, change, old, left, remainder: new)
        case (.own, _, let new?), (.displaced, _, let new?): self.init(.replace, change, new, new.info.nextHops)
        case (.own, let old?, nil): self.init(.delete, change, old, old.info.nextHops)
        case (.promoted(let next), _, _):
            self.init(change.table, next.key, next.value)
        }
    }

    private init(
        _ operation: Operation, _ change: RouteChange, _ route: StoredRoute, _ nextHops: [NextHop],
        remainder: StoredRoute? = nil
    ) {
        self.operation = operation
        self.remainder = remainder
        table = change.table
        key = change.key
        self.route = route
        self.nextHops = nextHops
    }

    /// A route that is the first of its prefix; so dumps tell of it.
    init(_ table: TableIdentity, _ key: RouteKey, _ route: StoredRoute) {
        operation = .replace
        self.table = table
        self.key = key
        self.route = route
        nextHops = route.info.nextHops
        remainder = nil
    }
}
