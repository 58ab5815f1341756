import TestSupport
import Testing

/// What `examples/advertise.py` promises, over thousands of schedules: whatever goes wrong in switches, on the way and on
/// streams, a route is announced only while hardware has said of exactly this version that it has it, as of the change that
/// the speaker has come to; and when all is quiet, whatever is in hardware is announced.
///
/// `FIBD_SCHEDULES` says how many; a number that failed is run alone with `FIBD_SCHEDULE`.
@Suite struct AdvertiseSimulationTests {
    private static let seeds: ClosedRange<UInt64> = {
        if let one = environmentNumber("FIBD_SCHEDULE") { return one...one }
        return 1...max(1, environmentNumber("FIBD_SCHEDULES") ?? 1_000)
    }()

    @Test("What is announced is in hardware at that version, and when all is quiet the other way round too")
    func holds() throws {
        var (checked, changes) = (0, 0)
        for seed in Self.seeds {
            var schedule = AdvertiseSchedule(seed: seed)
            do {
                try schedule.run()
            } catch {
                Issue.record("FIBD_SCHEDULE=\(seed): \(error)")
            }
            (checked, changes) = (checked + schedule.checked, changes + schedule.changes)
        }
        // Something has happened.
        #expect(
            changes > 30 * Self.seeds.count && checked > 30 * Self.seeds.count, "\(changes) changes, \(checked) checks")
    }

    @Test("A speaker with a mistake is found out", arguments: Speaker.Mistake.allCases)
    func finds(mistake: Speaker.Mistake) {
        let found = (1...100 as ClosedRange<UInt64>).first { seed in
            var schedule = AdvertiseSchedule(seed: seed, mistake)
            do {
                try schedule.run()
                return false
            } catch {
                return error is AdvertiseSchedule.Violation
            }
        }
        #expect(found != nil)
    }
}
