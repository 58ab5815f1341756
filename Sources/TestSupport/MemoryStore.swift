public import Storage
internal import Threads

/// A store that keeps everything in memory, fails when it is told to, and can make who commits wait: for tests of what
/// uses a store. Its own calls may come from any thread.
public final class MemoryStore: Store {
    /// What it holds that a real one would still have after a crash.
    private struct Kept {
        var contents: StoreContents
        var parts: [[UInt8]] = []
        var batches: [JournalBatch] = []
        var last: UInt64 = 0
        /// Parts of a checkpoint that isn't finished, and how many there are of others that are to be removed.
        var making: (sequence: UInt64, bodies: [[UInt8]])?
        var obsoleteParts = 0
    }

    private struct State {
        var kept: Kept
        var commits = 0
        var tidied = 0
        /// Errors by the number of the commit that they come from, counted from 1.
        var failures: [Int: StoreError] = [:]
        /// What all commits fail with.
        var refusal: StoreError?
        var isClosed = false
        /// Called once, when it is next asked for obsolete rows.
        var whenAsked: (@Sendable () -> Void)?
        /// While commits are held: an item for each commit that may go on.
        var permits: WorkQueue<Void>?
        var waiting = 0
    }

    private let state: Locked<State>

    public init(epoch: String = "0123456789abcdef", reserved: UInt64 = 0) {
        let kept = Kept(contents: StoreContents(epoch: epoch, reserved: reserved))
        state = Locked(State(kept: kept), rank: .leaf)
    }

    private init(_ kept: Kept) { state = Locked(State(kept: kept), rank: .leaf) }

    /// What is found by the next start, after a crash at this moment.
    public func reopened() -> MemoryStore {
        var kept = state.withLock { $0.kept }
        kept.obsoleteParts += kept.making?.bodies.count ?? 0
        kept.making = nil
        return MemoryStore(kept)
    }

    // MARK: What tests tell it, and ask it

    /// Lets the `count`th commit from now on fail; 1 is the next.
    public func failCommit(_ count: Int = 1, with error: StoreError) {
        state.withLock { $0.failures[$0.commits + count] = error }
    }

    /// Lets every commit fail from now on; nil ends that.
    public func refuse(_ error: StoreError?) { state.withLock { $0.refusal = error } }

    /// Lets every commit from now on wait, before it does anything, until it is released.
    public func hold() { state.withLock { $0.permits = $0.permits ?? WorkQueue(capacity: .max) } }

    /// Lets one commit go on: one that waits, or the next.
    public func releaseOne() { _ = state.withLock { $0.permits }?.put(()) }

    /// Lets all commits go on, and none wait any more.
    public func release() {
        let permits = state.withLock { state in
            defer { state.permits = nil }
            return state.permits
        }
        permits?.close()
    }

    /// Calls `action` when the journal's thread has looked for changes the next time, before it does anything about them.
    public func whenAsked(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.whenAsked = action } }

    /// Commits that wait at this moment.
    public var waiting: Int { state.withLock { $0.waiting } }
    /// Commits that were made or failed so far.
    public var commits: Int { state.withLock { $0.commits } }
    /// How often there was time for `tidy`.
    public var tidied: Int { state.withLock { $0.tidied } }
    public var isClosed: Bool { state.withLock { $0.isClosed } }
    public var batches: [JournalBatch] { state.withLock { $0.kept.batches } }

    // MARK: Store

    public var contents: StoreContents { state.withLock { $0.kept.contents } }

    public func readCheckpoint(_ take: ([UInt8]) throws -> Void) throws {
        for body in state.withLock({ $0.kept.parts }) { try take(body) }
    }

    public func readJournal(_ take: (JournalBatch) throws -> Void) throws {
        for batch in batches { try take(batch) }
    }

    public func commit(_ write: StoreWrite) throws(StoreError) {
        waitForPermit()
        try state.withLock { (state) throws(StoreError) in
            precondition(!state.isClosed, "a commit after the end")
            state.commits += 1
            if let failure = state.failures.removeValue(forKey: state.commits) ?? state.refusal { throw failure }
            MemoryStore.apply(write, to: &state.kept)
        }
    }

    public func hasObsoleteRows(upTo bound: UInt64) -> Bool {
        state.withLock { $0.whenAsked.take() }?()
        return state.withLock { state in
            let bound = min(bound, state.kept.contents.checkpoint?.sequence ?? 0)
            return state.kept.obsoleteParts > 0 || state.kept.batches.first.map { $0.last <= bound } ?? false
        }
    }

    public func tidy() { state.withLock { $0.tidied += 1 } }

    public func close() { state.withLock { $0.isClosed = true } }

    private func waitForPermit() {
        let permits = state.withLock { state in
            if state.permits != nil { state.waiting += 1 }
            return state.permits
        }
        guard let permits else { return }
        permits.take()
        state.withLock { $0.waiting -= 1 }
    }

    private static func apply(_ write: StoreWrite, to kept: inout Kept) {
        if let reserved = write.reserved { kept.contents.reserved = reserved }
        for batch in write.batches {
            precondition(batch.first > kept.last && batch.last >= batch.first, "a batch out of order")
            kept.last = batch.last
            kept.contents.reserved = max(kept.contents.reserved, batch.last)
            kept.batches.append(batch)
        }
        if let (sequence, bodies) = write.parts {
            beginCheckpoint(sequence, &kept)
            kept.making?.bodies += bodies
        }
        if let checkpoint = write.checkpoint {
            beginCheckpoint(checkpoint.sequence, &kept)
            let bodies = kept.making?.bodies ?? []
            precondition(bodies.count == checkpoint.parts, "a checkpoint without all its parts")
            kept.obsoleteParts += kept.parts.count
            (kept.parts, kept.making, kept.contents.checkpoint) = (bodies, nil, checkpoint)
        }
        remove(write, from: &kept)
    }

    private static func beginCheckpoint(_ sequence: UInt64, _ kept: inout Kept) {
        guard kept.making?.sequence != sequence else { return }
        kept.obsoleteParts += kept.making?.bodies.count ?? 0
        kept.making = (sequence, [])
    }

    private static func remove(_ write: StoreWrite, from kept: inout Kept) {
        let bound = min(write.obsoleteUpTo, kept.contents.checkpoint?.sequence ?? 0)
        let count = kept.batches.prefix(write.removals).prefix { $0.last <= bound }.count
        kept.batches.removeFirst(count)
        kept.obsoleteParts -= min(kept.obsoleteParts, write.removals - count)
    }
}
