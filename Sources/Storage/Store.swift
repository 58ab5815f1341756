/// Keeps what must outlive the process: a journal of batches in the order of their numbers, and checkpoints, each the
/// whole state as of one number, which stand in for the journal before it.
///
/// A store knows numbers and bytes, not what they mean. It is used by one thread at a time.
public protocol Store: AnyObject, Sendable {
    /// What the store holds: as it was found when it was opened, and after that with what was committed.
    var contents: StoreContents { get }

    /// Reads the parts of the checkpoint that `contents` names, in order.
    func readCheckpoint(_ take: ([UInt8]) throws -> Void) throws

    /// Reads all batches that are still there, in order: also those from before the checkpoint, which tell history.
    func readJournal(_ take: (JournalBatch) throws -> Void) throws

    /// Makes all of it durable, or nothing. When it returns, no loss of power takes it back.
    func commit(_ write: StoreWrite) throws(StoreError)

    /// Does what makes later commits and starts quick, and may take as long as many commits. Called after a commit, when
    /// everyone who waited for that has been told. What goes wrong with it is thrown by the next commit.
    func tidy()

    /// Whether a commit with this `obsoleteUpTo` could remove rows.
    func hasObsoleteRows(upTo bound: UInt64) -> Bool

    /// Ends the use of the store. What was committed is durable whether or not this is called.
    func close()
}

extension Store {
    public func tidy() {}
}

/// What a store holds, apart from batches and parts.
public struct StoreContents: Sendable {
    /// Names this history: 16 hexadecimal digits, made with the store and kept for its life.
    public let epoch: String
    /// Numbers up to this one may have been given out, whether or not a batch has them.
    public var reserved: UInt64
    /// The latest checkpoint that was finished.
    public var checkpoint: Checkpoint?

    public init(epoch: String, reserved: UInt64, checkpoint: Checkpoint? = nil) {
        self.epoch = epoch
        self.reserved = reserved
        self.checkpoint = checkpoint
    }
}

/// Changes that were made durable together.
public struct JournalBatch: Hashable, Sendable {
    /// Numbers of the first and the last change.
    public let first: UInt64
    public let last: UInt64
    public let body: [UInt8]

    public init(first: UInt64, last: UInt64, body: [UInt8]) {
        self.first = first
        self.last = last
        self.body = body
    }
}

/// A finished checkpoint.
public struct Checkpoint: Hashable, Sendable {
    /// It holds every change up to this number and none later.
    public let sequence: UInt64
    /// How many parts it has.
    public let parts: Int
    /// What its maker wants to know of it.
    public let summary: [UInt8]

    public init(sequence: UInt64, parts: Int, summary: [UInt8]) {
        self.sequence = sequence
        self.parts = parts
        self.summary = summary
    }
}

/// What becomes durable together.
public struct StoreWrite: Sendable {
    /// In order, behind all that were committed before.
    public var batches: [JournalBatch] = []
    /// The new value of `StoreContents.reserved`.
    public var reserved: UInt64?
    /// Parts of the checkpoint that is being made at this number, following those that were committed before. Parts of
    /// another one that was begun and not finished are given up.
    public var parts: (sequence: UInt64, bodies: [[UInt8]])?
    /// Finishes the checkpoint whose parts came before, or with this: it takes the place of the previous one.
    public var checkpoint: Checkpoint?
    /// Batches that end at or before this number are no longer needed, if the checkpoint covers them.
    public var obsoleteUpTo: UInt64 = 0
    /// How many rows that are no longer needed may be removed on the way: many at once would hold up who waits.
    public var removals = 0

    public init() {}

    public var isEmpty: Bool {
        batches.isEmpty && reserved == nil && parts == nil && checkpoint == nil && removals == 0
    }
}
