import Platform
import Testing

@Suite struct WallClockTests {
    @Test(
        "A time is written as RFC 3339 has it, in UTC to the millisecond",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_005, "1970-01-01T00:00:01.005Z"),
            (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(UInt64, String)])
    func text(_ milliseconds: UInt64, _ text: String) {
        #expect(WallClock.text(milliseconds: milliseconds) == text)
        var bytes = Array("at ".utf8)
        WallClock.append(milliseconds: milliseconds, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "at " + text)
    }

    @Test(
        "Times as RFC 3339 writes them are read",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("2000-02-29T12:34:56.5Z", 951_827_696_500),
            ("2026-11-30T04:48:29.000Z", 1_796_014_109_000), ("2026-11-30T05:48:29+01:00", 1_796_014_109_000),
            ("2026-11-29t23:18:29.0004-05:30", 1_796_014_109_000), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
        ] as [(String, UInt64)])
    func read(text: String, time: UInt64) {
        #expect(WallClock.milliseconds(of: text) == time)
    }

    @Test(
        "What is no time, or none from 1970 on, is refused",
        arguments: [
            "", "2026-11-30", "2026-11-30T04:48:29", "2026-11-30 04:48:29Z", "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-30T24:00:00Z", "2026-11-30T04:60:00Z",
            "2026-11-30T04:48:61Z", "2026-11-30T04:48:29.Z", "2026-11-30T04:48:29Zx", "2026-11-30T04:48:29+1:00",
            "2026-11-30T04:48:29+24:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "+026-11-30T04:48:29Z",
            "2026-11-30T04:48:2", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-11-30T04:48:29+01:0",
        ])
    func refused(text: String) {
        #expect(WallClock.milliseconds(of: text) == nil)
    }

    @Test("A time is read as it was written", arguments: [0, 1, 951_782_400_000, 1_709_164_800_123, 4_102_444_799_999])
    func roundTrip(time: UInt64) {
        #expect(WallClock.milliseconds(of: WallClock.text(milliseconds: time)) == time)
    }
}
