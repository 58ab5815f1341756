public import ChangeLog
internal import JSON
public import Platform
public import Routing
public import Storage
internal import Synchronization
internal import Threads
internal import TrafficControl

/// The running system: all namespaces and their tables, the gate that every change goes through, and the history.
///
/// Safe to use from any thread. Lock order: gate, namespaces, one namespace, log.
public final class ControlPlane: Sendable {
    public struct Limits: Sendable {
        /// Bytes of retained history.
        public var logBytes: Int
        public var namespaces = 4_096
        public var listeners = 1_000
        /// Bytes of journal after which the state is written down anew.
        public var checkpointBytes = 32 << 20
        /// Bytes of changes that may wait for the disk.
        public var pendingBytes = 64 << 20
        /// Threads that may wait for the disk at a time, of those that others need too.
        public var waitingWorkers = 1
        /// Changes that one member of the chain may be behind.
        public var chainBacklog = 1 << 20
        /// How often peers are stored, in seconds.
        public var peerStorageSeconds: UInt32 = 30
        public var cachedRoutes = 65_536
        /// After so long without a check, in seconds, a cached route goes.
        public var cachedRouteIdleSeconds: UInt32 = 300
        public init(logBytes: Int) { self.logBytes = logBytes }
    }

    /// Names this history: another one means that all numbers from before are void. 16 hexadecimal digits.
    public let epoch: String
    public let log: Log<Change>
    let limits: Limits
    /// The time of day, in milliseconds since 1970; by it routes expire.
    let clock: @Sendable () -> UInt64
    let gate: Gate
    /// What the filters of all namespaces have in common.
    let trafficGround: TrafficGround
    /// Sorted by name.
    let namespaces: Locked<[Namespace]>
    /// Who programs routes into hardware: what each namespace has a copy of, for those who look from outside.
    let devices = Locked(Devices(), rank: .leaf)
    /// Those that take filters, by their lines. Changes within the exclusive gate.
    let filterDevices = Locked<[ChangeSequence: any FilterDevice]>([:], rank: .leaf)
    /// Whether there are any: without, no request takes that lock.
    let hasDevices = Atomic<Bool>(false)
    /// How far devices have come, by their lines.
    let progress = Locked<[ChangeSequence: ChangeSequence]>([:], rank: .leaf)
    /// Links with which something is wrong, by namespace: what each namespace knows of its own. Changes within the exclusive
    /// gate.
    let impairments: Locked<[String: [String: LinkImpairment]]>
    /// Whether there are any: without, no request takes that lock.
    let hasImpairments = Atomic<Bool>(false)
    /// In the order of their ids.
    let listeners: Locked<[StoredListener]>
    /// What devices are set to. Changes within the exclusive gate.
    let deviceObjects: Locked<DeviceObjects>
    /// Flushes and cascades that are not through, by what brought them about.
    let operations: Locked<[ChangeSequence: RunningOperation]>
    let chain = NotifierChain()
    public let latencies = Latencies()
    let peersStored = Locked(PeersStored(), rank: .peerStorage)
    let cachedRoutes = CachedRoutes()
    private let durabilitySample = DurabilitySample()
    /// Namespaces that came and went, with all calls of the chain for those that went: so that the sum over all namespaces
    /// never comes back to what it was. Read and moved within the exclusive gate.
    let callsOfNamespaces = Locked<UInt64>(0, rank: .leaf)
    /// Nil if memory is all there is.
    let journal: Journal?
    let journalThread = Locked<Thread?>(nil, rank: .leaf)
    /// Those that finish what a full disk has cut.
    let operationThreads = Locked<[Thread]>([], rank: .leaf)
    let hooks = Locked(Hooks(), rank: .leaf)

    /// Closures in a struct: one that is stored bare behind a generic lock gets wrapped in another thunk by every access,
    /// and the chain of them is run through at every call.
    struct Hooks {
        var visible: @Sendable () -> Void = {}
        var progress: @Sendable () -> Void = {}
        var storeStatus: @Sendable (JournalStatus) -> Void = { _ in }
    }

