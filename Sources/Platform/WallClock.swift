internal import Glibc

/// The time of day, for people and logs. Nothing is ordered by it.
public enum WallClock {
    /// Now, as RFC 3339 writes it, in UTC to the millisecond: `2026-11-21T09:48:45.123Z`.
    public static func timestamp() -> String {
        var now = timespec()
        // SAFETY: the call fills in `now`.
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return text(seconds: Int(now.tv_sec), milliseconds: Int(now.tv_nsec) / 1_000_000)
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
        text(seconds: Int(milliseconds / 1_000), milliseconds: Int(milliseconds % 1_000))
    }

    static func text(seconds: Int, milliseconds: Int) -> String {
        let (days, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = civil(days)
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(second / 3_600, 2)):"
            + "\(pad(second / 60 % 60, 2)):\(pad(second % 60, 2)).\(pad(milliseconds, 3))Z"
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
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
