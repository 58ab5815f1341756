import ChangeLog
import ControlPlane
import ServiceSupport
import Testing

@Suite struct SnapshotDifferenceTests {
    @Test("One snapshot plus the difference is the other, for every filter", arguments: UInt64(1)...24)
    func turnsOneIntoTheOther(seed: UInt64) {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var writer = RandomWriter(seed: seed)
        for _ in 0..<100 { writer.step(plane) }
        let old = plane.snapshot()
        for _ in 0..<Int(seed % 3) * 60 { writer.step(plane) }
        let new = plane.snapshot()
        for filter in ConvergingFilters.all {
            var mirror = Mirror(filter, old)
            var difference = SnapshotDifference(from: old, to: new, filter)
            var count = 0
            while true {
                let (change, isAtEnd) = difference.next(limit: 3)
                if let change {
                    mirror.apply(change)
                    count += 1
                }
                if isAtEnd { break }
            }
            #expect(mirror.summaries == filter.summaries(of: new), "\(filter)")
            #expect(!mirror.tellsOrder || mirror.lists == Mirror(filter, new).lists, "order within a key, \(filter)")
            #expect(count > 0 || mirror.summaries == filter.summaries(of: old))
            if old.sequence == new.sequence { #expect(count == 0) }
        }
    }
}
