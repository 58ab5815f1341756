extension Log.State {
    /// Returns what had to be dropped to stay within the bound.
    @inlinable
    mutating func append(_ record: consuming Record) -> [[Record]] {
        head = record.sequence
        openBytes += record.retainedBytes
        open.append(record)
        return open.count == Log.openCapacity ? seal() : []
    }

    @usableFromInline
    mutating func seal() -> [[Record]] {
        sealed.append(Log.Segment(records: open, bytes: openBytes))
        sealedBytes += openBytes
        openBytes = 0
        open = []
        open.reserveCapacity(Log.openCapacity)
        return trim()
    }

    private mutating func trim() -> [[Record]] {
        var dropped: [[Record]] = []
        while sealedBytes + sharedBytes > byteLimit, firstSealed < sealed.count {
            let segment = sealed[firstSealed]
            sealed[firstSealed].records = []
            firstSealed += 1
            sealedBytes -= segment.bytes
            floor = segment.records.last?.sequence ?? floor
            dropped.append(segment.records)
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
            let last = sealed[middle].records.last?.sequence ?? .zero
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
