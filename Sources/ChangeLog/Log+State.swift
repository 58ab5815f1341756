extension Log.State {
    /// Returns what had to be dropped to stay within the bound; nothing above the durable mark, if there is one.
    @inlinable
    mutating func append(_ record: consuming Record, keepingAbove durable: ChangeSequence?) -> [[Record]] {
        head = record.sequence
        upcoming = head.next
        openBytes += record.retainedBytes
        open.append(record)
        return open.count == Log.openCapacity ? seal(keepingAbove: durable) : []
    }

    @usableFromInline
    mutating func seal(keepingAbove durable: ChangeSequence?) -> [[Record]] {
        sealed.append(Log.Segment(records: open, bytes: openBytes))
        sealedBytes += openBytes
        openBytes = 0
        open = []
        open.reserveCapacity(Log.openCapacity)
        return trim(keepingAbove: durable)
    }

    private mutating func trim(keepingAbove durable: ChangeSequence?) -> [[Record]] {
        var dropped: [[Record]] = []
        while sealedBytes + sharedBytes > byteLimit, firstSealed < sealed.count {
            let segment = sealed[firstSealed]
            if let durable, let last = segment.records.last, last.sequence > durable { break }
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
    @inlinable
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

extension RandomAccessCollection where Element: LogRecord, Index == Int {
    /// The first record with a number above `position`.
    @inlinable
    func firstIndex(after position: ChangeSequence) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if self[middle].sequence > position { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
