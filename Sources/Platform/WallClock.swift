internal import Glibc

/// The time of day, for people and logs. Nothing is ordered by it.
public enum WallClock {
    /// Now, as RFC 3339 writes it, in UTC to the millisecond: `2026-11-21T09:48:45.123Z`.
    public static func timestamp() -> String {
        var now = timespec()
        // SAFETY: the call fills in `now`.
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return text(milliseconds: UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000)
    }

    /// Since 1970.
    public static var milliseconds: UInt64 {
        var now = timespec()
        // SAFETY: the call fills in `now`.
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &now)
        return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    }

    /// A time as RFC 3339 writes it, in UTC to the millisecond.
    public static func text(milliseconds: UInt64) -> String {
        var bytes: [UInt8] = []
        append(milliseconds: milliseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends what `text(milliseconds:)` says.
    public static func append(milliseconds: UInt64, to bytes: inout [UInt8]) {
        let (seconds, millisecond) = milliseconds.quotientAndRemainder(dividingBy: 1_000)
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = civil(Int(days))
        bytes.append(addingCapacity: 24) { text in
            append(year, digits: 4, "-", to: &text)
            append(month, digits: 2, "-", to: &text)
            append(day, digits: 2, "T", to: &text)
            append(Int(second) / 3_600, digits: 2, ":", to: &text)
            append(Int(second) / 60 % 60, digits: 2, ":", to: &text)
            append(Int(second) % 60, digits: 2, ".", to: &text)
            append(Int(millisecond), digits: 3, "Z", to: &text)
        }
    }

    private static func append(_ number: Int, digits: Int, _ end: Unicode.Scalar, to text: inout OutputSpan<UInt8>) {
        var place = digits == 4 ? 1_000 : digits == 3 ? 100 : 10
        while place > 0 {
            text.append(UInt8(ascii: "0") + UInt8(number / place % 10))
            place /= 10
        }
        text.append(UInt8(ascii: end))
    }

    /// Year, month and day of a number of days since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date
    /// algorithms", `civil_from_days`).
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
