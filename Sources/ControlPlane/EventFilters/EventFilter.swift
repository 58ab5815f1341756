internal import Addressing
public import ChangeLog
public import Routing

/// The kinds of objects that events speak of.
public enum ObjectKind: String, CaseIterable, Sendable {
    case namespace, link, neigh, route, rule, nexthop, qdisc, block, chain, filter, action, peer, device

    /// What a stream gets that doesn't say.
    public static let byDefault: Set<ObjectKind> = Set(allCases).subtracting([.peer, .device])

    /// Those that this server holds, but for routes, in the order in which replays tell of them.
    public static let ofObjects: [ObjectKind] = [.namespace, .link, .neigh, .rule, .nexthop, .qdisc, .block, .device]

    /// Those of which there may be as many as routes.
    public static let ofTraffic: [ObjectKind] = [.action, .chain, .filter]

    var hasFamily: Bool { self == .neigh || self == .rule || self == .peer }
    var hasNamespace: Bool { self != .device }
}

/// Which changes a stream wants, in a form that two equal wishes share.
public struct EventFilter: Hashable, Sendable {
    public enum View: String, Sendable {
        /// Every route, as `ip monitor` shows them.
        case routes
        /// The first route of each prefix: what a device programs (R2-01…R2-13).
        case best
    }

    public var kinds = ObjectKind.byDefault
    public var selection = RouteSelection()
    public var view = View.routes
    public var hardware = HardwareNotice.all

    public init() {}

    /// Of everything that the store adds up: not of peers, which it has as they were some time.
    static let everything: EventFilter = {
        var filter = EventFilter()
        filter.kinds = Set(ObjectKind.allCases).subtracting([.peer])
        return filter
    }()

    /// Whether all is told that hardware makes of the routes, so that it can be added up.
    public var tellsHardware: Bool { selectsRoutes && hardware == .all }

    public var selectsRoutes: Bool { kinds.contains(.route) }

    /// Objects that have no namespace, family, table, prefix or protocol are out once one of these is asked for.
    public func selects(_ kind: ObjectKind) -> Bool {
        if kind == .route { return selectsRoutes }
        return kinds.contains(kind) && (selection.namespaces == nil || kind.hasNamespace)
            && (selection.families == nil || kind.hasFamily) && selection.tables == nil
            && selection.within == nil && selection.protocols == nil
    }

    /// Where the changes are that it may select.
    public var lanes: LogLanes { selects(.peer) ? .all : .main }

    public func selects(_ object: StoredObject) -> Bool {
        selects(object.kind) && selection.includes(namespace: object.namespace)
            && selects(familyOf: object.family)
    }

    /// Nil for what has none.
    func selects(familyOf family: AddressFamily?) -> Bool {
        family.map { selection.families?.contains($0) ?? true } ?? true
    }

    /// Those of a snapshot that the filter selects, in order: kind by kind, of each by namespace.
    public func objects(of snapshot: Snapshot) -> [StoredObject] {
        ObjectKind.ofObjects.filter(selects(_:)).flatMap { kind in
            if kind == .device { return snapshot.deviceObjects.all }
            return snapshot.namespaces.filter { selection.includes(namespace: $0.name) }
                .flatMap { $0.objects.all(kind) }.filter(selects(_:))
        }
    }

    /// Chains, filters and actions of a snapshot that the filter selects, in order.
    public func traffic(of snapshot: Snapshot) -> TrafficWalk {
        let kinds = Set(ObjectKind.ofTraffic.filter(selects(_:)))
        return TrafficWalk(snapshot, TrafficSelection(kinds), in: selection.includes(namespace:))
    }

    /// Peers of a snapshot that the filter selects, in order; nil if it selects none.
    public func peers(of snapshot: Snapshot) -> PeerWalk? {
        guard selects(.peer) else { return nil }
        return PeerWalk(snapshot, families: selection.families, in: selection.includes(namespace:))
    }

    /// The state that the filter selects: count and digest by kind.
    public func summaries(of snapshot: Snapshot) -> KindSummaries {
        var result = KindSummaries()
        for kind in ObjectKind.ofObjects where kind.hasNamespace && selects(kind) {
            for namespace in snapshot.namespaces where selection.includes(namespace: namespace.name) {
                if kind.hasFamily, selection.families != nil {
                    for object in namespace.objects.all(kind) where selects(object) { result[kind].add(object.hash) }
                } else {
                    result[kind] += namespace.objects.summary(of: kind)
                }
            }
        }
        for kind in ObjectKind.ofTraffic where selects(kind) {
            for namespace in snapshot.namespaces where selection.includes(namespace: namespace.name) {
                result[kind] += namespace.traffic.summary(of: kind)
            }
        }
        if selects(.peer) {
            for namespace in snapshot.namespaces where selection.includes(namespace: namespace.name) {
                result.peers += namespace.peers.summary(selection.families)
            }
        }
        if selects(.device) { result.devices = snapshot.deviceObjects.summary }
        if selectsRoutes { result.routes = snapshot.summary(of: selection, firstsOnly: view == .best) }
        return result
    }

