/// Some records of a log, one behind the other, and how far one is who has read them.
public struct LogRun<Record: LogRecord>: RandomAccessCollection {
    public let records: ArraySlice<Record>
    /// Whoever has read them has read all up to this number: not below that of the last, and above it where only records of the other
    /// lane follow.
    public let end: ChangeSequence

    @inlinable
    init(_ records: ArraySlice<Record>, end: ChangeSequence) {
        self.records = records
        self.end = end
    }

    @inlinable public var startIndex: Int { records.startIndex }
    @inlinable public var endIndex: Int { records.endIndex }
    @inlinable public subscript(index: Int) -> Record { records[index] }
    @inlinable public func makeIterator() -> ArraySlice<Record>.Iterator { records.makeIterator() }

    /// Those up to a number.
    @inlinable
    func cut(at end: ChangeSequence) -> LogRun {
        guard let last = records.last, last.sequence > end else {
            return LogRun(records, end: Swift.min(self.end, end))
        }
        return LogRun(records[..<records.firstIndex(after: end)], end: end)
    }

    /// Those of both, as far as both reach.
    @usableFromInline
    func merged(with other: LogRun) -> LogRun {
        let end = Swift.min(end, other.end)
        let (first, second) = (cut(at: end).records, other.cut(at: end).records)
        if second.isEmpty { return LogRun(first, end: end) }
        if first.isEmpty { return LogRun(second, end: end) }
        var merged: [Record] = []
        merged.reserveCapacity(first.count + second.count)
        var (left, right) = (first, second)
        while let a = left.first, let b = right.first {
            if a.sequence < b.sequence { merged.append(left.removeFirst()) } else { merged.append(right.removeFirst()) }
        }
        merged += left
        merged += right
        return LogRun(merged[...], end: end)
    }
}

/// Which records a reader wants.
public enum LogLanes: Sendable {
    /// All but those that are kept aside.
    case main
    case all
}
