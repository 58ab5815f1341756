internal import ChangeLog
internal import Platform
internal import Synchronization

/// Measures how long it takes until changes are durable: of one at a time, so that writers pay one look for it.
final class DurabilitySample: Sendable {
    private static let none: UInt64 = 0
    private static let claimed = UInt64.max
    /// The change that is being measured.
    private let sequence = Atomic<UInt64>(none)
    private let start = Atomic<UInt64>(0)

    /// After changes, up to `head`; some may be on disk already.
    func begin(_ head: ChangeSequence, _ durable: ChangeSequence) {
        guard head > durable, sequence.load(ordering: .relaxed) == Self.none,
            sequence.compareExchange(expected: Self.none, desired: Self.claimed, ordering: .acquiring).exchanged
        else { return }
        start.store(MonotonicClock.nanoseconds, ordering: .relaxed)
        sequence.store(head.rawValue, ordering: .releasing)
    }

    /// When everything up to `durable` is on disk.
    func end(_ durable: ChangeSequence, _ histogram: LatencyHistogram) {
        let measured = sequence.load(ordering: .acquiring)
        guard measured != Self.none, measured != Self.claimed, durable.rawValue >= measured else { return }
        let elapsed = MonotonicClock.nanoseconds - start.load(ordering: .relaxed)
        histogram.observe(microseconds: elapsed / 1_000)
        sequence.store(Self.none, ordering: .releasing)
    }
}