    /// With memory as the only store.
    public init(limits: Limits, clock: @escaping @Sendable () -> UInt64 = { WallClock.milliseconds }) {
        self.limits = limits
        self.clock = clock
        gate = Gate()
        trafficGround = TrafficGround(gate: gate, clock: clock)
        log = Log(byteLimit: limits.logBytes)
        namespaces = Locked([], rank: .namespaces)
        listeners = Locked([], rank: .listeners)
        deviceObjects = Locked(DeviceObjects(), rank: .leaf)
        operations = Locked([:], rank: .leaf)
        impairments = Locked([:], rank: .leaf)
        journal = nil
        epoch = Self.newEpoch()
        trafficGround.pause.withLock { $0.body = { [weak self] in self?.pauseTraffic() } }
        createDefaultNamespace()
    }

    /// With the state that the store holds. Nothing in it has been changed if this throws.
    public init(
        limits: Limits, store: any Store, clock: @escaping @Sendable () -> UInt64 = { WallClock.milliseconds }
    ) throws(RecoveryError) {
        gate = Gate()
        trafficGround = TrafficGround(gate: gate, clock: clock)
        let recovery = try Recovery(store, logBytes: limits.logBytes, trafficGround)
        self.limits = limits
        self.clock = clock
        log = recovery.log
        namespaces = Locked(recovery.namespaces.values.sorted { $0.name < $1.name }, rank: .namespaces)
        listeners = Locked(recovery.listeners.values.sorted { $0.id < $1.id }, rank: .listeners)
        deviceObjects = Locked(recovery.devices, rank: .leaf)
        operations = Locked(recovery.operations.mapValues { RunningOperation($0, isRunning: false) }, rank: .leaf)
        impairments = Locked(recovery.impairments, rank: .leaf)
        epoch = store.contents.epoch
        for namespace in recovery.namespaces.values { namespace.trafficLink.connect(log) }
        let journal = Journal(
            log, store,
            .init(
                checkpointBytes: limits.checkpointBytes, pendingBytes: limits.pendingBytes,
                waitingWorkers: limits.waitingWorkers))
        self.journal = journal
        hasImpairments.store(!recovery.impairments.isEmpty, ordering: .releasing)
        trafficGround.pause.withLock { $0.body = { [weak self] in self?.pauseTraffic() } }
        try start(journal, recovery.place)
    }

    public static func newEpoch() -> String {
        var random = SystemRandomNumberGenerator()
        var digits: [UInt8] = []
        digits.appendHex(random.next(), digits: 16)
        return String(decoding: digits, as: UTF8.self)
    }

    /// Called after changes can be told: on the thread that made them, or, with a store, on the journal's when they are
    /// durable; with no lock of the core held. It must not block.
    public func whenVisible(_ action: @escaping @Sendable () -> Void) {
        hooks.withLock { $0.visible = action }
    }

    /// After changes, with no lock held.
    func committed() {
        guard let journal else { return becameDurable() }
        // Changes of peers wait for no disk, and would be most of what is measured.
        if log.unsettledBytes > 0 { durabilitySample.begin(log.head, log.durable) }
        journal.signal.raise()
    }

    func becameDurable() {
        durabilitySample.end(log.durable, latencies.durable)
        for overrun in chain.dispatch(log) { takeOff(overrun) }
        hooks.withLock { $0.visible }()
    }

    /// The whole state as of one number. Waits for writes that are half done; holds the gate for microseconds.
    public func snapshot() -> Snapshot {
        gate.withExclusive { snapshotWithinGate() }
    }

    func snapshotWithinGate() -> Snapshot {
        let all = namespaces.withLock { $0 }
        let parts = all.map(\.snapshotPart)
        let unfinished = operations.withLock { $0.values.map(\.operation) }
        return Snapshot(
            sequence: log.head, namespaces: parts, deviceObjects: keptDevices,
            context: RowContext(devices: devices.withLock { $0 }, impairments: impairments.withLock { $0 }),
            listeners: listeners.withLock { $0 }, hasHadPeers: log.hasAside, unfinished: unfinished)
    }

    func namespace(_ name: String) throws(FIBError) -> Namespace {
        let found: Namespace? = namespaces.withLock { all in
            let place = all.firstIndex(atOrAfter: name)
            return place < all.count && all[place].name == name ? all[place] : nil
        }
        guard let found else { throw Self.namespaceNotFound(name) }
        return found
    }

    public static func namespaceNotFound(_ name: String) -> FIBError {
        FIBError(
            .enoent, .namespaceNotFound, "there is no namespace '\(name)'; create it with PUT /v1/namespaces/\(name)")
    }
}

extension Array where Element == Namespace {
    func firstIndex(atOrAfter name: String) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
