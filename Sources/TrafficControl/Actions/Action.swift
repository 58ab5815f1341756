public import Atomics
public import ChangeLog
internal import Synchronization

/// An action with its index: what filters share. What it does may be replaced, for all of them at once.
public final class Action: Sendable {
    public let kind: String
    /// 1 and up, among the actions of its kind in the namespace.
    public let index: UInt32
    /// Nil until the filter is there that it was made for.
    private let current = ManagedAtomic<StoredAction?>(nil)
    public let counters: ActionCounters

    public init(_ kind: String, _ index: UInt32, now: UInt64) {
        self.kind = kind
        self.index = index
        counters = ActionCounters(installed: now)
    }

    /// As it is now.
    public var stored: StoredAction {
        guard let stored = current.load(ordering: .acquiring) else {
            preconditionFailure("\(kind) \(index) isn't there yet")
        }
        return stored
    }

    /// Whether it is there, or kept for a filter that is being made.
    var isSet: Bool { current.load(ordering: .acquiring) != nil }

    /// Before anyone else knows of it, or under the lock of its table.
    func set(_ stored: StoredAction) { current.store(stored, ordering: .releasing) }
}

/// An action as it is kept. It never changes.
public final class StoredAction: ImageValue, AtomicReference {
    public let index: UInt32
    public let content: ActionContent
    public let version: ChangeSequence
    public let hash: EntryHash
    public let marks: ActionMarks
    /// Whether it was made by itself, and so stays when no filter has it.
    public let isOwn: Bool
    /// The chain that it sends packets to, of the block of the filter that it was made with.
    public let target: ChainIdentity?
    /// That chain, which it holds; nil if the block is gone.
    let chain: Chain?

    init(
        _ index: UInt32, _ content: ActionContent, _ marks: ActionMarks, isOwn: Bool, _ chain: Chain?,
        version: ChangeSequence, hash: EntryHash
    ) {
        self.index = index
        self.content = content
        self.marks = marks
        self.isOwn = isOwn
        self.chain = chain
        target = chain?.identity
        self.version = version
        self.hash = hash
    }

    /// As it was kept.
    public init(
        _ index: UInt32, _ content: ActionContent, _ marks: ActionMarks, isOwn: Bool, target: ChainIdentity?,
        version: ChangeSequence, hash: EntryHash
    ) {
        self.index = index
        self.content = content
        self.marks = marks
        self.isOwn = isOwn
        self.target = target
        chain = nil
        self.version = version
        self.hash = hash
    }

    /// The chain that it sends packets to, unless the block of that is gone: another one may have its name by now.
    public var presentTarget: ChainIdentity? {
        chain?.block.isGone.load(ordering: .relaxed) ?? false ? nil : target
    }

    /// The same, with the chain found that it leads to.
    func leading(to chain: Chain?) -> StoredAction {
        guard let chain else { return self }
        return StoredAction(index, content, marks, isOwn: isOwn, chain, version: version, hash: hash)
    }
}

/// What an action has done (R4-99).
public final class ActionCounters: Sendable {
    private let packetCount = Synchronization.Atomic<UInt64>(0)
    private let byteCount = Synchronization.Atomic<UInt64>(0)
    private let dropCount = Synchronization.Atomic<UInt64>(0)
    private let firstUse = Synchronization.Atomic<UInt64>(0)
    private let lastUse = Synchronization.Atomic<UInt64>(0)
    /// When it was made, in milliseconds since 1970.
    public let installed: UInt64

    init(installed: UInt64) { self.installed = installed }

    public var packets: UInt64 { packetCount.load(ordering: .relaxed) }
    public var bytes: UInt64 { byteCount.load(ordering: .relaxed) }
    public var drops: UInt64 { dropCount.load(ordering: .relaxed) }
    /// In milliseconds since 1970; 0 if never.
    public var firstUsed: UInt64 { firstUse.load(ordering: .relaxed) }
    public var lastUsed: UInt64 { lastUse.load(ordering: .relaxed) }

    /// How many it has met, this one included.
    @discardableResult
    func count(bytes: UInt64, isDropped: Bool, now: UInt64) -> UInt64 {
        byteCount.wrappingAdd(bytes, ordering: .relaxed)
        if isDropped { dropCount.wrappingAdd(1, ordering: .relaxed) }
        _ = firstUse.compareExchange(expected: 0, desired: now, ordering: .relaxed)
        lastUse.store(now, ordering: .relaxed)
        return packetCount.wrappingAdd(1, ordering: .relaxed).newValue
    }
}
