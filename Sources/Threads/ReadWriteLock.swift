internal import Glibc

/// Many may hold it shared, or one exclusively; who waits to hold it exclusively goes before later sharers.
///
/// It guards nothing by itself (see `Locked`): it orders groups of threads. Not recursive in either mode.
@safe public final class ReadWriteLock: @unchecked Sendable {
    // SAFETY: the lock word is allocated once, used only through pthread calls, and freed when no one can call any more.
    private let lock: UnsafeMutablePointer<pthread_rwlock_t>
    private let rank: LockRank

    public init(rank: LockRank) {
        unsafe lock = .allocate(capacity: 1)
        var attributes = pthread_rwlockattr_t()
        unsafe pthread_rwlockattr_init(&attributes)
        // glibc's default lets a stream of sharers starve an exclusive waiter for good.
        unsafe pthread_rwlockattr_setkind_np(&attributes, Int32(PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP))
        unsafe pthread_rwlock_init(lock, &attributes)
        unsafe pthread_rwlockattr_destroy(&attributes)
        self.rank = rank
    }

    deinit {
        unsafe pthread_rwlock_destroy(lock)
        unsafe lock.deallocate()
    }

    public func withShared<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        willAcquire()
        unsafe pthread_rwlock_rdlock(lock)
        defer { release() }
        return try body()
    }

    /// nil, at once, if someone holds the lock exclusively or waits to.
    public func withSharedIfAvailable<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard unsafe pthread_rwlock_tryrdlock(lock) == 0 else { return nil }
        willAcquire()
        defer { release() }
        return try body()
    }

    public func withExclusive<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        willAcquire()
        unsafe pthread_rwlock_wrlock(lock)
        defer { release() }
        return try body()
    }

    private func willAcquire() {
        #if DEBUG
        HeldLocks.willAcquire(rank)
        #endif
    }

    private func release() {
        unsafe pthread_rwlock_unlock(lock)
        #if DEBUG
        HeldLocks.didRelease(rank)
        #endif
    }
}
