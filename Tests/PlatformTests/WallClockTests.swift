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
}
