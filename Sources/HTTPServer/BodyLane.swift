internal import Threads

/// Carries the body of one request from the event thread to its consumer on a worker: in order, one call at a time, and
/// with a bounded queue. It needs no one to push it on: whatever was put in reaches the consumer, and `finish` follows,
/// also when the event thread has ended meanwhile.
final class BodyLane: Sendable {
    /// The event thread stops reading the connection at this amount. As much again may be in the consumer's hands, so
    /// that one request holds at most about 1 MiB.
    static let capacity = 512 * 1024

    private struct State {
        var pieces: [[UInt8]] = []
        var queuedBytes = 0
        var end: BodyEnd?
        /// A job of this lane waits for a worker or runs on one.
        var isRunning = false
        /// The connection is suspended until there is room.
        var isReaderWaiting = false
    }

    // A leaf: protects the queue; never held while the consumer runs.
    private let state = Locked(State(), rank: .leaf)
    private let exchange: ExchangeID
    private let consumer: any BodyConsumer
    private let workers: Workers
    private let mailbox: Mailbox

    init(_ exchange: ExchangeID, _ consumer: any BodyConsumer, _ workers: Workers, _ mailbox: Mailbox) {
        self.exchange = exchange
        self.consumer = consumer
        self.workers = workers
        self.mailbox = mailbox
    }

    /// True if the next piece fits. False promises a `roomForBody` message.
    func hasRoom() -> Bool {
        state.withLock { state in
            state.isReaderWaiting = state.queuedBytes >= BodyLane.capacity
            return !state.isReaderWaiting
        }
    }

    func put(_ piece: [UInt8]) {
        start { state in
            state.pieces.append(piece)
            state.queuedBytes += piece.count
        }
    }

    /// Once. With `.complete` an `answered` message follows.
    func end(_ end: BodyEnd) {
        start { $0.end = end }
    }

    private func start(_ change: (inout State) -> Void) {
        let mustStart = state.withLock { state in
            change(&state)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { workers.proceed { self.run() } }
    }

    /// Takes what is queued and queues up again behind the others, until nothing is left.
    private func run() {
        let (pieces, wakesReader) = state.withLock { state in
            let taken = state.pieces
            let wakes = state.isReaderWaiting
            state.pieces = []
            state.queuedBytes = 0
            state.isReaderWaiting = false
            return (taken, wakes)
        }
        // Reading goes on while the consumer works: at most one batch is being consumed and one is being gathered.
        if wakesReader { mailbox.post(.roomForBody(exchange)) }
        for piece in pieces { consumer.consume(piece) }
        let next: (goesOn: Bool, end: BodyEnd?) = state.withLock { state in
            if !state.pieces.isEmpty { return (true, nil) }
            state.isRunning = false
            defer { state.end = nil }
            return (false, state.end)
        }
        if next.goesOn {
            workers.proceed { self.run() }
        } else if let end = next.end {
            let answer = consumer.finish(end)
            if case .complete = end { mailbox.post(.answered(exchange, answer)) }
        }
    }
}
