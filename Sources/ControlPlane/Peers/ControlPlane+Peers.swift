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
