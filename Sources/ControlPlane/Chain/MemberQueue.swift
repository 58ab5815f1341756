internal import ChangeLog
internal import Threads

/// What one member is still to be told, in order, and the thread that tells it (R2-51). Holds references to the routes.
final class MemberQueue: Sendable {
    typealias Event = (event: ChainEvent, sequence: ChangeSequence)

    private struct State {
        var events: [Event] = []
        /// Once the queue was full: nothing more goes in, and what was inside is gone.
        var isOverrun = false
        var isClosed = false
    }

    private let member: any ChainMember
    private let capacity: Int
    private let whenOverrun: @Sendable () -> Void
    private let state = Locked(State(), rank: .leaf)
    private let signal = Signal()
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    /// - Parameter whenOverrun: takes the member off the chain; called on its thread before it hears of that.
    init(_ member: any ChainMember, capacity: Int, whenOverrun: @escaping @Sendable () -> Void) {
        self.member = member
        self.capacity = capacity
        self.whenOverrun = whenOverrun
    }

    func start() {
        // Within the lock, so that a thread that ends at once finds itself there.
        thread.withLock { $0 = Thread(name: "chain-\(member.name)", niceness: member.niceness) { self.run() } }
    }

    /// What a full queue has no room for, the member misses, and all that it was still to be told with it.
    func put(_ events: [Event]) {
        if events.isEmpty { return }
        let isTaken = state.withLock { state in
            guard !state.isOverrun, state.events.count + events.count <= capacity else { return false }
            // Mostly it has taken what was there before.
            if state.events.isEmpty { state.events = events } else { state.events += events }
            return true
        }
        if isTaken { signal.raise() } else { overrun() }
    }

    /// The changes that the member was to be told of are gone.
    func overrun() {
        state.withLock { state in
            state.events = []
            state.isOverrun = true
        }
        signal.raise()
    }

    var count: Int { state.withLock { $0.events.count } }

    /// Nothing more is told. Returns when the member's thread has ended, unless it is the caller.
    func close() {
        state.withLock { state in
            state.events = []
            state.isClosed = true
        }
        signal.raise()
        guard let thread = thread.withLock({ $0.take() }) else { return }
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    private func run() {
        while true {
            let (events, isOverrun, isClosed) = state.withLock { state in
                let events = state.events
                state.events = []
                return (events, state.isOverrun, state.isClosed)
            }
            if isClosed { return }
            if isOverrun {
                whenOverrun()
                // Nobody will close the queue any more, and so join the thread.
                thread.withLock { $0.take() }?.detach()
                return member.fellBehind()
            }
            if events.isEmpty {
                signal.wait()
                continue
            }
            for (event, sequence) in events {
                if state.withLock({ $0.isClosed }) { return }
                member.deliver(event, sequence)
            }
        }
    }
}
