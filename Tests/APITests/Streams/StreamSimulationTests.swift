import TestSupport
import Testing

@testable import API

/// What the interface promises of streams, over thousands of schedules: subscribers that join, stall, are cut off, come back with
/// cursors that are right, old, foreign or forged, and change their filter, while others write, and the log is small.
///
/// `FIBD_SCHEDULES` says how many; a number that failed is run alone with `FIBD_SCHEDULE`.
@Suite struct StreamSimulationTests {
    private static let seeds: ClosedRange<UInt64> = {
        if let one = environmentNumber("FIBD_SCHEDULE") { return one...one }
        return 1...max(1, environmentNumber("FIBD_SCHEDULES") ?? 1_000)
    }()

    @Test("Every frame keeps the rules, and when all is quiet every subscriber has the server's state")
    func holds() throws {
        var (tally, compared) = (StreamChecker.Tally(), 0)
        for seed in Self.seeds {
            do {
                var schedule = try StreamSchedule(seed: seed)
                try schedule.run()
                tally += schedule.tally
                compared += schedule.compared
            } catch {
                Issue.record("FIBD_SCHEDULE=\(seed): \(error)")
            }
        }
        guard Self.seeds.count >= 100 else { return }
        // Something of everything has happened.
        let schedules = Self.seeds.count
        #expect(
            tally.deltas > 10 * schedules && tally.syncs > 2 * schedules && tally.resumptions > schedules / 4
                && tally.refusals > schedules / 2 && tally.resets > schedules / 20 && compared > schedules,
            "\(tally), \(compared) states compared")
        #expect(tally.catchUps > 0, "\(tally)")
    }
}
