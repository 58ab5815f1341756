/// Records of one sort, in order, as far back as their bound in bytes allows.
@usableFromInline struct LogLane<Record: LogRecord> {
    @usableFromInline var floor: ChangeSequence
    @usableFromInline var sealed: [Segment] = []
    /// Sealed segments before this index were dropped; their slots are cut off in bulk.
    @usableFromInline var firstSealed = 0
    @usableFromInline var open: [Record] = []
    @usableFromInline var openBytes = 0
    /// Of the sealed segments that are there.
    @usableFromInline var sealedBytes = 0
    @usableFromInline var byteLimit: Int
    /// Bytes that others keep because of this lane (encoded frames not yet read by all). They count.
    @usableFromInline var sharedBytes = 0

    @usableFromInline struct Segment {
        @usableFromInline var records: [Record]
        @usableFromInline let bytes: Int
    }

    @usableFromInline init(floor: ChangeSequence, byteLimit: Int) {
        self.floor = floor
        self.byteLimit = byteLimit
    }

    /// Returns what had to be dropped to stay within the bound; nothing above the durable mark, if there is one.
    @inlinable
    mutating func append(_ record: consuming Record, keepingAbove durable: ChangeSequence?) -> [[Record]] {
        openBytes += record.retainedBytes
        open.append(record)
        return open.count == Log<Record>.openCapacity ? seal(keepingAbove: durable) : []
    }

    @usableFromInline
    mutating func seal(keepingAbove durable: ChangeSequence?) -> [[Record]] {
        sealed.append(Segment(records: open, bytes: openBytes))
        sealedBytes += openBytes
        openBytes = 0
        open = []
        open.reserveCapacity(Log<Record>.openCapacity)
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

    // MARK: Reading

    /// The next records after `position`, of one segment at most; empty if there are none.
    @inlinable
    func run(after position: ChangeSequence) -> ArraySlice<Record> {
        if let first = open.first, position.next >= first.sequence {
            let start = open.firstIndex(after: position)
            return ArraySlice(Array(open[start...]))
        }
        let segment = segmentIndex(after: position)
        guard segment < sealed.count else { return ArraySlice(open) }
        let records = sealed[segment].records
        return records[records.firstIndex(after: position)...]
    }

    /// Whether none come after it.
    @inlinable
    func hasNothing(after position: ChangeSequence) -> Bool {
        let last = open.last ?? (firstSealed < sealed.count ? sealed.last?.records.last : nil)
        return last.map { $0.sequence <= position } ?? true
    }

    /// Records up to `position` within one segment, ending with the last of them; nil if none is left.
    func run(endingAt position: ChangeSequence) -> ArraySlice<Record>? {
        guard position > floor else { return nil }
        if let first = open.first, position >= first.sequence {
            return ArraySlice(Array(open[..<open.firstIndex(after: position)]))
        }
        var index = segmentIndex(after: position)
        if index == sealed.count || sealed[index].records.firstIndex(after: position) == 0 { index -= 1 }
        guard index >= firstSealed else { return nil }
        let records = sealed[index].records
        return records[..<records.firstIndex(after: position)]
    }

    /// What lies after `position`, to the segment: how many records, and what retaining them costs in bytes. O(segments).
    func retained(after position: ChangeSequence) -> (records: Int, bytes: Int) {
        let first = segmentIndex(after: position)
        var (records, bytes) = (open.count, openBytes)
        if let oldest = open.first?.sequence, position >= oldest {
            records -= open.firstIndex(after: position)
            bytes = bytes * records / max(1, open.count)
        }
        for segment in sealed[first...] {
            records += segment.records.count
            bytes += segment.bytes
        }
        return (records, bytes)
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
