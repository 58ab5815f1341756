internal import Addressing
internal import ChangeLog
internal import Routing
internal import Threads
internal import TrafficControl

extension LockRank {
    /// Which namespaces exist. Held for a look-up.
    static let namespaces = LockRank(20, "namespaces")
    /// The tables of one namespace. Under the gate; never two at once.
    static let namespace = LockRank(30, "namespace")
}

/// A namespace: its lock and what it guards.
final class Namespace: Sendable {
    let name: String
    /// Writers hold the gate (shared or exclusively) outside it and the log inside it.
    let state: Locked<State>
    /// Its filters, which have locks of their own.
    let traffic: Traffic
    let trafficLink: TrafficLink
    /// Its peers, which have locks of their own.
    let paths: Paths

    deinit { trafficLink.disconnect() }

    /// - Parameter stored: nil if it is being removed.
    init(name: String, stored: StoredObject?, _ ground: TrafficGround) {
        self.name = name
        trafficLink = TrafficLink(name, ground)
        traffic = Traffic(trafficLink, gate: ground.gate, global: ground.global)
        paths = Paths(PathLink(trafficLink))
        var initial = State(name: name, paths.routeGeneration)
        if let stored { initial.set(stored) }
        if let settings = stored?.settings { paths.set(settings.paths.limits) }
        initial.isClosing = stored == nil
        traffic.setClosed(stored == nil)
        state = Locked(initial, rank: .namespace)
    }

    /// What a snapshot keeps of it. With the gate held exclusively.
    var snapshotPart: Snapshot.Namespace {
        let image = TrafficImage(traffic)
        return state.withLock { $0.snapshotPart(image, paths.images) }
    }

    var isClosing: Bool { state.withLock { $0.isClosing } }
    /// Whether it has no routes, nor anything else.
    var isEmpty: Bool { isEmptyButForPeers && paths.isEmpty }
    var isEmptyButForPeers: Bool { state.withLock { $0.isEmpty } && traffic.isEmpty }
    func close() {
        state.withLock { $0.close() }
        traffic.setClosed(true)
    }

    struct State {
        let name: String
        /// Itself, its links, neighbours, rules and nexthops.
        private(set) var objects = ObjectImage() { didSet { generation.move() } }
        /// Its own, as `objects` has them.
        private(set) var settings = NamespaceSettings()
        /// Links with which something is wrong, as `objects` has them.
        private(set) var impairments: [String: LinkImpairment] = [:]
        /// Links that no device programs routes over.
        private(set) var unoffloaded: Set<String> = []
        /// How many links have each address, as `objects` has them.
        private(set) var ownAddresses: [IPAddress: Int] = [:]
        /// As `objects` has them.
        private(set) var rules = RulesByFamily()
        /// Sorted; a table comes into being with the first route that names it (R1-03).
        var tables: [(identity: TableIdentity, table: RouteTable)] = [] {
            didSet { if !isIndexing { generation.move() } }
        }
        /// An index of a table is begun or put in place, which changes no answer.
        var isIndexing = false
        let infos = SharedInfos()
        var resolvedInfos = ResolvedInfos()
        /// Set when the namespace is being removed: its routes are going, and no new ones come in.
        var isClosing = false
        var chain = ChainPart()
        /// Who programs routes. Changes within the exclusive gate only, in all namespaces at once.
        var devices = Devices()
        /// What a route began with that is for devices to program.
        var latestPending: HardwareStatus?
        /// The last id that was found for a nexthop whose id no one said.
        var latestNextHopID: UInt32 = 0

        /// Moves with whatever lookups look at.
        let generation: RouteGeneration

        init(name: String, _ generation: RouteGeneration) {
            self.name = name
            self.generation = generation
        }

        /// Puts an object in its place.
        mutating func set(_ object: StoredObject) {
            if let settings = object.settings { self.settings = settings }
            count(-1, objects[object.key]?.link)
            objects.insert(object, for: object.key)
            if let rule = object.rule { rules[rule.rule.family].set(rule) }
            guard let link = object.link else { return }
            count(1, link)
            let impairment = LinkImpairment(link, hasCarrier: object.status.hasCarrier)
            impairments[link.name] = impairment == .none ? nil : impairment
            if link.isOffloaded { unoffloaded.remove(link.name) } else { unoffloaded.insert(link.name) }
        }

        mutating func remove(_ key: ObjectKey) {
            let removed = objects.remove(key)
            if let rule = removed?.rule { rules[rule.rule.family].remove(rule) }
            guard let link = removed?.link else { return }
            count(-1, link)
            impairments[link.name] = nil
            unoffloaded.remove(link.name)
        }

        private mutating func count(_ number: Int, _ link: Link?) {
            for entry in link?.addresses ?? [] {
                let count = ownAddresses[entry.address, default: 0] + number
                ownAddresses[entry.address] = count == 0 ? nil : count
            }
        }

        /// It is gone, and what is in it is to go.
        mutating func close() {
            isClosing = true
            remove(.namespace)
        }
    }
}

extension Namespace.State {
    static var tableLimit: Int { 65_536 }

    var isEmpty: Bool { objects.isEmpty && tables.allSatisfy { $0.table.image.isEmpty } }

    func snapshotPart(_ traffic: TrafficImage, _ peers: PeerImages) -> Snapshot.Namespace {
        Snapshot.Namespace(
            name: name, objects: objects, rules: rules, settings: settings, ownAddresses: ownAddresses,
            tables: tables, traffic: traffic, peers: peers)
    }

    func index(of family: AddressFamily, _ id: TableID) -> Int? { tables.index(of: family, id) }

    func prefetch(_ write: RouteWrite, _ stage: PrefetchStage) {
        guard let index = index(of: write.table.family, write.table.id) else { return }
        tables[index].table.prefetch(write.route, stage)
    }

    /// The place of the table, made if there was none.
    mutating func indexCreating(_ identity: TableIdentity) throws(FIBError) -> Int {
        if let index = index(of: identity.family, identity.id) { return index }
        guard tables.count < Self.tableLimit else {
            throw FIBError(
                .enobufs, .tableInvalid,
                "namespace \(identity.namespace) already has \(Self.tableLimit) tables, which is the limit")
        }
        let place = tables.lowerBound(identity.family, identity.id)
        tables.insert((identity.copy(), RouteTable(family: identity.family)), at: place)
        return place
    }
}

/// The tables of a namespace, in order.
extension [(identity: TableIdentity, table: RouteTable)] {
    func index(of family: AddressFamily, _ id: TableID) -> Int? {
        let place = lowerBound(family, id)
        guard place < count, self[place].identity.id == id, self[place].identity.family == family else { return nil }
        return place
    }

    fileprivate func lowerBound(_ family: AddressFamily, _ id: TableID) -> Int {
        let wanted = TableIdentity.Order(family: family, id: id)
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].identity.order < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
