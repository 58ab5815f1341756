internal import Glibc
internal import Synchronization

/// Lets one thread sleep until others have something for it. Raising it while that thread is awake costs one atomic
/// operation, so it can be done for every item.
@safe public final class Signal: @unchecked Sendable {
    private static let awake = 0
    private static let raised = 1
    private static let asleep = 2

    // SAFETY: `condition` is used with `mutex` alone; both live until `deinit`, which runs when no one can call any more.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let state = Atomic<Int>(Signal.awake)

    public init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Has the next `wait`, or the one that goes on, return. Any thread; takes a lock only if the other one sleeps.
    public func raise() {
        guard state.exchange(Signal.raised, ordering: .acquiringAndReleasing) == Signal.asleep else { return }
        // The sleeper looks at the state under the mutex before it waits, so it either sees the new one or is woken.
        unsafe pthread_mutex_lock(mutex)
        unsafe pthread_cond_signal(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Returns once the signal was raised since the last return, or the time is over. For one thread.
    public func wait(milliseconds: Int? = nil) {
        let (slept, _) = state.compareExchange(
            expected: Signal.awake, desired: Signal.asleep, ordering: .acquiringAndReleasing)
        if slept { sleep(milliseconds) }
        // Not a plain store: a raise that falls in between must be ordered before what is looked at next.
        _ = state.exchange(Signal.awake, ordering: .acquiringAndReleasing)
    }

    private func sleep(_ milliseconds: Int?) {
        var end = timespec()
        if let milliseconds {
            unsafe clock_gettime(CLOCK_MONOTONIC, &end)
            let nanoseconds = end.tv_nsec + milliseconds % 1_000 * 1_000_000
            end.tv_sec += milliseconds / 1_000 + nanoseconds / 1_000_000_000
            end.tv_nsec = nanoseconds % 1_000_000_000
        }
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while state.load(ordering: .acquiring) == Signal.asleep {
            if milliseconds == nil {
                unsafe pthread_cond_wait(condition, mutex)
            } else if unsafe pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT {
                return
            }
        }
    }
}
