internal import Glibc
internal import Synchronization
internal import Threads

extension LockRank {
    /// Outside all that sources lock, since it is held while they are called.
    static let streamTurn = LockRank(2, "stream turn")
}

/// The right to touch event streams. One thread has it at a time, for one turn.
struct StreamTurn: ~Copyable, Sendable {
    private let lock = Locked<Void>((), rank: .streamTurn)
    private let holder = Atomic<UInt>(0)

    /// Waits for it.
    func take<Result>(_ body: () -> Result) -> Result { lock.withLock { _ in hold(body) } }

    /// nil if another thread has it.
    func takeIfFree<Result>(_ body: () -> Result) -> Result? { lock.withLockIfAvailable { _ in hold(body) } }

    var isMine: Bool { holder.load(ordering: .relaxed) == UInt(pthread_self()) }

    private func hold<Result>(_ body: () -> Result) -> Result {
        holder.store(UInt(pthread_self()), ordering: .relaxed)
        defer { holder.store(0, ordering: .relaxed) }
        return body()
    }
}
