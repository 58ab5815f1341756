internal import Addressing
internal import ControlPlane
internal import Routing

/// What rows that don't say are taken to mean: the query's `namespace`, `table` and `family`.
struct RouteDefaults: Sendable {
    var namespace: String?
    var table: TableID?
    var family: AddressFamily?
}

extension RouteInput {
    /// As named; else of the prefix, the gateway, the source; else the default; else IPv4, as `ip route` takes it.
    func resolvedFamily(_ defaults: RouteDefaults) throws(FIBError) -> AddressFamily {
        // Only IPv6 routes have a preference, so `ip` prints it even for a default route without a gateway.
        let implied =
            destination?.family ?? hop.gateway?.family ?? hops?.lazy.compactMap { $0.gateway?.family }.first
            ?? preferredSource?.family ?? (preference != nil ? .inet6 : nil)
        guard let family else { return implied ?? defaults.family ?? .inet }
        if let destination, destination.family != family {
            throw FIBError(.einval, .familyMismatch, "dst \(destination) is not of the family \(family.name)")
        }
        return family
    }

    func resolvedPrefix(_ family: AddressFamily) throws(FIBError) -> Prefix {
        if isDefault { return .default(family) }
        guard let destination else {
            throw FIBError(.einval, .addressInvalid, "a route needs a dst, such as \"10.0.0.0/8\" or \"default\"")
        }
        return destination
    }

    func resolvedTable(_ defaults: RouteDefaults) -> TableID {
        table ?? defaults.table ?? (type ?? .unicast).defaultTable
    }

    func resolvedNamespace(_ defaults: RouteDefaults) -> String {
        namespace ?? defaults.namespace ?? ControlPlane.defaultNamespace
    }

    /// The nexthops in order, those given singly and those of the list alike.
    func resolvedHops(_ family: AddressFamily) throws(FIBError) -> [NextHop] {
        guard let hops else { return hop.isEmpty ? [] : [try hop.nextHop(family)] }
        if hops.isEmpty {
            throw FIBError(.einval, .nextHopMissing, "nexthops is an empty list", rule: "R1-58")
        }
        var list: [NextHop] = []
        for hop in hops { list.append(try hop.nextHop(family)) }
        if family == .inet6, list.contains(where: { $0.gateway == nil }) {
            throw FIBError(
                .einval, .nextHopMissing,
                "each nexthop of a list needs a gateway in IPv6; without a list, dev is enough",
                rule: "R1-58")
        }
        // A gateway or device beside the list must be that of its first member (R1-59).
        if !hop.isEmpty {
            let beside = try hop.nextHop(family)
            let first = list[0]
            guard beside.gateway.map({ $0 == first.gateway }) ?? true,
                beside.device.isEmpty || beside.device == first.device
            else {
                throw FIBError(
                    .einval, .nextHopConflict, "gateway or dev beside nexthops differs from the first of them",
                    rule: "R1-59")
            }
        }
        return list
    }

    /// The route it describes, checked and filled in.
    func route(_ family: AddressFamily) throws(FIBError) -> Route {
        var fields = RouteInfo.Fields()
        fields.type = type ?? .unicast
        fields.protocol = self.protocol ?? .boot
        // An absent scope means global, but for types that can't have that one.
        fields.scope = scope ?? (family == .inet ? fields.type.minimumScope : .global)
        fields.preferredSource = preferredSource
        fields.preference = preference ?? .medium
        fields.metrics = metrics ?? RouteMetrics()
        fields.nextHops = try resolvedHops(family)
        fields.nextHopID = nextHopID
        fields.expiresAt = expiresAt
        return try Route.validated(
            prefix: try resolvedPrefix(family), tos: tos ?? 0, metric: metric, fields: fields)
    }

    /// What of the row goes into the info of its route, where that is one nexthop at most and no list.
    struct Common: Equatable {
        let family: AddressFamily
        let type: RouteType?
        let `protocol`: RouteProtocol?
        let scope: RouteScope?
        let preferredSource: IPAddress?
        let preference: RouteInfo.Preference?
        let hop: NextHopInput
        let nextHopID: UInt32
        let metric: UInt32?
        let expiresAt: UInt64
    }

    func common(_ family: AddressFamily) -> Common? {
        guard metrics == nil, hops == nil else { return nil }
        return Common(
            family: family, type: type, protocol: self.protocol, scope: scope, preferredSource: preferredSource,
            preference: preference, hop: hop, nextHopID: nextHopID, metric: metric, expiresAt: expiresAt)
    }

