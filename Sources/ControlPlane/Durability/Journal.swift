internal import ChangeLog
internal import Routing
internal import Storage
internal import Synchronization
internal import Threads

/// Makes changes durable: takes them from the log in the order of their numbers and commits as many at once as have come
/// while the disk was busy with those before.
///
/// One thread of its own does all that. Others wake it after a change, and learn from `log.durable` how far it is.
final class Journal: Sendable {
    struct Settings: Sendable {
        /// Bytes of journal after which the state is written down anew.
        var checkpointBytes = 32 << 20
        /// Bytes of changes that may wait for the disk.
        var pendingBytes = 64 << 20
        /// Writers on workers that may wait for room at a time; further ones are refused, so that others find a worker.
        var waitingWorkers = 1
    }

    /// Numbers that are reserved at a time, far more than can wait for the disk (half a million, and a transaction of each
    /// worker beyond that), so that no number that was given out is above the reserved ones, whenever the process ends.
    static let reservation: UInt64 = 1 << 24

    let log: Log<Change>
    let store: any Store
    let settings: Settings
    let signal = Signal()
    private let shared = Monitor(JournalStatus.writing)
    /// What `shared` says, for those who only want to know whether all is well.
    private let isWriting = Atomic<Bool>(true)
    private let stops = Atomic<Bool>(false)
    private let waitingWorkers = Atomic<Int>(0)

    init(_ log: Log<Change>, _ store: any Store, _ settings: Settings) {
        self.log = log
        self.store = store
        self.settings = settings
    }

    var status: JournalStatus { shared.withLock { $0 } }
    /// Once true, all changes that there will ever be are in the log.
    var isStopping: Bool { stops.load(ordering: .acquiring) }

    func setStatus(_ status: JournalStatus) {
        isWriting.store(status == .writing, ordering: .relaxed)
        shared.change { $0 = status }
    }

    /// Lets those look again who wait for room.
    func announceRoom() { shared.change { _ in } }

    /// From now on, no change is admitted.
    func close() { if case .failed = status {} else { setStatus(.closed) } }

    /// Ends the thread once everything is durable, or can't become so.
    func stop() {
        stops.store(true, ordering: .releasing)
        signal.raise()
    }

    // MARK: Admission

    private var hasRoom: Bool { log.unsettledBytes < settings.pendingBytes }

    /// Whether a change may be made now, and whether half of the room is free: what was put off then goes on.
    var takesMore: Bool { isWriting.load(ordering: .relaxed) && log.unsettledBytes < settings.pendingBytes / 2 }

    /// Whether a change may be made now. False only for who doesn't wait.
    ///
    /// Before the gate: it may wait, up to half a minute, while too much waits for the disk.
    func admit(_ patience: Patience) throws(FIBError) -> Bool {
        if isWriting.load(ordering: .relaxed), hasRoom { return true }
        if let refusal = Self.refusal(status) { throw refusal }
        switch patience {
        case .none: return false
        case .ofItsOwn: return try awaitRoom()
        case .ofWorker:
            defer { waitingWorkers.wrappingSubtract(1, ordering: .relaxed) }
            guard waitingWorkers.wrappingAdd(1, ordering: .relaxed).newValue <= settings.waitingWorkers else {
                throw Self.busy
            }
            return try awaitRoom()
        }
    }

    /// Whether a change may be made that is not stored, but told in its turn.
    func admitVolatile() throws(FIBError) {
        switch status {
        case .failed, .closed: if let refusal = Self.refusal(status) { throw refusal }
        case .writing, .blocked: if !hasRoom { throw Self.busy }
        }
    }

    static let busy = FIBError(
        .ebusy, .storeBusy, "nothing was changed: more changes wait for the disk than it takes; try again later")

    private func awaitRoom() throws(FIBError) -> Bool {
        let outcome = shared.wait(seconds: 30) { status in
            Self.refusal(status).map { Outcome.refused($0) } ?? (self.hasRoom ? .admitted : nil)
        }
        switch outcome {
        case .admitted: return true
        case .refused(let error): throw error
        case nil: throw Self.busy
        }
    }

    /// Waits, for half a minute at most, until everything up to `sequence` is durable.
    func awaitDurable(_ sequence: ChangeSequence) throws(FIBError) {
        if log.durable >= sequence { return }
        let outcome = shared.wait(seconds: 30) { status in
            if self.log.durable >= sequence { return Outcome.admitted }
            return Self.refusal(status).map { .refused($0) }
        }
        switch outcome {
        case .admitted: return
        case .refused(let error): throw error
        case nil: throw Self.busy
        }
    }

    private enum Outcome { case admitted, refused(FIBError) }

    private static func refusal(_ status: JournalStatus) -> FIBError? {
        switch status {
        case .writing: nil
        case .blocked(let why):
            FIBError(.enospc, .storeFull, "nothing was changed, since it could not be kept: \(why)")
        case .failed(let why): FIBError(.ebusy, .storeFailed, "nothing was changed, since the store has failed: \(why)")
        case .closed: FIBError(.ebusy, .storeFailed, "nothing was changed, since the server is stopping")
        }
    }
}