    /// One text for all ways to say the same; its hash is the last part of a cursor. Nil if nothing is left out.
    public var canonicalText: String? {
        var parts: [String] = []
        if kinds != ObjectKind.byDefault {
            parts.append("kinds=" + kinds.map(\.rawValue).sorted().joined(separator: ","))
        }
        func add(_ name: String, _ values: [String]?) {
            if let values { parts.append(name + "=" + values.joined(separator: ",")) }
        }
        add("namespace", selection.namespaces)
        add("family", selection.families?.map(\.name))
        add("table", selection.tables?.map(\.name))
        add("within", selection.within?.map(\.description))
        add("protocol", selection.protocols?.map(\.name))
        if view == .best { parts.append("view=best") }
        if hardware != .all { parts.append("hw_flags=" + hardware.rawValue) }
        return parts.isEmpty ? nil : parts.joined(separator: "&")
    }
}

/// Which changes of what hardware makes of a route a stream is told.
public enum HardwareNotice: String, CaseIterable, Sendable {
    case none = "0"
    case all = "1"
    /// Failures, and that a route has failed no more.
    case failures = "2"
    /// What the namespace's `fib_notify_on_flag_change` says for the family, as rtnetlink does it.
    case setting = "sysctl"

    /// R3-04, R3-10, and for the two settings the table before it.
    func selects(_ change: HardwareChange) -> Bool {
        switch self {
        case .none: return false
        case .all: return true
        case .failures: return Self.changesFailure(change)
        case .setting:
            switch change.notifies {
            case 0: return false
            case 1: return change.from.flags != change.to.flags
            default: return Self.changesFailure(change)
            }
        }
    }

    /// The same of states that lie further apart. Which setting held meanwhile isn't known: as if it was 1.
    func tells(_ from: HardwareState, _ to: HardwareState) -> Bool {
        switch self {
        case .none: false
        case .all: from != to
        case .failures: (from == .failed) != (to == .failed)
        case .setting: from.flags != to.flags
        }
    }

    private static func changesFailure(_ change: HardwareChange) -> Bool {
        (change.from == .failed) != (change.to == .failed)
    }
}

/// Count and digest of each kind.
public struct KindSummaries: Hashable, Sendable {
    public var namespaces = Summary()
    public var links = Summary()
    public var neighbours = Summary()
    public var rules = Summary()
    public var nextHops = Summary()
    public var qdiscs = Summary()
    public var blocks = Summary()
    public var chains = Summary()
    public var filters = Summary()
    public var actions = Summary()
    public var peers = Summary()
    public var devices = Summary()
    public var routes = Summary()

    public init() {}

    /// The kinds that there are sums of.
    public static let kinds = ObjectKind.ofObjects + ObjectKind.ofTraffic + [.peer, .route]

    public subscript(_ kind: ObjectKind) -> Summary {
        get {
            switch kind {
            case .namespace: namespaces
            case .link: links
            case .neigh: neighbours
            case .rule: rules
            case .nexthop: nextHops
            case .qdisc: qdiscs
            case .block: blocks
            case .chain: chains
            case .filter: filters
            case .action: actions
            case .device: devices
            case .route: routes
            case .peer: peers
            }
        }
        set {
            switch kind {
            case .namespace: namespaces = newValue
            case .link: links = newValue
            case .neigh: neighbours = newValue
            case .rule: rules = newValue
            case .nexthop: nextHops = newValue
            case .qdisc: qdiscs = newValue
            case .block: blocks = newValue
            case .chain: chains = newValue
            case .filter: filters = newValue
            case .action: actions = newValue
            case .device: devices = newValue
            case .route: routes = newValue
            case .peer: peers = newValue
            }
        }
    }

    public var total: Summary { Self.kinds.reduce(into: Summary()) { $0 += self[$1] } }
}

/// A change as one filter sees it.
public struct SelectedChange: Sendable {
    public enum Entry: Sendable {
        case route(TableIdentity, RouteKey, StoredRoute)
        case object(StoredObject)
        case traffic(TrafficObject)
        case peer(PeerEntry)

        public var version: ChangeSequence {
            switch self {
            case .route(_, _, let stored): stored.version
            case .object(let stored): stored.version
            case .traffic(let object): object.version
            case .peer(let peer): peer.version
            }
        }

        public var hash: EntryHash {
            switch self {
            case .route(_, _, let stored): stored.hash
            case .object(let stored): stored.hash
            case .traffic(let object): object.hash
            case .peer(let peer): peer.hash
            }
        }

        public var kind: ObjectKind {
            switch self {
            case .route: .route
            case .object(let stored): stored.kind
            case .traffic(let object): object.kind
            case .peer: .peer
            }
        }
    }

    public let operation: ChangeOperation
    /// What was there: present for replace and delete.
    public let old: Entry?
    /// What is there now: absent for delete.
    public let new: Entry?
    /// Of a restart, which is of no entry.
    public var device: DeviceChange?
    /// Of a change of a route's status: what is wrong with each of its legs now.
    public var legs: [LegStatus]?
}
