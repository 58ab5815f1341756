internal import Addressing
public import ChangeLog
public import PathAttributes
public import Routing
internal import Threads

/// Ways that clients have looked up and keep; they learn of news when they ask. Gone with the process, and told to no one.
final class CachedRoutes: Sendable {
    struct Kept: Sendable {
        let namespace: Namespace
        let route: CachedRoute
    }

    struct State {
        var all: [UInt64: Kept] = [:]
        var latestID: UInt64 = 0
        /// When those that no one asks for were looked for, in milliseconds since 1970.
        var swept: UInt64 = 0
    }

    let state = Locked(State(), rank: .leaf)
}

/// One of them, as a client is told of it.
public struct CachedRouteResult: Sendable {
    /// Names it for as long as it is there, and no other one before a restart.
    public let id: UInt64
    public let namespace: String
    public let route: CachedRoute
    /// What the check came to; nil without one.
    public let check: CachedRoute.Check?
    /// Of the peers of its namespace and family.
    public let generation: UInt64
    public let sequence: ChangeSequence
}

extension ControlPlane {
    /// Looks up where packets go, and keeps that.
    ///
    /// Throws what the lookup comes to where packets go nowhere, ENOBUFS if there are too many.
    public func cacheRoute(_ query: LookupQuery, in name: String) throws(FIBError) -> CachedRouteResult {
        let namespace = try namespace(name)
        if namespace.isClosing { throw Self.namespaceNotFound(name) }
        let head = log.head
        let surroundings = PathSurroundings(self, namespace, query.destination.family)
        guard let route = CachedRoute(query, surroundings) else {
            throw FIBError(
                .enetunreach, .noRoute, "packets to \(query.destination) go nowhere; GET /v1/lookup says why")
        }
        let limit = limits.cachedRoutes
        let id: UInt64? = cachedRoutes.state.withLock { state in
            guard state.all.count < limit else { return nil }
            state.latestID += 1
            state.all[state.latestID] = CachedRoutes.Kept(namespace: namespace, route: route)
            return state.latestID
        }
        guard let id else {
            route.release(surroundings)
            throw FIBError(
                .enobufs, .tooManyCachedRoutes,
                "\(limit) cached routes is the limit; remove some, or check fewer: those that no one checks go by themselves"
            )
        }
        return CachedRouteResult(
            id: id, namespace: name, route: route, check: .valid, generation: surroundings.peers.generation,
            sequence: head)
    }

    /// Heeds what who sends by it has noticed, and checks it then (R5-23).
    public func advise(_ advice: CachedRoute.Advice, _ id: UInt64) throws(FIBError) -> CachedRouteResult {
        try journal?.admitVolatile()
        guard let kept = cachedRoutes.state.withLock({ $0.all[id] }) else { throw Self.cachedRouteNotFound(id) }
        let surroundings = PathSurroundings(self, kept.namespace, kept.route.query.destination.family)
        let last = gate.withShared { kept.namespace.isClosing ? nil : kept.route.heed(advice, surroundings) }
        if last != nil { committed() }
        return try checkCachedRoute(id)
    }

    /// Checks it (R5-13, R5-14).
    public func checkCachedRoute(_ id: UInt64) throws(FIBError) -> CachedRouteResult {
        guard let kept = cachedRoutes.state.withLock({ $0.all[id] }) else { throw Self.cachedRouteNotFound(id) }
        let head = log.head
        let surroundings = PathSurroundings(self, kept.namespace, kept.route.query.destination.family)
        let check = kept.namespace.isClosing ? .obsolete("namespace") : kept.route.check(surroundings)
        return CachedRouteResult(
            id: id, namespace: kept.namespace.name, route: kept.route, check: check,
            generation: surroundings.peers.generation, sequence: head)
    }

    /// Lets go of it.
    public func removeCachedRoute(_ id: UInt64) throws(FIBError) {
        guard let kept = cachedRoutes.state.withLock({ $0.all.removeValue(forKey: id) }) else {
            throw Self.cachedRouteNotFound(id)
        }
        release(kept)
    }

    /// As they were found the last time, in the order in which they came.
    ///
    /// - Parameter name: of a namespace; nil for those of all.
    public func cachedRoutes(in name: String?) -> [CachedRouteResult] {
        let head = log.head
        let all = cachedRoutes.state.withLock { state in
            state.all.filter { name ?? $1.namespace.name == $1.namespace.name }.sorted { $0.key < $1.key }
        }
        return all.map { id, kept in
            CachedRouteResult(
                id: id, namespace: kept.namespace.name, route: kept.route, check: nil,
                generation: kept.namespace.paths[kept.route.query.destination.family].generation, sequence: head)
        }
    }

    private static func cachedRouteNotFound(_ id: UInt64) -> FIBError {
        FIBError(
            .enoent, .cachedRouteNotFound,
            "there is no cached route \(id); it may have gone because no one checked it. Make one with POST "
                + "/v1/cached-routes")
    }

    private func release(_ kept: CachedRoutes.Kept) {
        kept.route.release(PathSurroundings(self, kept.namespace, kept.route.query.destination.family))
    }

    /// Lets go of those that no one has checked for long, and of those of namespaces that are gone.
    func removeIdleCachedRoutes() {
        let (now, idle) = (clock(), UInt64(limits.cachedRouteIdleSeconds) * 1_000)
        let all = cachedRoutes.state.withLock { state -> [UInt64: CachedRoutes.Kept] in
            // All of them are looked at.
            guard !state.all.isEmpty, now >= state.swept + idle / 16 else { return [:] }
            state.swept = now
            return state.all
        }
        for (id, kept) in all where kept.route.lastUsed + idle <= now || kept.namespace.isClosing {
            if cachedRoutes.state.withLock({ $0.all.removeValue(forKey: id) }) != nil { release(kept) }
        }
    }
}

/// What a cached route looks at.
struct PathSurroundings: CachedRoute.Surroundings {
    private let plane: ControlPlane
    private let namespace: Namespace
    let peers: PeerStore

    init(_ plane: ControlPlane, _ namespace: Namespace, _ family: AddressFamily) {
        self.plane = plane
        self.namespace = namespace
        peers = namespace.paths[family]
    }

    var routeGeneration: UInt64 { namespace.paths.routeGeneration.value }
    var now: UInt64 { plane.clock() }

    func way(of query: LookupQuery) -> ResolvedWay? {
        (try? plane.forwarding(namespace.name, hasPeers: false))?.way(of: query)
    }

    func answers(_ gateway: IPAddress, over device: String) -> Bool {
        let known = namespace.state.withLock { $0.objects[.neighbour(device, gateway)]?.neighbour?.state }
        return known?.isValid ?? true
    }
}