    /// As the kernel reads a deletion: what is given is compared (R1-85).
    func selector(_ family: AddressFamily) throws(FIBError) -> RouteSelector {
        var selector = RouteSelector(prefix: try resolvedPrefix(family))
        selector.tos = tos ?? 0
        selector.metric = metric
        selector.type = type
        selector.protocol = self.protocol
        selector.scope = scope
        selector.preferredSource = preferredSource
        selector.metrics = metrics
        selector.nextHops = try resolvedHops(family)
        if nextHopID != 0 {
            if !selector.nextHops.isEmpty {
                throw FIBError(
                    .einval, .nextHopConflict, "give nhid, or gateway and dev, not both", rule: "R1-82")
            }
            selector.nextHopID = nextHopID
        }
        return selector
    }
}

/// Turns rows into writes; keeps what many rows share. For one thread at a time.
struct RouteBuilder {
    /// A reference, so that looking at one costs nothing.
    private final class KnownInfo {
        let common: RouteInput.Common
        let info: RouteInfo
        init(common: RouteInput.Common, info: RouteInfo) {
            self.common = common
            self.info = info
        }
    }

    /// A known info has one place, by its nexthop; one that takes the place of another is found out anew.
    private static let knownCount = 256

    let plane: ControlPlane
    private(set) var defaults: RouteDefaults
    /// Of rows that come together: the tables of those so far, the latest first. To ask the plane takes the namespace's
    /// lock, which an import's other half holds most of the time.
    private var tables: [TableIdentity] = []
    private let keepsTables: Bool
    private static let tableCount = 8
    private var latest: KnownInfo?
    /// Empty until a second row comes along, so that a single one pays for no places.
    private var known: [KnownInfo?] = []
    let writer = EntryWriter()

    /// - Parameter keepsTables: false if each row is a request of its own, before which a table may have gone.
    init(_ plane: ControlPlane, _ defaults: RouteDefaults, keepsTables: Bool = true) {
        self.plane = plane
        self.defaults = defaults
        self.keepsTables = keepsTables
    }

    /// The next row is another request's.
    mutating func begin(_ defaults: RouteDefaults) { self.defaults = defaults }

    mutating func write(_ input: RouteInput, _ condition: WriteCondition = .none) throws(FIBError) -> RouteWrite {
        let family = try input.resolvedFamily(defaults)
        let route = try route(input, family)
        let table = try table(input.resolvedNamespace(defaults), family, input.resolvedTable(defaults))
        return RouteWrite(table, route, condition: condition, writer)
    }

    /// Tables have few infos for many routes: most rows differ from an earlier one in their prefix only, and share its info.
    private mutating func route(_ input: RouteInput, _ family: AddressFamily) throws(FIBError) -> Route {
        if input.expiresAt != 0 { try plane.checkExpiry(input.expiresAt) }
        guard let common = input.common(family) else { return try input.route(family) }
        let place = (common.hop.spread &+ Int(common.nextHopID)) & (Self.knownCount - 1)
        if let info = knownInfo(common, place) {
            return try Route.validated(
                prefix: try input.resolvedPrefix(family), tos: input.tos ?? 0, metric: input.metric, info: info)
        }
        let route = try input.route(family)
        if latest != nil, known.isEmpty { known = Array(repeating: nil, count: Self.knownCount) }
        let new = KnownInfo(common: common, info: route.info)
        latest = new
        if !known.isEmpty { known[place] = new }
        return route
    }

    private func knownInfo(_ common: RouteInput.Common, _ place: Int) -> RouteInfo? {
        if let latest, latest.common == common { return latest.info }
        if !known.isEmpty, let candidate = known[place], candidate.common == common { return candidate.info }
        return nil
    }

    private mutating func table(
        _ namespace: String, _ family: AddressFamily, _ id: TableID
    ) throws(FIBError) -> TableIdentity {
        // No copy: what is known of this table's entries serves for the hash of this one, and for its answer.
        guard keepsTables else { return try plane.table(namespace, family, id) }
        for table in tables where table.id == id && table.family == family && table.namespace == namespace {
            return table
        }
        let table = try plane.table(namespace, family, id).copy()
        if tables.count == Self.tableCount { tables.removeLast() }
        tables.insert(table, at: 0)
        return table
    }
}
