internal import ChangeLog
internal import Threads

/// What one member is still to be told, in order, and the thread that tells it (R2-51): the log's own runs, so that who puts
/// them in has nothing to do for each change. What they come to for the member, its thread finds out.
final class MemberQueue: Sendable {
    private struct State {
        var runs: [ArraySlice<Change>] = []
        /// Changes in them.
        var count = 0
        /// Once the queue was full: nothing more goes in, and what was inside is gone.
        var isOverrun = false
        /// Takes the member off the chain then, on its thread.
        var takeOff: (@Sendable () -> Void)?
        var isClosed = false
    }

    private let member: any ChainMember
    private let scope: ChainScope
    /// It knows everything up to here from its replay.
    private let known: ChangeSequence
    private let capacity: Int
    private let state = Locked(State(), rank: .leaf)
    private let signal = Signal()
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    init(_ member: any ChainMember, _ scope: ChainScope, knowing known: ChangeSequence, capacity: Int) {
        self.member = member
        self.scope = scope
        self.known = known
        self.capacity = capacity
    }

    func start() {
        // Within the lock, so that a thread that ends at once finds itself there.
        thread.withLock { $0 = Thread(name: "chain-\(member.name)") { self.run() } }
    }

    /// What a full queue has no room for, the member misses, and all that it was still to be told with it: false, the first
    /// time, for whoever is to take it off the chain.
    func put(_ run: ArraySlice<Change>) -> Bool {
        let isTaken: Bool? = state.withLock { state in
            if state.isOverrun { return nil }
            guard state.count + run.count <= capacity else { return false }
            state.runs.append(run)
            state.count += run.count
            return true
        }
        guard let isTaken else { return true }
        if isTaken { signal.raise() } else { _ = overrun() }
        return isTaken
    }

    /// The changes that the member was to be told of are gone. Whether that is news.
    func overrun() -> Bool {
        state.withLock { state in
            (state.runs, state.count) = ([], 0)
            defer { state.isOverrun = true }
            return !state.isOverrun
        }
    }

    /// Once it is overrun: has the member's thread take the member off the chain, when it delivers no more, and tell it.
    func fallBehind(takingOff takeOff: @escaping @Sendable () -> Void) {
        state.withLock { $0.takeOff = takeOff }
        signal.raise()
    }

    var count: Int { state.withLock { $0.count } }

    /// Nothing more is told. Returns when the member's thread has ended, unless it is the caller.
    func close() {
        guard let thread = end() else { return }
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    /// Nothing more is told, and no one waits for what the member is in the middle of.
    func abandon() { end()?.detach() }

    private func end() -> Thread? {
        state.withLock { state in
            (state.runs, state.count) = ([], 0)
            state.takeOff = nil
            state.isClosed = true
        }
        signal.raise()
        return thread.withLock { $0.take() }
    }

    private func run() {
        while true {
            let (runs, takeOff, isClosed) = state.withLock { state in
                let runs = state.runs
                (state.runs, state.count) = ([], 0)
                return (runs, state.takeOff.take(), state.isClosed)
            }
            if isClosed { return }
            if let takeOff {
                takeOff()
                // Nobody will close the queue any more, and so join the thread.
                thread.withLock { $0.take() }?.detach()
                return member.fellBehind()
            }
            if runs.isEmpty {
                signal.wait()
                continue
            }
            for run in runs { tell(run) }
        }
    }

    private func tell(_ run: ArraySlice<Change>) {
        for change in run where change.sequence > known {
            guard let event = ChainEvent(change), scope.includes(event.namespace) else { continue }
            if state.withLock({ $0.isClosed }) { return }
            member.deliver(event, change.sequence)
        }
    }
}
