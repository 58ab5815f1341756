internal import Addressing
internal import ChangeLog
public import Routing
internal import Threads

extension ControlPlane {
    /// How often a registration is tried (R2-35).
    static var registrationAttempts: Int { 5 }

    /// Replays everything to `member`, and from there on tells it every change, none missed and none twice (R2-30…R2-42).
    ///
    /// What happens during the replay is not replayed; if that was anything that the member would have been told, its
    /// `dumpInconsistent` is called and all begins anew, five times in all. Blocks for as long as the replays take. Not
    /// for a thread that holds a lock.
    ///
    /// - Returns: how many attempts it took.
    /// - Throws: EBUSY if something has changed during each of the attempts, EEXIST if it is a member already, ENOENT if
    ///   there is no such namespace, or what `replay` has thrown. The member is not on the chain then.
    @discardableResult
    public func register(_ member: any ChainMember, scope: ChainScope) throws(FIBError) -> Int {
        for attempt in 1...Self.registrationAttempts {
            let (before, snapshot) = try gate.withExclusive { () throws(FIBError) in
                if chain.contains(member) { throw Self.isMember(member) }
                return (try chainCalls(scope), snapshotWithinGate())
            }
            try awaitDurable(snapshot.sequence)
            try dump(snapshot, scope, to: member)
            if try join(member, scope, ifStillAt: before) { return attempt }
            member.dumpInconsistent()
        }
        throw FIBError(
            .ebusy, .registrationBusy,
            "routes changed during each of \(Self.registrationAttempts) attempts to tell \(member.name) all of them; "
                + "try again when fewer change",
            rule: "R2-35")
    }

    /// Takes a member off the chain; it is told of nothing any more (R2-41). No harm if it isn't on it.
    public func unregister(_ member: any ChainMember) {
        takeOff { chain.remove(member) }?.close()
    }

    /// Has a member taken off the chain that was too slow for it, or for the log.
    func takeOff(_ overrun: MemberQueue) {
        overrun.fallBehind { _ = self.takeOff { self.chain.remove(overrun) } }
    }

    private func takeOff(_ remove: () -> MemberQueue?) -> MemberQueue? {
        gate.withExclusive {
            let queue = remove()
            if queue != nil { renewGuards() }
            return queue
        }
    }

    /// Takes all members off the chain.
    func endChain() {
        let queues = gate.withExclusive {
            let queues = chain.removeAll()
            renewGuards()
            return queues
        }
        for queue in queues { queue.close() }
    }

    // MARK: Steps

    /// The sum of the counters of all that the scope includes (R2-21).
    private func chainCalls(_ scope: ChainScope) throws(FIBError) -> UInt64 {
        switch scope {
        case .namespace(let name):
            return try namespace(name).state.withLock { $0.chain.calls.sum }
        case .all:
            let all = namespaces.withLock { $0 }
            return all.reduce(callsOfNamespaces.withLock { $0 }) { sum, namespace in
                sum &+ namespace.state.withLock { $0.chain.calls.sum }
            }
        }
    }

    /// Namespaces in the order of their names; of each first its settings, its links and its neighbours, then rules before
    /// routes, IPv4 before IPv6 (R2-31, R2-38, R2-39).
    private func dump(_ snapshot: Snapshot, _ scope: ChainScope, to member: any ChainMember) throws(FIBError) {
        for namespace in snapshot.namespaces where scope.includes(namespace.name) {
            let rules = namespace.objects.all(.rule)
            for object in ObjectKind.ofObjects.flatMap({ $0 == .rule ? [] : namespace.objects.all($0) }) {
                if let event = ChainEvent(object) { try member.replay(event) }
            }
            for family in [AddressFamily.inet, .inet6] {
                for rule in rules where rule.family == family {
                    if let event = ChainEvent(rule) { try member.replay(event) }
                }
                var selection = RouteSelection()
                selection.namespaces = [namespace.name]
                selection.families = [family]
                var walk = RouteWalk(snapshot, selection, firstsOnly: true)
                while let (table, route) = walk.next() {
                    try member.replay(.route(RouteEvent(table, route.key, route.value)))
                }
            }
        }
    }

    /// Compares and joins within one hold of the gate, so that no change comes between: where the kernel joins, compares and
    /// perhaps leaves again (R2-32…R2-34), nothing is delivered in an attempt that fails.
    private func join(_ member: any ChainMember, _ scope: ChainScope, ifStillAt before: UInt64) throws(FIBError) -> Bool
    {
        let joined: (queue: MemberQueue, known: ChangeSequence)? = try gate.withExclusive { () throws(FIBError) in
            if chain.contains(member) { throw Self.isMember(member) }
            // A namespace that is gone has changed.
            guard let after = try? chainCalls(scope), after == before else { return nil }
            let head = log.head
            let queue = MemberQueue(member, scope, knowing: head, capacity: limits.chainBacklog)
            chain.join(member, scope, queue, at: head)
            renewGuards()
            return (queue, head)
        }
        guard let joined else { return false }
        member.joined(at: joined.known)
        joined.queue.start()
        return true
    }

    /// Within the exclusive gate.
    private func renewGuards() {
        for namespace in namespaces.withLock({ $0 }) {
            let guards = chain.guards(of: namespace.name)
            namespace.state.withLock { $0.chain.guards = guards }
        }
    }

    private func awaitDurable(_ sequence: ChangeSequence) throws(FIBError) {
        try journal?.awaitDurable(sequence)
    }

    private static func isMember(_ member: any ChainMember) -> FIBError {
        FIBError(.eexist, .alreadyRegistered, "\(member.name) is on the chain already")
    }
}
