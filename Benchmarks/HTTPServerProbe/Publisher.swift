import HTTPServer
import Synchronization

/// Gives all streams the same events, as the classes of fibd do: each batch is one byte array that they all share, a link
/// of a chain that every stream follows at its own pace.
final class Publisher: Sendable {
    static let eventBytes = 250

    private struct State: Sendable {
        var tail = Batch([])
        /// Streams that have sent everything up to the tail that they know.
        var waiting: [EventStream] = []
        /// The stream thread is woken for other reasons, too.
        var isNew = false
    }

    private let state = Mutex(State())

    /// Adds `count` events; the stream thread must be woken to send them.
    func publish(_ count: Int) {
        let event = Array("data: \(String(repeating: "x", count: Publisher.eventBytes - 8))\n\n".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * event.count)
        for _ in 0..<count { bytes += event }
        let batch = Batch(bytes)
        state.withLock { state in
            state.tail.append(batch)
            state.tail = batch
            state.isNew = true
        }
    }

    /// On the stream thread, after it was woken.
    func scheduleWaiting() {
        let waiting: [EventStream] = state.withLock { state in
            guard state.isNew else { return [] }
            state.isNew = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for stream in waiting { stream.schedule() }
    }

    /// Appends what comes after `sent`, which moves on; `stream` hears of what is published later.
    fileprivate func fill(_ output: inout StreamOutput, after sent: inout Batch?, for stream: EventStream) {
        state.withLock { state in
            guard sent !== state.tail else { return }
            while let next = sent?.next {
                output.append(next.bytes)
                sent = next
            }
            // A new stream begins with what is published next.
            sent = state.tail
            state.waiting.append(stream)
        }
    }
}

/// Some events, written once for all. `next` is guarded by the publisher's lock.
private final class Batch: @unchecked Sendable {
    let bytes: [UInt8]
    private(set) var next: Batch?

    init(_ bytes: [UInt8]) { self.bytes = bytes }
    func append(_ batch: Batch) { next = batch }
}

/// One stream of what is published.
final class PublishedEvents: EventSource {
    private struct Place: Sendable {
        var stream: EventStream?
        var sent: Batch?
    }

    private let publisher: Publisher
    private let place = Mutex(Place())

    init(_ publisher: Publisher) { self.publisher = publisher }

    func opened(_ stream: EventStream) { place.withLock { $0.stream = stream } }

    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        place.withLock { place in
            guard let stream = place.stream else { return .end }
            publisher.fill(&output, after: &place.sent, for: stream)
            // As often as a heartbeat would be due.
            return .idle(until: now + 15_000_000_000)
        }
    }

    func closed() { place.withLock { $0.stream = nil } }
}
