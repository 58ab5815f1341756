public import ChangeLog
public import ControlPlane
public import Platform
public import Routing
internal import Threads

/// The simulated switches that there are, by name. What they are set to is kept by who makes and changes them here.
public final class SwitchBoard: Sendable {
    public static let limit = 16

    private let plane: ControlPlane
    private let clock: @Sendable () -> UInt64
    /// Whether faults may be set.
    public let simulatesFaults: Bool
    /// Sorted by name.
    private let switches = Locked<[SimulatedSwitch]>([], rank: .leaf)

    public init(
        _ plane: ControlPlane, simulatesFaults: Bool,
        clock: @escaping @Sendable () -> UInt64 = { MonotonicClock.nanoseconds }
    ) {
        self.plane = plane
        self.simulatesFaults = simulatesFaults
        self.clock = clock
    }

    public var all: [SimulatedSwitch] { switches.withLock { $0 } }

    public subscript(name: String) -> SimulatedSwitch? { all.first { $0.name == name } }

    /// Throws what `add` would, but for want of time.
    public func check(_ name: String) throws(FIBError) {
        guard ControlPlane.isValidNamespaceName(name) else {
            throw FIBError(
                .einval, .deviceNameInvalid,
                "'\(name)' can't name a device: use 1 to 63 letters, digits, '.', '_' and '-', not beginning with '.' or "
                    + "'-'")
        }
        guard !plane.presentDevices.all.contains(where: { $0.name == name }), self[name] == nil else {
            throw FIBError(.eexist, .deviceExists, "there is a device '\(name)' already; choose another name")
        }
        guard all.count < Self.limit else {
            throw FIBError(
                .enobufs, .tooManyDevices, "there are \(Self.limit) simulated switches, which is the limit; remove one")
        }
    }

    /// A further switch begins. Names are given by one thread at a time, those of drivers included.
    ///
    /// - Parameter begins: whether it starts at once. Else it is idle, and its name is taken all the same.
    /// - Throws: EINVAL if there can't be a device of that name, EEXIST if there is one, ENOBUFS if there are 16 switches.
    @discardableResult
    public func add(
        _ name: String, _ settings: SwitchSettings, begins: Bool = true
    ) throws(FIBError) -> SimulatedSwitch {
        try check(name)
        // What one of that name said before a restart of the server is not known any more, and a follower of then must not
        // take this one for it.
        if plane.storeStatus != nil { plane.forgetDevice(name) }
        let added = SimulatedSwitch(name, settings, plane, clock: clock)
        switches.withLock { switches in
            switches.insert(added, at: switches.firstIndex { $0.name > name } ?? switches.endIndex)
        }
        if begins { added.start() }
        return added
    }

    /// Ends it. The number of the change; nil if that makes none, as it has no device, or if there is no such switch.
    public func remove(_ name: String) -> ChangeSequence? {
        let removed: SimulatedSwitch? = switches.withLock { switches in
            switches.firstIndex { $0.name == name }.map { switches.remove(at: $0) }
        }
        return removed?.remove()
    }

    /// Has those of these names program the first route of a prefix once more.
    public func retry(_ names: [String], _ table: TableIdentity, _ key: RouteKey) {
        for member in all where names.contains(member.name) { member.retry(table, key) }
    }

    /// All leave the chain; nothing is reported any more.
    public func stop() {
        for member in all { member.stop() }
    }
}
