internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing
internal import Synchronization
internal import Threads

/// All requests that wait for hardware, and the thread that reads the log for them.
///
/// It reads what has become durable, so that an answer never speaks of what a crash could undo. While no one waits it sleeps.
final class HardwareWaits: Sendable {
    fileprivate struct Waiting {
        let wait: HardwareWait
        var open: [ChangeSequence: HardwareWait.Target]
        var removers: Set<HardwareWait.Remover>
        var outcomes: [ChangeSequence: HardwareWait.Outcome] = [:]
        var isSettled: Bool { open.isEmpty && removers.isEmpty }
    }

    fileprivate struct State {
        var all: [Ticket: Waiting] = [:]
        /// Who waits for an entry, by its version, which names it.
        var byVersion: [ChangeSequence: [Ticket]] = [:]
        /// Everything up to here has been looked at.
        var position = ChangeSequence.zero
        /// Tickets that are out.
        var reserved = 0
        var latestTicket: UInt64 = 0
        var isStopping = false
    }

    /// A place for one request.
    struct Ticket: Hashable, Sendable { fileprivate let number: UInt64 }

    /// Requests that may wait at a time.
    static let limit = 10_000

    private let plane: ControlPlane
    // A leaf: nothing is asked of the control plane while it is held.
    private let state = Locked(State(), rank: .leaf)
    private let signal = Signal()
    private let hasWaits = Atomic<Bool>(false)
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    init(_ plane: ControlPlane) { self.plane = plane }

    func start() {
        thread.withLock { $0 = Thread(name: "hardware-waits") { self.run() } }
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        signal.raise()
        thread.withLock { $0.take() }?.join()
    }

    /// Something has become visible, or a device has got further. Takes no lock if no one waits.
    func wake() { if hasWaits.load(ordering: .acquiring) { signal.raise() } }

    // MARK: Requests

    /// A place for a request that is about to write and to wait. To be given back with `release`, unless it goes to `add`.
    func reserve() throws(Problem) -> Ticket {
        let ticket: Ticket? = state.withLock { state in
            guard state.reserved < Self.limit else { return nil }
            state.reserved += 1
            state.latestTicket += 1
            return Ticket(number: state.latestTicket)
        }
        if let ticket { return ticket }
        throw Problem(
            status: 503, code: "EBUSY", reason: "too-many-waiting",
            detail: "nothing was changed: \(Self.limit) requests wait for hardware already; try again soon, or without "
                + "ack=hardware",
            retryAfterSeconds: 1)
    }

    func release(_: Ticket) { state.withLock { $0.reserved -= 1 } }

    /// Takes in a request that has written. Its place is free again when it is answered, or with `forget`.
    func add(_ wait: HardwareWait, _ ticket: Ticket) {
        state.withLock { state in
            state.position = state.all.isEmpty ? wait.sequence : min(state.position, wait.sequence)
            var open: [ChangeSequence: HardwareWait.Target] = [:]
            for target in wait.targets {
                open[target.version] = target
                state.byVersion[target.version, default: []].append(ticket)
            }
            state.all[ticket] = Waiting(wait: wait, open: open, removers: Set(wait.removers))
            hasWaits.store(true, ordering: .releasing)
        }
        // What happened since the write is found by asking once.
        lookAgain(at: [ticket])
        signal.raise()
    }

    /// Its time is over.
    func forget(_ ticket: Ticket) { _ = state.withLock { $0.remove(ticket) } }

    // MARK: The thread

    private func run() {
        while true {
            signal.wait()
            let (position, isStopping) = state.withLock { ($0.position, $0.isStopping) }
            if isStopping { return }
            if hasWaits.load(ordering: .acquiring) { follow(from: position) }
        }
    }

