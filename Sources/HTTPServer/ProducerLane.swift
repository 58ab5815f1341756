internal import Threads

/// Asks a body producer for pieces, on workers, one at a time, and sees to it that it hears of an early end.
final class ProducerLane: Sendable {
    /// What one call of `produce` is asked for: enough to keep the connection busy while the next one is made.
    static let pieceBytes = 128 * 1024

    private struct State {
        var isProducing = false
        var isAbandoned = false
        var isAtEnd = false
    }

    // A leaf: protects the three flags; never held while the producer runs.
    private let state = Locked(State(), rank: .leaf)
    private let exchange: ExchangeID
    private let producer: any BodyProducer
    private let workers: Workers
    private let mailbox: Mailbox

    init(_ exchange: ExchangeID, _ producer: any BodyProducer, _ workers: Workers, _ mailbox: Mailbox) {
        self.exchange = exchange
        self.producer = producer
        self.workers = workers
        self.mailbox = mailbox
    }

    /// A `produced` message follows, unless the lane is abandoned before. `recycled` lends its memory.
    func produce(recycled: [UInt8]) {
        state.withLock { $0.isProducing = true }
        workers.proceed { self.run(recycled) }
    }

    private func run(_ recycled: [UInt8]) {
        var buffer = recycled
        buffer.removeAll(keepingCapacity: true)
        let more = producer.produce(into: &buffer, limit: ProducerLane.pieceBytes)
        let isAbandoned = state.withLock { state in
            state.isProducing = false
            state.isAtEnd = !more
            return state.isAbandoned
        }
        if !isAbandoned {
            mailbox.post(.produced(exchange, buffer, more: more))
        } else if more {
            producer.cancel()
        }
    }

    /// Nothing more is wanted. Cancels the producer if it isn't at its end; if it is running, when it has returned.
    func abandon() {
        let cancelsNow = state.withLock { state in
            defer { state.isAbandoned = true }
            return !state.isAbandoned && !state.isAtEnd && !state.isProducing
        }
        if cancelsNow { workers.proceed { self.producer.cancel() } }
    }
}
