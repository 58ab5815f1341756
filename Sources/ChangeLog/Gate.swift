internal import Threads

extension LockRank {
    /// The gate is outermost: who holds any other lock may not wait for it.
    static let gate = LockRank(10, "gate")
    /// The retained log's lock: taken last on the way of a write, held for an append or a short read.
    static let log = LockRank(900, "log")
}

/// The one door between deciding a change and its number.
///
/// A single write holds it *shared* from its first visible mutation to its append to the log. Who needs a moment at
/// which no write is half done (a snapshot, a transaction) holds it *exclusively*, briefly. So a snapshot taken at
/// number S holds every change up to S and none later, whatever runs beside it. The edge that makes this sound: a
/// writer's release of the shared hold happens before the acquisition of the exclusive hold, so all that it wrote
/// under its own locks, and its number, are visible there.
public final class Gate: Sendable {
    private let lock = ReadWriteLock(rank: .gate)

    public init() {}

    public func withShared<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try lock.withShared(body)
    }

    /// nil, at once, while someone holds the gate exclusively or waits to. For threads that must not wait.
    public func withSharedIfAvailable<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        try lock.withSharedIfAvailable(body)
    }

    public func withExclusive<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try lock.withExclusive(body)
    }
}
