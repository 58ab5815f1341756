public import Glibc

/// A value that can be reached only while its lock is held.
///
/// The lock is a `pthread_mutex_t`, not `Synchronization.Mutex`: that one hands over between threads inside the kernel
/// (`FUTEX_UNLOCK_PI`), which the thread sanitizer can't see, so that every contended lock would be reported as a race.
/// Not recursive. Cost: about 20 ns uncontended; who finds it taken spins a moment before it sleeps.
///
/// SAFETY: `state` is touched only between lock and unlock of `mutex`, whose address never changes; both live until
/// `deinit`, which runs when no one can call any more. That makes the class Sendable whatever State is.
@safe public final class Locked<State>: @unchecked Sendable {
    @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let state: UnsafeMutablePointer<State>
    @usableFromInline let rank: LockRank

    public init(_ initial: sending State, rank: LockRank) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe state = .allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        // Who finds it taken looks again a hundred times before he sleeps: to be woken costs 20 µs, most sections take less than one.
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        unsafe pthread_mutex_init(mutex, &attributes)
        unsafe pthread_mutexattr_destroy(&attributes)
        unsafe state.initialize(to: initial)
        self.rank = rank
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` with the lock held, waiting for it if need be.
    @inlinable
    public func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        willAcquire()
        unsafe pthread_mutex_lock(mutex)
        defer { release() }
        return try unsafe body(&state.pointee)
    }

    /// Runs `body` if the lock is free at this moment; nil, at once, if it is not.
    @inlinable
    public func withLockIfAvailable<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard unsafe pthread_mutex_trylock(mutex) == 0 else { return nil }
        willAcquire()
        defer { release() }
        return try unsafe body(&state.pointee)
    }

    @inlinable
    func willAcquire() {
        #if DEBUG
        HeldLocks.willAcquire(rank)
        #endif
    }

    @inlinable
    func release() {
        unsafe pthread_mutex_unlock(mutex)
        #if DEBUG
        HeldLocks.didRelease(rank)
        #endif
    }
}
