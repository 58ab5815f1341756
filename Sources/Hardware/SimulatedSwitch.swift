public import ChangeLog
public import ControlPlane
public import Platform
public import Routing
internal import Threads

extension LockRank {
    /// A simulated switch. Nothing that takes another lock but a leaf is called while it is held.
    static let hardware = LockRank(850, "simulated switch")
}

/// A device inside the process that programs nothing and says that it has: it follows the chain like the driver of a switch, and
/// reports what a `SwitchModel` comes to.
///
/// It begins, reports and ends on a thread of its own. What it is told comes on that of the chain.
public final class SimulatedSwitch: AdmittingMember {
    struct State {
        var model: SwitchModel
        var settings: SwitchSettings
        /// Nil while it is not there for the control plane: before it begins, and after a replay that had no room (R3-29).
        var device: Device?
        /// Whether it is on the chain.
        var isUp = false
        var processed = ChangeSequence.zero
        var orders: [Order] = []
        /// Its thread takes no orders any more.
        var hasEnded = false
    }

    public let name: String
    let plane: ControlPlane
    let clock: @Sendable () -> UInt64
    let state: Locked<State>
    /// Of the profile `netdevsim`; nil in others, which admit everything. Moved under locks of the control plane.
    let account = Locked<(counting: SwitchAccount?, vetoed: Int)>((nil, 0), rank: .leaf)
    /// Its filters, which it takes or refuses at once.
    let filters: FilterRoom
    let signal = Signal()
    /// For the chain's thread, while the pipeline is full.
    let room = Signal()
    private let hooks = Locked(Hooks(), rank: .leaf)
    private let thread = Locked<Thread?>(nil, rank: .leaf)

    private struct Hooks {
        var processed: @Sendable (ChangeSequence) -> Void = { _ in }
    }

    /// - Parameter clock: in nanoseconds; tests have one that they move, and say so with `wake`.
    public init(
        _ name: String, _ settings: SwitchSettings, _ plane: ControlPlane,
        clock: @escaping @Sendable () -> UInt64 = { MonotonicClock.nanoseconds }
    ) {
        self.name = name
        self.plane = plane
        self.clock = clock
        filters = FilterRoom(name, limit: settings.capacity.filters)
        state = Locked(State(model: SwitchModel(settings), settings: settings), rank: .hardware)
    }

    // MARK: Looking at it

    public struct Status: Sendable {
        public let settings: SwitchSettings
        /// Nil while its device is not there.
        public let generation: ChangeSequence?
        public let isUp: Bool
        public let occupancy: SwitchOccupancy
        public let counters: SwitchCounters
        /// Changes that it is yet to deal with.
        public let queue: Int
    }

    public var status: Status {
        let (counting, vetoed) = account.withLock { ($0.counting, $0.vetoed) }
        return state.withLock { state in
            var (occupancy, counters) = (state.model.occupancy, state.model.counters)
            occupancy.filters = filters.count
            if let counting {
                (occupancy.ipv4, occupancy.ipv6) = (counting.counts.ipv4, counting.counts.ipv6)
                (occupancy.ipv4Rules, occupancy.ipv6Rules) = (counting.rules.ipv4, counting.rules.ipv6)
                // Nexthop objects are what is counted there (R3-33).
                occupancy.nexthops = counting.nextHops
            }
            counters.vetoed = vetoed + filters.refused
            return Status(
                settings: state.settings, generation: state.device?.generation, isUp: state.isUp,
                occupancy: occupancy, counters: counters, queue: state.model.queueLength)
        }
    }

    /// Everything that it was told up to this number it has answered, deletions included.
    public var processed: ChangeSequence { state.withLock { $0.processed } }

    /// Called when `processed` has moved, on the switch's thread, with no lock held. It must not block.
    public func whenProcessed(_ action: @escaping @Sendable (ChangeSequence) -> Void) {
        hooks.withLock { $0.processed = action }
    }

    /// What its entries occupy, in bytes.
    public var entryBytes: Int { state.withLock { $0.model.entryBytes } }

    func publish(_ mark: ChangeSequence) {
        let line: ChangeSequence? = state.withLock { state in
            guard mark > state.processed else { return nil }
            state.processed = mark
            return state.device?.line
        }
        guard let line else { return }
        plane.noteProgress(of: line, upTo: mark)
        hooks.withLock { $0.processed }(mark)
    }

    // MARK: Telling it

    /// Whether it was never told to start.
    public var isIdle: Bool { thread.withLock { $0 == nil } && state.withLock { !$0.hasEnded } }

    /// Its device begins, and all that becomes the first of its prefix from now on is for it to program. The rest follows on
    /// its thread.
    @discardableResult
    public func start() -> Device {
        let device = plane.addDevice(name, RouteSelection(), filters: filters)
        state.withLock { state in
            state.device = device
            state.orders.append(Order(.begin))
        }
        thread.withLock { $0 = Thread(name: "switch-\(name)", niceness: 10) { self.run() } }
        return device
    }

    /// It behaves like this from now on, or once it starts; those who start it and change it do so one at a time. With another
    /// profile it begins anew.
    ///
    /// - Throws: ENOSPC if it is the profile `netdevsim`, in which there is no room for what there is.
    public func change(_ settings: SwitchSettings) throws(FIBError) {
        let isOther = state.withLock { state in
            filters.setLimit(settings.capacity.filters)
            let isOther = settings.profile != state.settings.profile
            state.settings = settings
            if !isOther { state.model.change(settings) }
            return isOther
        }
        // Its beginning takes the settings as they are then.
        if isIdle { return }
        if isOther { _ = try restart() } else { signal.raise() }
    }

    /// The first route of a prefix is to be programmed once more.
    public func retry(_ table: TableIdentity, _ key: RouteKey) {
        state.withLock { $0.model.retry(table, key, clock()) }
        signal.raise()
    }

    /// Forgets everything and begins anew. Not of one that is idle. Blocks for as long as a replay takes.
    ///
    /// - Returns: its device, with another generation.
    /// - Throws: ENOSPC in the profile `netdevsim` if there is no room for what there is; its device is gone then, until a restart
    ///   that succeeds (R3-29).
    public func restart() throws(FIBError) -> Device {
        precondition(!isIdle, "\(name) is to restart and has not begun")
        switch give(.restart) {
        case .began(let device): return device
        case .refused(let error): throw error
        case .ended: throw FIBError(.enodev, .deviceGone, "\(name) has gone meanwhile")
        }
    }

    /// Its device goes, and what it has said with it (R3-34). The number of that change; nil if it was gone already.
    @discardableResult
    public func remove() -> ChangeSequence? {
        stop()
        let line = state.withLock { state in
            defer { state.device = nil }
            return state.device?.line
        }
        return line.flatMap { plane.removeDevice($0) }
    }

    /// Leaves the chain and ends its thread; the device stays. Not on a thread that the chain calls.
    public func stop() {
        guard let thread = thread.withLock({ $0.take() }) else { return }
        _ = give(.end)
        thread.join()
    }

    /// Has it look at its clock.
    public func wake() { signal.raise() }

    /// Waits until its thread has done it.
    private func give(_ kind: Order.Kind) -> Order.Outcome {
        let order = Order(kind)
        let isGiven = state.withLock { state in
            if !state.hasEnded { state.orders.append(order) }
            return !state.hasEnded
        }
        guard isGiven else { return .ended }
        signal.raise()
        while true {
            if let outcome = order.outcome.wait(seconds: 60, { $0 }) { return outcome }
        }
    }
}
