/// An answer that is ready but may not be given before a mark is reached, such as that what it acknowledges is on disk.
/// The connection is suspended meanwhile; no thread waits.
public struct HeldAnswer: Sendable {
    /// Given once `HTTPDaemon.release` has reached this.
    public var mark: UInt64
    /// How long to wait for that.
    public var seconds: Int
    /// A response, or work that leads to one.
    public var answer: HTTPAnswer
    /// Given instead when the time is over, or the server gives up. On the event thread.
    public var late: @Sendable () -> HTTPResponse

    public init(
        mark: UInt64, seconds: Int, answer: HTTPAnswer, late: @escaping @Sendable () -> HTTPResponse
    ) {
        self.mark = mark
        self.seconds = seconds
        self.answer = answer
        self.late = late
    }
}

/// The requests whose answers are held, in the order of their marks. Event thread only.
struct HeldAnswers {
    private struct Entry {
        let id: ExchangeID
        let deadline: UInt64
        let held: HeldAnswer
    }

    /// From `first` on; those before have been taken. Nearly all come in order, so that the place for a new one is found
    /// from the end.
    private var entries: [Entry] = []
    private var first = 0
    /// When some may be late (CLOCK_MONOTONIC, ns).
    private(set) var nextSweep = UInt64.max

    var isEmpty: Bool { first == entries.count }

    mutating func add(_ id: ExchangeID, _ held: HeldAnswer, now: UInt64) {
        let entry = Entry(id: id, deadline: now + seconds(held.seconds), held: held)
        var place = entries.count
        while place > first, entries[place - 1].held.mark > held.mark { place -= 1 }
        entries.insert(entry, at: place)
        nextSweep = min(nextSweep, entry.deadline)
    }

    /// The next one whose mark is reached.
    mutating func popReleased(_ mark: UInt64) -> (ExchangeID, HTTPAnswer)? {
        guard first < entries.count, entries[first].held.mark <= mark else {
            compact()
            return nil
        }
        defer { first += 1 }
        return (entries[first].id, entries[first].held.answer)
    }

    /// Takes out those whose time is over.
    mutating func popLate(now: UInt64) -> [(ExchangeID, HTTPAnswer)] {
        guard now >= nextSweep else { return [] }
        entries.removeSubrange(..<first)
        first = 0
        let late = entries.filter { $0.deadline <= now }
        entries.removeAll { $0.deadline <= now }
        nextSweep = entries.map(\.deadline).min() ?? .max
        return late.map { ($0.id, .response($0.held.late())) }
    }

    private mutating func compact() {
        guard first > 0, first > entries.count / 2 else { return }
        entries.removeSubrange(..<first)
        first = 0
        if entries.isEmpty { nextSweep = .max }
    }
}
