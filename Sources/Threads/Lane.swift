internal import Glibc

/// Jobs that run one after the other, in order, on the threads of a pool that many lanes share. A bounded number of them
/// waits; who brings another waits too.
///
/// The second half of a pipeline: the thread that fills the lane is one, the thread that works it off another.
///
/// SAFETY: every stored property below `hasRun` is touched only while `mutex` is held; `hasRun` is used with it alone.
@safe public final class Lane: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    /// Signalled after each job.
    private let hasRun: UnsafeMutablePointer<pthread_cond_t>
    private let pool: WorkerPool
    private let capacity: Int
    private var jobs: [@Sendable () -> Void] = []
    /// A job of this lane is in the pool's queue or on one of its threads.
    private var isRunning = false

    public init(pool: WorkerPool, capacity: Int) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe hasRun = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(hasRun, nil)
        self.pool = pool
        self.capacity = capacity
    }

    deinit {
        unsafe pthread_cond_destroy(hasRun)
        unsafe pthread_mutex_destroy(mutex)
        unsafe hasRun.deallocate()
        unsafe mutex.deallocate()
    }

    /// Waits while `capacity` jobs wait. Not from a thread of the pool, which this lane may need.
    public func submit(_ job: @escaping @Sendable () -> Void) {
        unsafe pthread_mutex_lock(mutex)
        while jobs.count >= capacity { unsafe pthread_cond_wait(hasRun, mutex) }
        jobs.append(job)
        let mustStart = !isRunning
        isRunning = true
        unsafe pthread_mutex_unlock(mutex)
        if mustStart { start() }
    }

    /// Returns when everything that was submitted has run.
    public func drain() {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while isRunning { unsafe pthread_cond_wait(hasRun, mutex) }
    }

    private func start() {
        // In place once the pool has been shut down, so that nothing is left undone.
        if !pool.submit({ self.run() }) { run() }
    }

    /// Job after job on one thread, whose caches know the data by then; but behind the other lanes as soon as one waits.
    private func run() {
        while runOne() {
            if !pool.hasNoneWaiting { return start() }
        }
    }

    /// False if that was the last.
    private func runOne() -> Bool {
        unsafe pthread_mutex_lock(mutex)
        let job = jobs.removeFirst()
        unsafe pthread_mutex_unlock(mutex)
        job()
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        isRunning = !jobs.isEmpty
        unsafe pthread_cond_broadcast(hasRun)
        return isRunning
    }
}
