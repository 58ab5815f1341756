internal import Glibc
internal import Synchronization

/// Where the event thread notes that streams are to be woken. It does so under locks and in the middle of a request; once
/// it is through with its turn, it may serve them itself, and a turn with many requests wakes them once.
///
/// SAFETY: `isNoted` is touched by that one thread alone.
@safe final class WakeNotes: @unchecked Sendable {
    private let thread = Atomic<UInt>(0)
    private var isNoted = false

    /// From here to `close`, notes of this thread are taken, and it looks after them.
    func open() { thread.store(UInt(pthread_self()), ordering: .relaxed) }

    func close() { thread.store(0, ordering: .relaxed) }

    /// False on all other threads, which have to wake the stream thread.
    func note() -> Bool {
        // Only this thread can find itself there, so that no order is needed.
        guard thread.load(ordering: .relaxed) == UInt(pthread_self()) else { return false }
        isNoted = true
        return true
    }

    func take() -> Bool {
        defer { isNoted = false }
        return isNoted
    }
}
