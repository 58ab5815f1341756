internal import Synchronization

/// What the server holds and has done, at about one moment.
public struct HTTPStatistics: Hashable, Sendable {
    /// Open connections, idle ones included.
    public var connections = 0
    /// Those that wait for a worker or belong to the stream thread.
    public var suspended = 0
    /// Open event streams.
    public var streams = 0
    /// Requests whose header was complete, since the start; refused ones included.
    public var requests = 0

    public init() {}
}

/// Written by the event thread, read by anyone.
final class Counters: Sendable {
    let connections = Atomic<Int>(0)
    let suspended = Atomic<Int>(0)
    let streams = Atomic<Int>(0)
    let requests = Atomic<Int>(0)

    func snapshot() -> HTTPStatistics {
        var statistics = HTTPStatistics()
        statistics.connections = connections.load(ordering: .relaxed)
        statistics.suspended = suspended.load(ordering: .relaxed)
        statistics.streams = streams.load(ordering: .relaxed)
        statistics.requests = requests.load(ordering: .relaxed)
        return statistics
    }
}
