public import Addressing
public import ChangeLog
public import PathAttributes
public import Routing
internal import Threads

/// Peers: what is learned of paths, looked at, and forgotten. Their changes are told, and stored some time later.
extension ControlPlane {
    /// Takes in what was said of a path.
    ///
    /// Throws ENOENT if there is no such namespace, EBUSY if the store has failed.
    ///
    /// - Parameter announces: false for one of many, behind which `announcePeers` is called: to wake who tells others of it costs more
    ///   than the rest.
    public func take(
        _ message: PathMessage, in name: String, dryRun: Bool = false, announces: Bool = true
    ) throws(FIBError) -> PathResult {
        if !dryRun { try journal?.admitVolatile() }
        let (namespace, view) = (try namespace(name), try forwarding(name, hasPeers: false))
        let peers = namespace.paths[message.destination.family]
        let rate = view.paths.guards.messagesPerSecond
        var refusal = message.refusal(view)
        if refusal == nil, !dryRun, !namespace.paths.rate.withLock({ $0.allows(rate, now: view.now) }) {
            refusal = .ignored("rate", "more than \(rate) messages came within a second")
        }
        if let refusal {
            let known = peers.find(message.destination)
            return PathResult(
                decision: refusal, peer: known.map { PeerEntry(name, $0) }, generation: peers.generation,
                sequence: log.head)
        }
        // Not under the gate: it may look at all routes.
        let isGateway = isGateway(message, peers, view, namespace)
        let outcome = try gate.withShared { () throws(FIBError) in
            if namespace.isClosing { throw Self.namespaceNotFound(name) }
            return peers.learn(
                of: message.destination, from: message.sender, sourceLimit: view.paths.guards.sourceLimit,
                isDryRun: dryRun
            ) { known in message.decide(known, view, isGateway: isGateway) }
        }
        if outcome.last != nil, announces { committed() }
        return PathResult(
            decision: outcome.decision, peer: outcome.peer.map { PeerEntry(name, $0) },
            generation: outcome.generation, sequence: outcome.last ?? log.head)
    }

    /// Whether a redirect leads to a router that some route leads by, where that is in question. What no info of the namespace has, no
    /// route has, and there are few of these.
    private func isGateway(
        _ message: PathMessage, _ peers: PeerStore, _ view: Forwarding, _ namespace: Namespace
    ) -> Bool {
        guard let (gateway, device) = message.gatewayInQuestion(peers.find(message.destination)?.information, view)
        else { return false }
        let isKnown = namespace.state.withLock { $0.infos.contains { $0.leads(by: gateway, over: device) } }
        return isKnown && view.isGateway(gateway, over: device)
    }

    /// Has others told of what has been learned.
    public func announcePeers() { committed() }

    /// Whether a message may be sent to an address now; it counts as sent then (R5-40, R5-41). A peer comes into being if there was
    /// none, since something is to be remembered.
    public func mayTell(
        _ address: IPAddress, _ message: RateLimits.Message, in name: String
    ) throws(FIBError) -> (isAllowed: Bool, peer: PeerEntry, sequence: ChangeSequence) {
        try journal?.admitVolatile()
        let namespace = try namespace(name)
        let head = log.head
        let (isAllowed, stored) = try gate.withShared { () throws(FIBError) in
            if namespace.isClosing { throw Self.namespaceNotFound(name) }
            return namespace.paths[address.family].allows(message, to: address)
        }
        if stored.version > head { committed() }
        return (isAllowed, PeerEntry(name, stored), max(stored.version, head))
    }

    /// A peer and the generation of those of its family; the head as of which that is.
    public func peer(
        _ address: IPAddress, in name: String
    ) throws(FIBError) -> (peer: PeerEntry?, generation: UInt64, sequence: ChangeSequence) {
        let namespace = try namespace(name)
        if namespace.isClosing { throw Self.namespaceNotFound(name) }
        let head = log.head
        let peers = namespace.paths[address.family]
        return (peers.find(address).map { PeerEntry(name, $0) }, peers.generation, head)
    }

    /// Forgets what is known of an address. Where there is a store, it is as durable as other changes are.
    ///
    /// Throws ENOENT if nothing is.
    ///
    /// - Returns: the number of the change, and that up to which it is stored then.
    @discardableResult
    public func forgetPeer(
        _ address: IPAddress, in name: String, condition: WriteCondition = .none, dryRun: Bool = false
    ) throws(FIBError) -> (sequence: ChangeSequence, stored: ChangeSequence) {
        if !dryRun { _ = try admit(.ofWorker) }
        let namespace = try namespace(name)
        let sequence = try gate.withShared { () throws(FIBError) -> ChangeSequence in
            if namespace.isClosing { throw Self.namespaceNotFound(name) }
            let last = try namespace.paths[address.family].forget(address, isDryRun: dryRun) {
                (present) throws(FIBError) in
                guard let present else { throw Self.peerNotFound(address, name) }
                try condition.check(present.version, "what is known of \(address)")
            }
            return last ?? log.head
        }
        if dryRun { return (sequence, sequence) }
        let stored = storePeers()
        committed()
        return (sequence, stored ?? sequence)
    }

