internal import Glibc

extension [UInt8] {
    /// Where a text begins at or behind `start`, and ends in front of `end`; nil if it isn't there.
    public func firstPlace(of text: StaticString, from start: Int = 0, to end: Int? = nil) -> Int? {
        let length = text.utf8CodeUnitCount
        let last = (end ?? count) - length
        return unsafe withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var place = start
            // SAFETY: what is looked at lies between `place` and `last + length`, within the array.
            while place <= last,
                let found = unsafe memchr(base + place, Int32(text.utf8Start.pointee), last - place + 1)
            {
                place = unsafe UnsafeRawPointer(found) - base
                if unsafe memcmp(base + place, text.utf8Start, length) == 0 { return place }
                place += 1
            }
            return nil
        }
    }

    /// Where a text begins for the last time.
    public func lastPlace(of text: StaticString, from start: Int = 0, to end: Int? = nil) -> Int? {
        var last = firstPlace(of: text, from: start, to: end)
        while let found = last, let next = firstPlace(of: text, from: found + 1, to: end) { last = next }
        return last
    }
}
