internal import Threads

/// Carries the bytes of one stream from who serves the streams to the content callback of its response, on the event thread.
/// Slices are handed on, not copied, and at most about twice `capacity` is under way. No one waits here: each side is told
/// what became of its attempt, and who must be woken.
final class StreamPipe: Sendable {
    /// The stream thread is held up at this amount. As much again, and a slice, may be in the callback's hands.
    static let capacity = 128 * 1024

    private struct State {
        var queue = StreamOutput()
        var isEnded = false
        /// The callback found nothing, and its connection is suspended.
        var isReaderWaiting = false
        /// The stream has more than there was room for.
        var isWriterWaiting = false

        mutating func wakeReader() -> Bool {
            defer { isReaderWaiting = false }
            return isReaderWaiting
        }
    }

    // A leaf: protects the queue while slices are moved; never held while bytes are copied.
    private let state = Locked(State(), rank: .leaf)

    // MARK: Who holds the streams' turn

    /// Moves what fits. If not everything did, a `take` will say that the writer is to be woken.
    func put(_ output: inout StreamOutput) -> (isAllTaken: Bool, wakesReader: Bool) {
        state.withLock { state in
            state.queue.take(from: &output, upTo: StreamPipe.capacity)
            state.isWriterWaiting = output.queuedBytes > 0
            return (!state.isWriterWaiting, state.wakeReader())
        }
    }

    /// Nothing follows. True if the reader is to be woken.
    func end() -> Bool {
        state.withLock { state in
            state.isEnded = true
            return state.wakeReader()
        }
    }

    // MARK: The event thread

    enum Taken {
        case bytes
        /// Then a `put` or `end` will say that the reader is to be woken.
        case nothingYet
        case end
    }

    /// Exchanges an empty `output` for all that is queued.
    func take(_ output: inout StreamOutput) -> (Taken, wakesWriter: Bool) {
        state.withLock { state in
            guard state.queue.queuedBytes > 0 else {
                state.isReaderWaiting = !state.isEnded
                return (state.isEnded ? .end : .nothingYet, false)
            }
            swap(&output, &state.queue)
            defer { state.isWriterWaiting = false }
            return (.bytes, state.isWriterWaiting)
        }
    }
}

extension StreamOutput {
    /// Moves slices to the end of this queue until they are all there or it holds `limit`.
    fileprivate mutating func take(from other: inout StreamOutput, upTo limit: Int) {
        if queuedBytes == 0, other.queuedBytes <= limit { return swap(&self, &other) }
        while other.queuedBytes > 0, queuedBytes < limit {
            let slice = other.first
            append(slice)
            other.drop(slice.count)
        }
    }
}