    /// Forgets all that is known of paths, as `ip route flush cache` does (R5-56): of some namespaces and families; nil for all.
    ///
    /// - Returns: of how many peers something was forgotten, the number of the last change, and that up to which it is stored then.
    public func flushPeers(
        in names: [String]?, _ families: [AddressFamily]?, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence, stored: ChangeSequence) {
        if !dryRun { _ = try admit(.ofWorker) }
        var count = 0
        for namespace in namespaces.withLock({ $0 }) where names?.contains(namespace.name) ?? true {
            for family in families ?? [.inet, .inet6] where !namespace.isClosing {
                let peers = namespace.paths[family]
                count += dryRun ? peers.image.count : peers.forgetAll { body in gate.withShared(body) }
                if !dryRun { committed() }
            }
        }
        let last = count == 0 || dryRun ? log.head : log.latestAside
        if dryRun || count == 0 { return (count, last, last) }
        let stored = storePeers()
        committed()
        return (count, last, stored ?? last)
    }

    public static func peerNotFound(_ address: IPAddress, _ namespace: String) -> FIBError {
        FIBError(.enoent, .peerNotFound, "nothing is known of \(address) in \(namespace)")
    }

    /// How many peers there are, and the generation, of each namespace and family.
    public var peerSummaries: [PeerSummary] {
        namespaces.withLock { $0 }.filter { !$0.isClosing }.flatMap { namespace in
            [AddressFamily.inet, .inet6].map { family in
                let peers = namespace.paths[family]
                return PeerSummary(
                    namespace: namespace.name, family: family, count: peers.image.count, generation: peers.generation)
            }
        }
    }

    /// In milliseconds since 1970: what rows of peers count from.
    public var now: UInt64 { clock() }

    // MARK: Without anyone asking

    /// Forgets what counts no more by now.
    ///
    /// - Returns: when there is something to do again, in milliseconds since 1970; nil if never.
    func expirePeers() -> UInt64? {
        var next: UInt64?
        for namespace in namespaces.withLock({ $0 }) where !namespace.isClosing {
            for peers in [namespace.paths.inet, namespace.paths.inet6] {
                let head = log.head
                var time = gate.withShared { peers.expire() }
                while let more = time, more <= clock(), log.head > head { time = gate.withShared { peers.expire() } }
                if log.head > head { committed() }
                if let time { next = min(next ?? time, time) }
            }
        }
        return next
    }

    /// What is known of destinations that are reached over a link whose MTU is another one since a change (R5-57). Looks up each of
    /// which a path MTU is known.
    func followMTU(of change: Change) {
        guard change.changesMTU, case .object(let object) = change.object, let old = object.old?.link,
            let new = object.new?.link, let namespace = try? namespace(object.object.namespace),
            let view = try? forwarding(namespace.name, hasPeers: false)
        else { return }
        for peers in [namespace.paths.inet, namespace.paths.inet6] where !peers.image.isEmpty {
            _ = peers.revise(because: .mtuChanged(change.sequence), within: { body in gate.withShared(body) }) {
                stored in
                guard let information = stored.information.following(link: old.mtu, to: new.mtu, now: view.now),
                    view.way(of: LookupQuery(destination: stored.address))?.device == new.name
                else { return nil }
                return information
            }
            committed()
        }
    }

    /// The peers of a namespace that is gone, in runs.
    func removePeers(of namespace: Namespace, _ removal: ChangeSequence) {
        for peers in [namespace.paths.inet, namespace.paths.inet6] {
            while gate.withShared({ peers.removeSome(because: .namespaceRemoved(removal)) }) > 0 { committed() }
        }
    }
}

/// How many peers there are of a family, and by what cached routes find out whether there may be news of them.
public struct PeerSummary: Sendable {
    public let namespace: String
    public let family: AddressFamily
    public let count: Int
    public let generation: UInt64
}

extension PathGuards {
    fileprivate var sourceLimit: UInt32? { peersPerSource == 0 ? nil : peersPerSource }
}

extension Change {
    /// Whether a link has another MTU.
    var changesMTU: Bool {
        guard case .object(let object) = object, let old = object.old?.link, let new = object.new?.link else {
            return false
        }
        return old.mtu != new.mtu
    }
}
