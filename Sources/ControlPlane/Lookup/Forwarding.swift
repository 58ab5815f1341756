public import Addressing
public import ChangeLog
public import Routing
internal import Threads

/// What lookups in one namespace look at, as of one number. It never changes; a reference, since it is handed on a lot.
public final class Forwarding: ForwardingView, Sendable {
    public let namespace: String
    public let sequence: ChangeSequence
    public let impairments: [String: LinkImpairment]
    public let now: UInt64
    let part: Snapshot.Namespace
    private var tables: [(identity: TableIdentity, table: RouteTable)] { part.tables }

    /// Of the peers of each family.
    public let generations: (inet: UInt64, inet6: UInt64)

    init(
        _ part: Snapshot.Namespace, _ impairments: [String: LinkImpairment],
        _ generations: (inet: UInt64, inet6: UInt64),
        at sequence: ChangeSequence, now: UInt64
    ) {
        self.generations = generations
        self.now = now
        namespace = part.name
        self.sequence = sequence
        self.impairments = impairments
        self.part = part
    }

    public func table(_ family: AddressFamily, _ id: TableID) -> RouteTable? {
        tables.index(of: family, id).map { tables[$0].table }
    }

    public func prefixes(_ family: AddressFamily, _ id: TableID) -> RoutePrefixes? {
        tables.index(of: family, id).flatMap { tables[$0].table.prefixes }
    }

    /// The route that a lookup has ended at, with its table.
    public func route(of found: FoundRoute, to destination: IPAddress) -> (table: TableIdentity, route: PlacedRoute)? {
        guard let place = tables.index(of: destination.family, found.table) else { return nil }
        let (identity, table) = tables[place]
        if let key = found.key { return table.image[key].map { (identity, (key, $0)) } }
        let prefix = Prefix(unchecked: destination.masked(to: found.length), found.length)
        return table.first(of: prefix).map { (identity, $0) }
    }

    public func rules(_ family: AddressFamily) -> PolicyRules { part.rules[family] }

    public func hashPolicy(_ family: AddressFamily) -> MultipathHashPolicy { part.settings.hashPolicy(family) }

    public var usesNeighbours: Bool { part.settings.usesNeighbours }

    public func neighbour(_ device: String, _ address: IPAddress) -> Neighbour? {
        part.objects[.neighbour(device, address)]?.neighbour
    }

    public func isOwn(_ address: IPAddress) -> Bool { part.ownAddresses[address] != nil }

    public func link(_ name: String) -> Link? { part.objects[.link(name)]?.link }

    public func nextHopObject(_ id: UInt32) -> NextHopObject? { part.objects[.nextHop(id)]?.nextHop }
}

extension ControlPlane {
    /// Whether the next lookup in this namespace has to make an index first, which takes its time with a large table.
    public func lacksIndexes(_ name: String) -> Bool {
        (try? namespace(name).state.withLock { !$0.tablesWithoutIndex.isEmpty }) ?? false
    }

    /// The first time for a table, an index is made of it, while others may write.
    ///
    /// Throws ENOENT if there is no such namespace.
    ///
    /// - Parameter hasPeers: false for who looks at routes alone: a copy of the peers makes the next change of one dearer.
    public func forwarding(_ name: String, hasPeers: Bool = true) throws(FIBError) -> Forwarding {
        let namespace = try namespace(name)
        let missing = namespace.state.withLock { $0.tablesWithoutIndex }
        for (family, id) in missing { makeIndex(family, id, of: namespace) }
        // Before the peers: whoever has these finds what it tells of.
        let generations = namespace.paths.generations
        let peers = hasPeers ? namespace.paths.images : .empty
        return try namespace.state.withLock { (state) throws(FIBError) in
            if state.isClosing { throw Self.namespaceNotFound(name) }
            return Forwarding(
                state.snapshotPart(.empty, peers), state.impairments, generations, at: log.head,
                now: clock())
        }
    }

    /// One that someone else is at is left to them: until it is made, lookups try every length. The gate is held because a
    /// transaction puts back the tables that it has taken.
    private func makeIndex(_ family: AddressFamily, _ id: TableID, of namespace: Namespace) {
        let copy: RouteTable? = gate.withShared {
            namespace.state.withLock { state in
                guard let index = state.index(of: family, id), state.tables[index].table.isWithoutIndex else {
                    return nil
                }
                state.isIndexing = true
                defer { state.isIndexing = false }
                state.tables[index].table.beginIndex()
                return state.tables[index].table
            }
        }
        guard let tree = copy?.makeIndex() else { return }
        gate.withShared {
            namespace.state.withLock { state in
                // Tables stay once they are there.
                guard let index = state.index(of: family, id) else { return }
                state.isIndexing = true
                defer { state.isIndexing = false }
                state.tables[index].table.endIndex(tree)
            }
        }
    }
}

extension Namespace.State {
    /// Of those that lookups ask; some perhaps more than once.
    fileprivate var tablesWithoutIndex: [(AddressFamily, TableID)] {
        // Mostly there is none, asked or not.
        guard tables.contains(where: { $0.table.isWithoutIndex }) else { return [] }
        var missing: [(AddressFamily, TableID)] = []
        for family in [AddressFamily.inet, .inet6] {
            for id in rules[family].tables {
                guard let index = index(of: family, id), tables[index].table.isWithoutIndex else { continue }
                missing.append((family, id))
            }
        }
        return missing
    }
}
