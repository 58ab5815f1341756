import ChangeLog
import Testing

@testable import Hardware

@Suite struct ReportPacingTests {
    /// Asked each millisecond, while others make so many changes in each; when it held back.
    private func held(_ pacing: inout ReportPacing, _ changes: UInt64, from start: UInt64, for length: UInt64)
        -> [UInt64]
    {
        (start..<start + length).filter { millisecond in
            pacing.holdsBack(ChangeSequence(rawValue: millisecond * changes), millisecond * 1_000_000)
        }
    }

    @Test("Few changes hold nothing back, and many do, but for no longer than a second")
    func many() {
        var pacing = ReportPacing()
        #expect(held(&pacing, 50, from: 1_000, for: 2_000).isEmpty)
        pacing = ReportPacing()
        let held = held(&pacing, 500, from: 1_000, for: 2_500)
        let free = Set(1_000..<3_500).subtracting(held).sorted()
        #expect(free.count < 20)
        #expect(free.contains { $0 > 1_990 && $0 < 2_020 })
    }

    @Test("Its own reports are not what it waits for")
    func own() {
        var pacing = ReportPacing()
        for millisecond in UInt64(1_000)..<2_000 {
            #expect(
                !pacing.holdsBack(ChangeSequence(rawValue: millisecond * 500), millisecond * 1_000_000)
                    || millisecond < 1_006)
            pacing.reported(500)
        }
    }
}
