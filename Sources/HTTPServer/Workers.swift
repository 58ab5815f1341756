internal import Synchronization
internal import Threads

/// The worker pool with an admission limit.
///
/// Work of new requests is refused when too much waits. What continues work that was accepted (the next piece of a body,
/// the end of an upload) never is: its amount is bounded by the number of connections.
final class Workers: Sendable {
    private let pool: WorkerPool
    private let waiting = Atomic<Int>(0)
    private let capacity: Int

    init(threads: Int, capacity: Int) {
        pool = WorkerPool(name: "http-worker", threads: threads, capacity: .max)
        self.capacity = capacity
    }

    /// False, and nothing will run, when `capacity` jobs wait already.
    func admit(_ job: @escaping @Sendable () -> Void) -> Bool {
        guard waiting.load(ordering: .relaxed) < capacity else { return false }
        proceed(job)
        return true
    }

    /// Runs `job` on a worker; in place if the pool has been shut down, so that nothing is left without its end.
    func proceed(_ job: @escaping @Sendable () -> Void) {
        waiting.wrappingAdd(1, ordering: .relaxed)
        let counted: @Sendable () -> Void = {
            self.waiting.wrappingSubtract(1, ordering: .relaxed)
            job()
        }
        if !pool.submit(counted) { counted() }
    }

    /// Runs what was taken, then ends the threads.
    func shutDown() { pool.shutDown() }
}