    private func follow(from start: ChangeSequence) {
        var position = start
        var asksAll = false
        while position < plane.log.durable {
            guard let run = plane.log.readDurable(after: position) else {
                // The log has gone on; the routes themselves say how it is.
                asksAll = true
                position = plane.log.durable
                break
            }
            for change in run { asksAll = take(change) || asksAll }
            position = run.end
        }
        let (waiting, removing) = state.withLock { state in
            // Unless one was taken in meanwhile that wants more.
            if state.position == start { state.position = position }
            // Under the lock, like the opposite.
            if state.all.isEmpty { hasWaits.store(false, ordering: .releasing) }
            return (Array(state.all.keys), state.all.filter { !$1.removers.isEmpty }.map(\.key))
        }
        lookAgain(at: asksAll ? waiting : removing)
    }

    /// Whether everything must be asked for anew.
    private func take(_ change: Change) -> Bool {
        switch change.object {
        case .hardware(let hardware):
            settle(
                hardware.new.version, plane.presentDevices.settledState(of: hardware.new.hardware).map { .settled($0) })
        case .route(let route):
            if let old = route.old { settle(old.version, .gone(route.new?.version)) }
        case .device: return true
        case .object, .traffic, .peer, .peerStorage, .status, .listener, .operationEnd, .notice: break
        }
        return false
    }

    private func settle(_ version: ChangeSequence, _ outcome: HardwareWait.Outcome?) {
        guard let outcome else { return }
        let done = state.withLock { $0.settle(version, outcome) }
        for waiting in done { answer(waiting) }
    }

    /// Asks for the present state of what these wait for.
    private func lookAgain(at tickets: [Ticket]) {
        for ticket in tickets {
            guard let waiting = state.withLock({ $0.all[ticket] }) else { continue }
            for target in waiting.open.values { settle(target.version, outcome(of: target)) }
            let left = waiting.removers.filter { !plane.hasRemoved($0.line, $0.generation, waiting.wait.sequence) }
            let done = state.withLock { $0.leave(ticket, removers: left) }
            if let done { answer(done) }
        }
    }

    private func outcome(of target: HardwareWait.Target) -> HardwareWait.Outcome? {
        let prefix = target.key.prefix(target.table.family)
        let found = try? plane.routes(target.table.namespace, target.table.id, prefix, limit: .max)
        let routes = found?.routes ?? []
        guard let route = routes.first(where: { $0.value.version == target.version }) else {
            return .gone(routes.first { $0.key.isSameKey(as: target.key) }?.value.version)
        }
        // Not before that is on disk, as the log has it.
        guard plane.log.durable >= target.version else { return nil }
        return plane.presentDevices.settledState(of: route.value.hardware).map { .settled($0) }
    }

    private func answer(_ waiting: Waiting) { waiting.wait.answer.give(waiting.wait.finish(waiting.outcomes)) }
}

extension HardwareWaits.State {
    /// Takes down an outcome; those that wait for nothing more.
    fileprivate mutating func settle(
        _ version: ChangeSequence, _ outcome: HardwareWait.Outcome
    ) -> [HardwareWaits.Waiting] {
        var done: [HardwareWaits.Waiting] = []
        for ticket in byVersion.removeValue(forKey: version) ?? [] {
            guard all[ticket]?.open.removeValue(forKey: version) != nil else { continue }
            all[ticket]?.outcomes[version] = outcome
            if all[ticket]?.isSettled ?? false, let waiting = remove(ticket) { done.append(waiting) }
        }
        return done
    }

    fileprivate mutating func leave(
        _ ticket: HardwareWaits.Ticket, removers: Set<HardwareWait.Remover>
    ) -> HardwareWaits.Waiting? {
        guard all[ticket] != nil else { return nil }
        all[ticket]?.removers = removers
        return all[ticket]?.isSettled ?? false ? remove(ticket) : nil
    }

    fileprivate mutating func remove(_ ticket: HardwareWaits.Ticket) -> HardwareWaits.Waiting? {
        guard let waiting = all.removeValue(forKey: ticket) else { return nil }
        for version in waiting.open.keys {
            byVersion[version]?.removeAll { $0 == ticket }
            if byVersion[version]?.isEmpty ?? false { byVersion[version] = nil }
        }
        reserved -= 1
        return waiting
    }
}
