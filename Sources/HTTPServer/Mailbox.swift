internal import Synchronization
internal import Threads

/// Names one request while the server works on it. Never reused.
struct ExchangeID: Hashable, Sendable {
    let rawValue: UInt64
}

/// What other threads tell the event thread.
enum Message: Sendable {
    /// The worker has the answer of this request (or what to do next).
    case answered(ExchangeID, HTTPAnswer)
    /// An answer that was awaited is given.
    case given(ExchangeID, HTTPAnswer)
    /// The worker made a piece of this response's body.
    case produced(ExchangeID, [UInt8], more: Bool)
    /// The consumer of this request's body caught up.
    case roomForBody(ExchangeID)
    /// The socket of this connection belongs to the stream thread now.
    case socketTaken(ExchangeID)
    /// The stream thread has closed one that it had taken.
    case socketClosed(isEventStream: Bool)
    /// These streams have something to send through libmicrohttpd.
    case streamsReady([ExchangeID])
    /// The stream thread is done with this one, which libmicrohttpd may still be sending.
    case streamCut(ExchangeID)
    /// The mark that answers may be held for has moved.
    case released
    /// The marks that answers are held for will not be reached.
    case heldGivenUp
    /// Stop accepting; end what is still open at this time (CLOCK_MONOTONIC, ns).
    case drain(deadline: UInt64)
}

/// The way to the event thread. Posting never waits; a message posted after the thread has ended is dropped.
final class Mailbox: Sendable {
    // A leaf: protects the queue for the time of an append or a swap. Bounded by the number of open requests, each of
    // which has at most one message under way, and of streams.
    private let messages = Locked<[Message]>([], rank: .leaf)
    private let isSignalled = Atomic<Bool>(false)
    private let wakeup: Wakeup
    /// Answers held for this mark or a lower one may be given.
    private let released = Atomic<UInt64>(0)

    init() throws(HTTPServerError) { wakeup = try Wakeup() }

    func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        if !isSignalled.exchange(true, ordering: .acquiringAndReleasing) { wakeup.signal() }
    }

    /// Lets the answers go that are held for `mark` or a lower one.
    func release(upTo mark: UInt64) {
        released.store(mark, ordering: .releasing)
        post(.released)
    }

    var releasedMark: UInt64 { released.load(ordering: .acquiring) }

    func register(in poll: Poll, tag: UInt64) throws(HTTPServerError) {
        try wakeup.register(in: poll, tag: tag)
    }

    /// Event thread only. Swaps the queue with `batch`, which must be empty, so that neither is allocated anew.
    func take(_ batch: inout [Message]) {
        wakeup.clear()
        // Before the queue is looked at: a message that comes later signals again.
        _ = isSignalled.exchange(false, ordering: .acquiringAndReleasing)
        messages.withLock { swap(&$0, &batch) }
    }
}
