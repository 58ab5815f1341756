internal import Glibc

/// First in, first out, bounded; takers sleep while it is empty. The queue between the threads that must not wait and
/// those that may.
@safe public final class WorkQueue<Item: Sendable>: @unchecked Sendable {
    // SAFETY: every stored property below `mutex` is touched only while it is held; `available` is used with it alone.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let available: UnsafeMutablePointer<pthread_cond_t>
    private let capacity: Int
    private var items: [Item?]
    private var head = 0
    private var count = 0
    private var isClosed = false

    public init(capacity: Int) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe available = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(available, nil)
        self.capacity = capacity
        items = Array(repeating: nil, count: 16)
    }

    deinit {
        unsafe pthread_cond_destroy(available)
        unsafe pthread_mutex_destroy(mutex)
        unsafe available.deallocate()
        unsafe mutex.deallocate()
    }

    /// False, and nothing is taken, when the queue is full or closed.
    public func put(_ item: Item) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard !isClosed, count < capacity else { return false }
        if count == items.count { grow() }
        items[(head + count) % items.count] = item
        count += 1
        unsafe pthread_cond_signal(available)
        return true
    }

    /// Whether nothing waits at this moment.
    public var isEmpty: Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return count == 0
    }

    /// Waits for an item; nil once the queue is closed and empty.
    public func take() -> Item? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while count == 0 {
            if isClosed { return nil }
            unsafe pthread_cond_wait(available, mutex)
        }
        let item = items[head]
        items[head] = nil
        head = (head + 1) % items.count
        count -= 1
        return item
    }

    /// Nothing more goes in; what is inside is still handed out.
    public func close() {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        isClosed = true
        unsafe pthread_cond_broadcast(available)
    }

    private func grow() {
        var larger: [Item?] = Array(repeating: nil, count: items.count * 2)
        for index in 0..<count { larger[index] = items[(head + index) % items.count] }
        items = larger
        head = 0
    }
}

/// A few threads that run what is put in, first come first served. For work that may block or take long: where processors are
/// short, it gives way somewhat to all who are waited for.
public final class WorkerPool: Sendable {
    private let queue: WorkQueue<@Sendable () -> Void>
    private let threads: [Thread]

    public init(name: String, threads count: Int, capacity: Int) {
        let queue = WorkQueue<@Sendable () -> Void>(capacity: capacity)
        self.queue = queue
        threads = (0..<count).map { index in
            Thread(name: "\(name)-\(index)", niceness: 5) {
                while let job = queue.take() { job() }
            }
        }
    }

    /// False, and nothing will run, when the queue is full or the pool was shut down.
    public func submit(_ job: @escaping @Sendable () -> Void) -> Bool { queue.put(job) }

    /// Whether every job that was submitted is on a thread.
    public var hasNoneWaiting: Bool { queue.isEmpty }

    /// Runs what was submitted, then ends the threads. Returns when they have ended, but for the caller's own.
    public func shutDown() {
        queue.close()
        for thread in threads where !thread.isCurrent { thread.join() }
    }
}
