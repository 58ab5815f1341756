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

    /// The time that a text in the form of RFC 3339 says, in milliseconds since 1970, what is finer cut off; nil if it says none
    /// from 1970 on. A leap second counts as the one after it.
    public static func milliseconds(of text: String) -> UInt64? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return value
        }
        func isThere(_ character: Unicode.Scalar, _ place: Int) -> Bool {
            place < bytes.count && bytes[place] | 0x20 == UInt8(ascii: character) | 0x20
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), isThere("-", 4), isThere("-", 7),
            isThere("T", 10), isThere(":", 13), isThere(":", 16), (1...12).contains(month), hour < 24, minute < 60,
            second <= 60, day >= 1, day <= lastDay(year, month)
        else { return nil }
        var place = 19
        var fraction = 0
        if isThere(".", place) {
            let end =
                bytes[(place + 1)...].firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                ?? bytes.count
            let digits = bytes[(place + 1)..<end].prefix(3)
            if digits.isEmpty { return nil }
            fraction = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } * [100, 10, 1][digits.count - 1]
            place = end
        }
        var offset = 0
        if isThere("Z", place) {
            place += 1
        } else {
            guard place < bytes.count, bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-"),
                let hours = number(place + 1..<place + 3), let minutes = number(place + 4..<place + 6),
                isThere(":", place + 3), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[place] == UInt8(ascii: "-") ? -1 : 1)
            place += 6
        }
        let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset
        let seconds = minutes * 60 + second
        guard place == bytes.count, seconds >= 0 else { return nil }
        return UInt64(seconds) * 1_000 + UInt64(fraction)
    }

    private static func lastDay(_ year: Int, _ month: Int) -> Int {
        if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days from 1970-01-01 to a day (H. Hinnant, as below, `days_from_civil`).
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
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
