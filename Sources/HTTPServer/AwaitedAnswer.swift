internal import Threads

/// An answer that someone gives when it is known. The connection is suspended meanwhile; no thread waits.
///
/// It may be given by any thread, before or after the server has taken it in; the first one counts.
public final class AwaitedAnswer: Sendable {
    private enum State {
        /// Not with the server yet.
        case open
        case given(HTTPAnswer)
        case awaited(@Sendable (HTTPAnswer) -> Void)
        case over
    }

    /// How long to wait for it.
    public let seconds: Int
    // A leaf: held for an exchange of the state.
    private let state = Locked(State.open, rank: .leaf)
    private let late: @Sendable () -> HTTPResponse

    /// - Parameter late: what is answered when the time is over, or the server gives up. On the event thread, at most once,
    ///   and not if an answer was given.
    public init(seconds: Int, late: @escaping @Sendable () -> HTTPResponse) {
        self.seconds = seconds
        self.late = late
    }

    public func give(_ answer: HTTPAnswer) {
        let post: (@Sendable (HTTPAnswer) -> Void)? = state.withLock { state in
            switch state {
            case .open:
                state = .given(answer)
                return nil
            case .awaited(let post):
                state = .over
                return post
            case .given, .over: return nil
            }
        }
        post?(answer)
    }

    /// The answer, if it was given already; else `post` gets it.
    func take(_ post: @escaping @Sendable (HTTPAnswer) -> Void) -> HTTPAnswer? {
        state.withLock { state in
            if case .given(let answer) = state {
                state = .over
                return answer
            }
            state = .awaited(post)
            return nil
        }
    }

    /// The time is over. What is given from now on goes nowhere; nil if something was given just before.
    func expire() -> HTTPResponse? {
        let isLate = state.withLock { state in
            if case .over = state { return false }
            if case .given = state { return false }
            state = .over
            return true
        }
        return isLate ? late() : nil
    }
}

/// The requests whose answers are awaited. Event thread only.
struct AwaitedAnswers {
    private struct Entry {
        let deadline: UInt64
        let answer: AwaitedAnswer
        let then: @Sendable (HTTPAnswer) -> HTTPAnswer
    }

    private var entries: [ExchangeID: Entry] = [:]
    /// When some may be late (CLOCK_MONOTONIC, ns).
    private(set) var nextSweep = UInt64.max

    mutating func add(
        _ id: ExchangeID, _ answer: AwaitedAnswer, _ then: @escaping @Sendable (HTTPAnswer) -> HTTPAnswer, now: UInt64
    ) {
        let deadline = now + seconds(answer.seconds)
        entries[id] = Entry(deadline: deadline, answer: answer, then: then)
        nextSweep = min(nextSweep, deadline)
    }

    /// Whether this one was still awaited.
    mutating func remove(_ id: ExchangeID) -> Bool { entries.removeValue(forKey: id) != nil }

    /// Takes out those whose time is over and that were not given meanwhile.
    mutating func popLate(now: UInt64) -> [(ExchangeID, HTTPAnswer)] {
        guard now >= nextSweep else { return [] }
        var late: [(ExchangeID, HTTPAnswer)] = []
        for (id, entry) in entries where entry.deadline <= now {
            // One that was given just now is on its way here.
            guard let response = entry.answer.expire() else { continue }
            entries[id] = nil
            late.append((id, entry.then(.response(response))))
        }
        nextSweep = entries.values.map(\.deadline).min() ?? .max
        return late
    }
}
