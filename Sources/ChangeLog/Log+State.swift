extension Log.State {
    /// Returns what had to be dropped to stay within the bound.
    @usableFromInline
    mutating func append(_ record: Record) -> [[Record]] {
        open.append(record)
        head = record.sequence
        bytes += record.retainedBytes
        guard open.count == Log.openCapacity else { return [] }
        sealed.append(open)
        open = []
        open.reserveCapacity(Log.openCapacity)
        return trim()
    }

    private mutating func trim() -> [[Record]] {
        var dropped: [[Record]] = []
        while bytes + sharedBytes > byteLimit, firstSealed < sealed.count {
            let segment = sealed[firstSealed]
            sealed[firstSealed] = []
            firstSealed += 1
            bytes -= segment.reduce(0) { $0 + $1.retainedBytes }
            floor = segment.last?.sequence ?? floor
            dropped.append(segment)
        }
        if firstSealed > 1_024, firstSealed > sealed.count / 2 {
            sealed.removeSubrange(..<firstSealed)
            firstSealed = 0
        }
        return dropped
    }

    /// The first sealed segment with a record after `position`; `sealed.count` if none has.
    func segmentIndex(after position: ChangeSequence) -> Int {
        var low = firstSealed
        var high = sealed.count
        while low < high {
            let middle = (low + high) / 2
            let last = sealed[middle].last?.sequence ?? .zero
            if last > position { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension Array where Element: LogRecord {
    /// The first record with a number above `position`.
    func firstIndex(after position: ChangeSequence) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].sequence > position { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
