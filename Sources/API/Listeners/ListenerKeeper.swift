internal import ChangeLog
internal import ControlPlane
internal import Hardware
internal import Platform
internal import Routing
internal import Threads

extension LockRank {
    /// Who registers, changes or ends a listener. Outside all that these do, the turn of streams included.
    static let registrations = LockRank(1, "registrations")
}

/// Keeps what is registered (in the control plane, and stored), how it goes with it (in the hub), and devices in step: one
/// registration is made, changed or ended at a time, and so is one simulated switch.
///
/// Its thread does what no request waits for: it writes down how far listeners have come, and ends the registrations of
/// those of which nothing was heard, and lets go of what replays have kept. Lazily: a crash may forget the acknowledgements of the last half second, so that their
/// changes come again, and never remembers one that wasn't made.
final class ListenerKeeper: Sendable {
    private static let roundMilliseconds = 500

    let plane: ControlPlane
    let hub: EventHub
    let board: SwitchBoard
    let registrations = Locked((), rank: .registrations)
    private let signal = Signal()
    private let stops = Locked(false, rank: .leaf)
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    /// Takes in the listeners from before a restart, while no one can ask for them yet.
    init(_ plane: ControlPlane, _ hub: EventHub, _ board: SwitchBoard? = nil) {
        self.plane = plane
        self.hub = hub
        self.board = board ?? SwitchBoard(plane, simulatesFaults: false)
        // More may have been sent than they acknowledged, up to the last number that may have been given out.
        let sent = ChangeSequence(rawValue: plane.log.upcoming.rawValue - 1)
        for stored in plane.presentListeners {
            if stored.settings.role == .driver { plane.forgetDevice(stored.settings.name) }
            _ = take(stored, delivered: sent)
        }
    }

    // MARK: Registrations

    /// - Returns: the registration, and the number of the last change that it brought about.
    func add(_ settings: ListenerSettings) throws(FIBError) -> ControlPlane.ListenerResult {
        try plane.awaitRoom()
        return try registrations.withLock { _ throws(FIBError) in
            try checkDevice(settings)
            var result = try plane.addListener(settings)
            if let begin = take(result.listener, delivered: .zero) { result.sequence = begin }
            return result
        }
    }

    /// - Parameter edit: what isn't the name or the role.
    func change(
        _ id: ChangeSequence, _ condition: WriteCondition, _ edit: (inout ListenerSettings) -> Void
    ) throws(FIBError) -> ControlPlane.ListenerResult {
        try plane.awaitRoom()
        let result = try registrations.withLock { _ throws(FIBError) in
            var result = try plane.changeListener(id, condition: condition, edit)
            // A driver that is to program something else begins as another device.
            if let former = hub.change(result.listener) {
                let device = plane.addDevice(former.name, result.listener.settings.filter.selection)
                hub.set(device, for: id)
                result.sequence = device.generation
            }
            return result
        }
        hub.wakeStreams()
        return result
    }

    func remove(_ id: ChangeSequence, _ condition: WriteCondition) throws(FIBError) -> ControlPlane.ListenerResult {
        try plane.awaitRoom()
        return try end(id, condition, .listenerRemoved)
    }

    private func end(
        _ id: ChangeSequence, _ condition: WriteCondition, _ why: Problem
    ) throws(FIBError) -> ControlPlane.ListenerResult {
        let result = try registrations.withLock { _ throws(FIBError) in
            var result = try plane.removeListener(id, condition: condition)
            if let device = hub.remove(id, why), let end = plane.removeDevice(device.line) { result.sequence = end }
            return result
        }
        hub.wakeStreams()
        return result
    }

    /// A driver's process has begun anew: what was said before it did is void.
    func restart(_ id: ChangeSequence) {
        registrations.withLock { _ in
            guard let device = hub.reportingDevice(of: id), let renewed = plane.restartDevice(device.line) else {
                return
            }
            hub.set(renewed, for: id)
        }
    }

    /// Of a driver, the number with which its device began.
    private func take(_ stored: StoredListener, delivered: ChangeSequence) -> ChangeSequence? {
        let settings = stored.settings
        let device =
            settings.role == .driver ? plane.addDevice(settings.name, settings.filter.selection) : nil
        hub.add(stored, device, delivered: delivered)
        return device?.generation
    }

    // MARK: Its thread

    func start() {
        hub.whenListenersNeedCare { [signal] in signal.raise() }
        let thread = Thread(name: "listeners") { self.run() }
        self.thread.withLock { $0 = thread }
    }

    /// Writes down what there is, and ends the thread.
    func stop() {
        stops.withLock { $0 = true }
        signal.raise()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        while true {
            let isLast = stops.withLock { $0 }
            writeAcknowledgements()
            if isLast { return }
            endLeases(MonotonicClock.nanoseconds)
            // Until then acknowledgements gather, however often it is woken.
            let hasReplays = hub.ageReplays(MonotonicClock.nanoseconds)
            if hub.hasDuties || hasReplays { pause() } else { signal.wait() }
        }
    }

    private func writeAcknowledgements() {
        registrations.withLock { _ in
            let places = hub.takeAcknowledgements()
            // What isn't taken now is tried again.
            if !places.isEmpty, !plane.acknowledge(places) { hub.putBack(places.map(\.id)) }
        }
    }

    /// Ends the registrations whose lease is over.
    func endLeases(_ now: UInt64) {
        // What can't be written down hasn't ended: the next round tries again.
        for id in hub.expired(now) { _ = try? end(id, .none, .leaseExpired) }
    }

    private func pause() {
        let end = MonotonicClock.nanoseconds + UInt64(Self.roundMilliseconds) * 1_000_000
        while !stops.withLock({ $0 }), case let now = MonotonicClock.nanoseconds, now < end {
            signal.wait(milliseconds: Int((end - now) / 1_000_000) + 1)
        }
    }
}
