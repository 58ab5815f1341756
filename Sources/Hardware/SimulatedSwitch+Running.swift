internal import ChangeLog
internal import ControlPlane
internal import Platform
internal import Routing
internal import Threads

/// What the switch's thread is to do, and what came of it, for those who wait for that.
final class Order: Sendable {
    enum Kind {
        /// It was never on the chain.
        case begin
        /// It was taken off the chain, for being slow.
        case renew
        case restart
        case end
    }

    enum Outcome: Sendable {
        /// It is on the chain, or will be as soon as fewer changes come.
        case began(Device)
        case refused(FIBError)
        case ended
    }

    let kind: Kind
    let outcome = Monitor<Outcome?>(nil)

    init(_ kind: Kind) { self.kind = kind }

    func finish(_ outcome: Outcome) { self.outcome.change { $0 = outcome } }
}

/// The switch's thread.
extension SimulatedSwitch {
    /// What waits to be taken by the control plane, and how far all is answered once it is.
    private struct Batch {
        let reports: [HardwareReport]
        let line: ChangeSequence
        let mark: ChangeSequence
    }

    private static var reportsAtOnce: Int { 256 }

    func run() {
        var batch: Batch?
        // When to try to register again, and how long to wait after that.
        var attempt: UInt64?
        var pause: UInt64 = 1
        var pacing = ReportPacing()
        while true {
            if let order = state.withLock({ $0.orders.isEmpty ? nil : $0.orders.removeFirst() }) {
                batch = nil
                (attempt, pause) = (nil, 1)
                if order.kind == .end { return end(order) }
                if carryOut(order) == .busy { attempt = clock() + pause * 1_000_000_000 }
            } else if let time = attempt, time <= clock() {
                pause = min(2 * pause, 30)
                attempt = register() == .busy ? clock() + pause * 1_000_000_000 : nil
            } else if isDue, pacing.holdsBack(plane.log.head, MonotonicClock.nanoseconds) {
                signal.wait(milliseconds: 5)
            } else if let unsent = batch ?? nextBatch() {
                batch = send(unsent) ? nil : unsent
                pacing.reported(unsent.reports.count)
                if batch != nil { signal.wait(milliseconds: 50) }
            } else {
                wait(until: attempt)
            }
        }
    }

    private func end(_ order: Order) {
        leave()
        let rest = state.withLock { state in
            state.hasEnded = true
            defer { state.orders = [] }
            return state.orders
        }
        for other in rest { other.finish(.ended) }
        order.finish(.ended)
    }

    private func wait(until attempt: UInt64?) {
        let deadline = [attempt, state.withLock { $0.model.deadline }].compactMap { $0 }.min()
        guard let deadline else { return signal.wait() }
        let now = clock()
        // Beginnings of milliseconds count: it is better late than awake without a cause.
        if deadline > now { signal.wait(milliseconds: Int(min(deadline - now, 60_000_000_000) / 1_000_000) + 1) }
    }

    // MARK: Reporting

    private var isDue: Bool { state.withLock { $0.model.deadline }.map { $0 <= clock() } ?? false }

    /// Nil if nothing is due.
    private func nextBatch() -> Batch? {
        let now = clock()
        let (batch, givenBack): (Batch?, SwitchModel.FamilyCounts) = state.withLock { state in
            guard let line = state.device?.line, let deadline = state.model.deadline, deadline <= now else {
                return (nil, .init())
            }
            let reports = state.model.advance(to: now, limit: Self.reportsAtOnce)
            defer { state.model.givenBack = .init() }
            return (Batch(reports: reports, line: line, mark: state.model.processed), state.model.givenBack)
        }
        if givenBack != .init() { account.withLock { $0.counting?.giveBack(givenBack) } }
        return batch
    }

    /// False if the control plane can't take it at the moment.
    private func send(_ batch: Batch) -> Bool {
        do throws(FIBError) {
            if !batch.reports.isEmpty {
                let outcomes = try plane.report(batch.reports, by: batch.line).outcomes
                let stale = outcomes.count { if case .stale = $0 { true } else { false } }
                if stale > 0 { state.withLock { $0.model.counters.stale += stale } }
            }
            publish(batch.mark)
            return true
        } catch {
            // Another error means that no one will ever want to know: the device is gone, or the store has ended.
            return error.errno != .ebusy
        }
    }

    // MARK: Being on the chain

    private enum Registration {
        case done, busy, refused
    }

    private func carryOut(_ order: Order) -> Registration {
        leave()
        forget()
        if order.kind != .begin { renewDevice() }
        let (registration, error) = tryToRegister()
        if let error, registration == .refused {
            order.finish(.refused(error))
        } else if let device = state.withLock({ $0.device }) {
            order.finish(.began(device))
        } else {
            order.finish(.ended)
        }
        return registration
    }

    /// Off the chain. What waits to be put into the pipeline is let go first: the chain's thread has to end.
    private func leave() {
        state.withLock { $0.isUp = false }
        plane.unregister(self)
    }

    private func renewDevice() {
        let line = state.withLock { $0.device?.line }
        let device =
            line.flatMap { plane.restartDevice($0) } ?? plane.addDevice(name, RouteSelection(), filters: filters)
        state.withLock { $0.device = device }
    }

    private func register() -> Registration { tryToRegister().0 }

    private func tryToRegister() -> (Registration, FIBError?) {
        do throws(FIBError) {
            try plane.register(self, scope: .all)
            return (.done, nil)
        } catch {
            forget()
            guard error.reason == .notAdmitted else { return (.busy, error) }
            // R3-29: no listener, and no states.
            let line = state.withLock { state in
                defer { state.device = nil }
                return state.device?.line
            }
            if let line { plane.removeDevice(line) }
            return (.refused, error)
        }
    }
}
