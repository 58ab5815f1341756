public import Threads

// Inlinable: for whom the records are of no known type, each reading asks at run time what they are, a microsecond long.
extension Log {
    /// The next run of records after `position` and up to the durable mark.
    @inlinable public func readDurable(
        after position: ChangeSequence, _ lanes: LogLanes = .main
    ) -> LogRun<Record>? {
        // Before reading: what is appended meanwhile may be past it.
        let durable = durable
        return read(after: position, lanes)?.cut(at: max(durable, position))
    }

    /// The next run of records after `position`; nil if the log no longer reaches back that far. It may have none, and leads on all
    /// the same, unless `position` is the head. A run is at most a segment of each lane.
    @inlinable public func read(after position: ChangeSequence, _ lanes: LogLanes = .main) -> LogRun<Record>? {
        state.withLock { state in
            if position < state.floor(of: lanes) { return nil }
            guard position < state.head else { return LogRun([], end: position) }
            let main = run(of: state.main, after: position, state.head)
            return lanes == .main ? main : main.merged(with: run(of: state.aside, after: position, state.head))
        }
    }

    @inlinable @inline(__always)
    func run(
        of lane: LogLane<Record>, after position: ChangeSequence, _ head: ChangeSequence
    ) -> LogRun<Record> {
        let records = lane.run(after: position)
        guard let last = records.last else { return LogRun([], end: head) }
        return LogRun(records, end: lane.hasNothing(after: last.sequence) ? head : last.sequence)
    }

    /// The number of the latest record up to `position` for which `isSelected` holds. Where the log doesn't reach back
    /// far enough to tell, its floor: no record that still exists lies between the true answer and that. O(records).
    public func latest(
        upTo position: ChangeSequence, _ lanes: LogLanes = .main, where isSelected: (Record) -> Bool
    ) -> ChangeSequence {
        let main = latest(upTo: position, { $0.main }, isSelected)
        return lanes == .main ? main : max(main, latest(upTo: position, { $0.aside }, isSelected))
    }

    private func latest(
        upTo position: ChangeSequence, _ lane: (State) -> LogLane<Record>, _ isSelected: (Record) -> Bool
    ) -> ChangeSequence {
        var upper = position
        while let run = state.withLock({ lane($0).run(endingAt: upper) }) {
            for record in run.reversed() where isSelected(record) { return record.sequence }
            guard let first = run.first else { break }
            upper = ChangeSequence(rawValue: first.sequence.rawValue - 1)
        }
        return min(position, state.withLock { lane($0).floor })
    }

    /// What of the retained history lies after `position`, to the segment of 128 records: how many records, and what retaining
    /// them costs in bytes. O(segments).
    public func retained(after position: ChangeSequence, _ lanes: LogLanes = .main) -> (records: Int, bytes: Int) {
        state.withLock { state in
            let main = state.main.retained(after: position)
            if lanes == .main { return main }
            let aside = state.aside.retained(after: position)
            return (main.records + aside.records, main.bytes + aside.bytes)
        }
    }

    /// Tells the log how many bytes others keep because of it, as a difference: of those, how many because of what is kept aside.
    public func addSharedBytes(_ difference: Int, aside: Int = 0) {
        state.withLock {
            $0.main.sharedBytes += difference - aside
            $0.aside.sharedBytes += aside
        }
    }
}
