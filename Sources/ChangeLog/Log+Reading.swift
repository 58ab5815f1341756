public import Threads

// Inlinable: for whom the records are of no known type, each reading asks at run time what they are, a microsecond long.
extension Log {
    /// The next run of records after `position` and up to the durable mark.
    @inlinable public func readDurable(after position: ChangeSequence) -> ArraySlice<Record>? {
        // Before reading: what is appended meanwhile may be past it.
        let durable = durable
        guard let run = read(after: position) else { return nil }
        guard let last = run.last, last.sequence > durable else { return run }
        return run[..<run.firstIndex(after: durable)]
    }

    /// The next run of records after `position`: never empty unless `position` is the head; nil if the log no longer
    /// reaches back that far. A run is at most one segment.
    @inlinable public func read(after position: ChangeSequence) -> ArraySlice<Record>? {
        state.withLock { state in
            if position < state.floor { return nil }
            guard position < state.head else { return [] }
            if let first = state.open.first, position.next >= first.sequence {
                let start = state.open.firstIndex(after: position)
                return ArraySlice(Array(state.open[start...]))
            }
            let segment = state.segmentIndex(after: position)
            guard segment < state.sealed.count else { return ArraySlice(state.open) }
            let records = state.sealed[segment].records
            return records[records.firstIndex(after: position)...]
        }
    }

    /// The number of the latest record up to `position` for which `isSelected` holds. Where the log doesn't reach back
    /// far enough to tell, its floor: no record that still exists lies between the true answer and that. O(records).
    public func latest(upTo position: ChangeSequence, where isSelected: (Record) -> Bool) -> ChangeSequence {
        var upper = position
        while let run = run(endingAt: upper) {
            for record in run.reversed() where isSelected(record) { return record.sequence }
            guard let first = run.first else { break }
            upper = ChangeSequence(rawValue: first.sequence.rawValue - 1)
        }
        return min(position, mark.floor)
    }

    /// What of the retained history lies after `position`, to the segment of 128 records: how many records, and what retaining
    /// them costs in bytes. O(segments).
    public func retained(after position: ChangeSequence) -> (records: Int, bytes: Int) {
        state.withLock { state in
            guard position < state.head else { return (0, 0) }
            let first = state.segmentIndex(after: position)
            var (records, bytes) = (state.open.count, state.openBytes)
            if let oldest = state.open.first?.sequence, position >= oldest {
                records -= state.open.firstIndex(after: position)
                bytes = bytes * records / max(1, state.open.count)
            }
            for segment in state.sealed[first...] {
                records += segment.records.count
                bytes += segment.bytes
            }
            return (records, bytes)
        }
    }

    /// Tells the log how many bytes others keep because of it, as a difference.
    public func addSharedBytes(_ difference: Int) {
        state.withLock { $0.sharedBytes += difference }
    }

    /// Records up to `position` within one segment, ending with the last of them; nil if none is left.
    private func run(endingAt position: ChangeSequence) -> ArraySlice<Record>? {
        state.withLock { state in
            guard position > state.floor else { return nil }
            if let first = state.open.first, position >= first.sequence {
                return ArraySlice(Array(state.open[..<state.open.firstIndex(after: position)]))
            }
            var index = state.segmentIndex(after: position)
            if index == state.sealed.count || state.sealed[index].records.firstIndex(after: position) == 0 {
                index -= 1
            }
            guard index >= state.firstSealed else { return nil }
            let records = state.sealed[index].records
            return records[..<records.firstIndex(after: position)]
        }
    }
}
