internal import Glibc

/// A value that threads can wait for: each change of it lets all who wait look again.
///
/// SAFETY: `state` is touched only while `mutex` is held; `changed` is used with it alone; both live until `deinit`.
@safe public final class Monitor<State: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var state: State

    public init(_ state: State) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
        self.state = state
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    public func withLock<Result>(_ body: (State) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body(state)
    }

    /// Changes the value and lets all look who wait.
    public func change(_ body: (inout State) -> Void) {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        body(&state)
        unsafe pthread_cond_broadcast(changed)
    }

    /// Waits until `look`, asked now and after each change, gives something. Nil when the time is over.
    public func wait<Found>(seconds: Int, _ look: (State) -> Found?) -> Found? {
        var end = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &end)
        end.tv_sec += seconds
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let found = look(state) { return found }
            if unsafe pthread_cond_timedwait(changed, mutex, &end) == ETIMEDOUT { return look(state) }
        }
    }
}
