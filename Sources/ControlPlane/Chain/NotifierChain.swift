internal import ChangeLog
internal import Synchronization
internal import Threads

extension LockRank {
    /// The members of the chain. Inside the gate and the namespaces', outside the log's.
    static let chain = LockRank(800, "chain")
}

/// Who is told of the first route of each prefix, and how far they have been told.
final class NotifierChain: Sendable {
    fileprivate struct Registered {
        let member: any ChainMember
        /// The same, if it has a say.
        let guardian: (any AdmittingMember)?
        let scope: ChainScope
        let queue: MemberQueue
    }

    fileprivate struct State {
        /// In the order of their registration.
        var members: [Registered] = []
        /// Changes up to here are in the queues.
        var position = ChangeSequence.zero
    }

    private let state = Locked(State(), rank: .chain)
    /// Changes within the exclusive gate only, so that who holds the gate shared, or comes later, finds what holds.
    private let hasMembers = Atomic<Bool>(false)

    /// Their threads would wait for ever.
    deinit {
        for registered in state.withLock({ $0.members }) { registered.queue.abandon() }
    }

    // MARK: Within the exclusive gate

    /// Takes all members off; their queues.
    func removeAll() -> [MemberQueue] {
        state.withLock { state in
            let queues = state.members.map(\.queue)
            state.members = []
            hasMembers.store(false, ordering: .releasing)
            return queues
        }
    }

    func join(_ member: any ChainMember, _ scope: ChainScope, _ queue: MemberQueue, at head: ChangeSequence) {
        state.withLock { state in
            if state.members.isEmpty { state.position = head }
            let guardian = (member as? any AdmittingMember).flatMap { $0.isAsked ? $0 : nil }
            state.members.append(
                Registered(member: member, guardian: guardian, scope: scope, queue: queue))
        }
        hasMembers.store(true, ordering: .releasing)
    }

    /// Its queue, if it was a member.
    func remove(_ member: any ChainMember) -> MemberQueue? { remove(where: { $0.member === member }) }

    /// The member whose queue it is.
    func remove(_ queue: MemberQueue) -> MemberQueue? { remove(where: { $0.queue === queue }) }

    private func remove(where isMeant: (Registered) -> Bool) -> MemberQueue? {
        state.withLock { state in
            guard let index = state.members.firstIndex(where: isMeant) else { return nil }
            let queue = state.members.remove(at: index).queue
            hasMembers.store(!state.members.isEmpty, ordering: .releasing)
            return queue
        }
    }

    func contains(_ member: any ChainMember) -> Bool {
        state.withLock { $0.members.contains { $0.member === member } }
    }

    /// Those who have a say in a namespace, in the order of their registration.
    func guards(of namespace: String) -> [any AdmittingMember] {
        state.withLock { state in
            state.members.filter { $0.scope.includes(namespace) }.compactMap(\.guardian)
        }
    }

    // MARK: After changes, with no lock held

    /// Puts into the queues what has become durable. Those of members who have missed something by that, and have to be taken
    /// off the chain.
    func dispatch(_ log: Log<Change>) -> [MemberQueue] {
        guard hasMembers.load(ordering: .acquiring) else { return [] }
        return state.withLock { state in
            var overrun: [MemberQueue] = []
            while let run = log.readDurable(after: state.position) {
                if run.end == state.position { return overrun }
                if run.contains(where: \.concernsChain) {
                    for registered in state.members where !registered.queue.put(run.records) {
                        overrun.append(registered.queue)
                    }
                }
                state.position = run.end
            }
            // The log has gone on without the chain: they all have missed something.
            for registered in state.members where registered.queue.overrun() { overrun.append(registered.queue) }
            state.position = log.durable
            return overrun
        }
    }

    /// Changes that wait to be delivered, by member.
    var backlog: [(name: String, count: Int)] {
        state.withLock { $0.members.map { ($0.member.name, $0.queue.count) } }
    }
}
