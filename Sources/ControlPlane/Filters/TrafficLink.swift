internal import ChangeLog
internal import JSON
internal import Routing
internal import Synchronization
internal import Threads
internal import TrafficControl

/// What the filters of all namespaces have in common.
struct TrafficGround: Sendable {
    let gate: Gate
    let global = Traffic.GlobalLock()
    /// In milliseconds since 1970.
    let clock: @Sendable () -> UInt64
    /// What is done between parts of something long.
    let pause = Locked(Pause(), rank: .leaf)

    /// See `ControlPlane.Hooks` for why it is a struct.
    struct Pause {
        var body: @Sendable () -> Void = {}
    }

    /// For who looks at what a store holds, and changes nothing.
    static var ofReaders: TrafficGround { TrafficGround(gate: Gate()) { 0 } }
}

/// What the filters of one namespace need of the control plane: numbers for their changes, the hashes of their entries, the time.
///
/// SAFETY: Sendable although two of its properties change: the log is set before the namespace is known to anyone, and forgotten when
/// no one holds that any more, as all do who number changes; the draft is set only by who holds the gate exclusively, while all others
/// who number changes hold it shared.
final class TrafficLink: TrafficHost, @unchecked Sendable {
    let namespace: String
    private let ground: TrafficGround
    private(set) var log: Log<Change>?
    private var draft: TrafficDraft?
    /// Why changes happen; mostly there is none that has a reason.
    private let causes = Locked<[Occasion: ChangeBatch.Cause]>([:], rank: .leaf)
    private let hasCauses = Atomic<Bool>(false)

    init(_ namespace: String, _ ground: TrafficGround) {
        self.namespace = namespace
        self.ground = ground
    }

    /// Changes are numbered from now on. Before anyone else knows of it.
    func connect(_ log: Log<Change>) { self.log = log }

    /// The namespace goes, and no one changes anything any more: a log has actions, which lead to chains, and these have the link.
    func disconnect() { log = nil }

    var isNumbering: Bool { draft?.isNumbering ?? (log != nil) }

    var now: UInt64 { ground.clock() }

    func pause() { ground.pause.withLock { $0.body }() }

    func hash(_ entry: TrafficEntry) -> EntryHash {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append(entry, namespace)
        return EntryHash(of: bytes.span)
    }

    func text(of options: any FilterOptions, _ flags: FilterFlags, classID: UInt32, kind: String) -> [UInt8] {
        TrafficText.options(options, flags, classID: classID, kind: kind)
    }

    func commit(
        _ count: Int, because removal: ChangeSequence?, _ make: (Int, ChangeSequence) -> TrafficChange
    ) {
        if let draft { return draft.commit(count, namespace, make) }
        guard let log else { return }
        var batch: ChangeBatch?
        log.append(count: count) { index, sequence in
            let change = make(index, sequence)
            if index == 0 { batch = self.batch(of: change, because: removal, count, sequence) }
            return Change(change, in: namespace, sequence, batch)
        }
    }

    /// Changes that were made together belong together, and so do those with a cause.
    private func batch(
        of change: TrafficChange, because removal: ChangeSequence?, _ count: Int, _ sequence: ChangeSequence
    ) -> ChangeBatch? {
        let occasion = removal.map { Occasion.removal($0) } ?? change.block.map { .endOf($0) }
        let cause = hasCauses.load(ordering: .relaxed) ? causes.withLock { all in occasion.flatMap { all[$0] } } : nil
        return count > 1 || cause != nil ? ChangeBatch(transaction: sequence, cause: cause) : nil
    }

    /// On what occasion changes happen that no one asked for.
    enum Occasion: Hashable {
        /// All that is in the block goes.
        case endOf(BlockIdentity.Place)
        /// Something that actions name is gone, or their namespace, by the change of that number.
        case removal(ChangeSequence)
    }

    func setCause(_ cause: ChangeBatch.Cause?, of occasion: Occasion) {
        causes.withLock { causes in
            causes[occasion] = cause
            hasCauses.store(!causes.isEmpty, ordering: .relaxed)
        }
    }

    // MARK: Drafts

    /// Within the exclusive gate: changes that are made in `body` go into the draft instead of the log.
    func drafting<Result, Failure: Error>(
        into draft: TrafficDraft, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        self.draft = draft
        defer { self.draft = nil }
        return try body()
    }
}

/// Changes of filters that aren't numbered yet, or never will be.
final class TrafficDraft {
    private(set) var changes: [Change] = []
    private let first: ChangeSequence?
    private let batch: ChangeBatch?

    /// - Parameter first: the number of the first change.
    init(first: ChangeSequence, _ batch: ChangeBatch) {
        self.first = first
        self.batch = batch
    }

    /// Forgets all changes.
    init() { (first, batch) = (nil, nil) }

    fileprivate var isNumbering: Bool { first != nil }

    fileprivate func commit(_ count: Int, _ namespace: String, _ make: (Int, ChangeSequence) -> TrafficChange) {
        guard let first else { return }
        for index in 0..<count {
            let sequence = first.advanced(by: UInt64(changes.count))
            changes.append(Change(make(index, sequence), in: namespace, sequence, batch))
        }
    }
}

extension TrafficChange {
    /// Of actions, which are in none, nil.
    var block: BlockIdentity.Place? {
        switch self {
        case .chain(let old, let new): (new ?? old)?.identity.block.place
        case .filter(let proto, _, _): proto.chain.block.place
        case .action: nil
        }
    }
}

extension Change {
    init(_ change: TrafficChange, in namespace: String, _ sequence: ChangeSequence, _ batch: ChangeBatch?) {
        let change = TrafficObjectChange(namespace, change)
        self.init(
            sequence: sequence, operation: change.old == nil ? .add : change.new == nil ? .delete : .replace,
            object: .traffic(change), batch: batch)
    }
}
