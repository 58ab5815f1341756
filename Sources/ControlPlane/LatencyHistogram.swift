internal import Threads

/// How long something took, counted by how long at most.
public final class LatencyHistogram: Sendable {
    public struct Counts: Sendable {
        /// Of each bound, how many took no longer than that and longer than the bound before; last, those beyond all bounds.
        public internal(set) var buckets: [UInt64]
        /// Of all of them, in microseconds.
        public internal(set) var total: UInt64 = 0
    }

    /// In microseconds, ascending.
    public let bounds: [UInt64]
    private let counts: Locked<Counts>

    public init(bounds: [UInt64]) {
        self.bounds = bounds
        counts = Locked(Counts(buckets: Array(repeating: 0, count: bounds.count + 1)), rank: .leaf)
    }

    public func observe(microseconds: UInt64) {
        let place = bounds.firstIndex { microseconds <= $0 } ?? bounds.count
        counts.withLock { counts in
            counts.buckets[place] += 1
            counts.total += microseconds
        }
    }

    public var now: Counts { counts.withLock { $0 } }
}

/// How long changes take to their goals.
public struct Latencies: Sendable {
    /// From when a change was made until it was durable: of one change at a time, the first that came after the one before
    /// had become so.
    public let durable = LatencyHistogram(bounds: [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
    ])
    /// From when a route was for a device to program until the device had answered. The clock behind it moves in steps of a few
    /// milliseconds.
    public let programmed = LatencyHistogram(bounds: [
        5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
        30_000_000, 60_000_000,
    ])
}
