public import Synchronization
public import Threads

/// What the log retains: values, not bytes.
public protocol LogRecord: Sendable {
    var sequence: ChangeSequence { get }
    /// About what retaining this record costs, in bytes.
    var retainedBytes: Int { get }
}

/// The server's recent history: every change with its number, in order, as far back as its bound in bytes allows.
///
/// Appending assigns the numbers. Writers append under the gate; readers come by at any time and take runs of records
/// by their position. Reading never holds the lock for more than `Log.openCapacity` copies.
public final class Log<Record: LogRecord>: Sendable {
    /// Records of the segment that is still growing. They are copied to readers one by one; a full segment is shared.
    @usableFromInline static var openCapacity: Int { 128 }

    public struct Mark: Sendable {
        /// The last number assigned.
        public let head: ChangeSequence
        /// Records up to this number are gone: a cursor at or above it can still be honoured.
        public let floor: ChangeSequence
    }

    @usableFromInline struct State {
        @usableFromInline var head: ChangeSequence
        @usableFromInline var floor: ChangeSequence
        @usableFromInline var sealed: [Segment] = []
        /// Sealed segments before this index were dropped; their slots are cut off in bulk.
        @usableFromInline var firstSealed = 0
        @usableFromInline var open: [Record] = []
        @usableFromInline var openBytes = 0
        /// Of the sealed segments that are there.
        @usableFromInline var sealedBytes = 0
        @usableFromInline var byteLimit: Int
        /// Bytes that others keep because of this log (encoded frames not yet read by all). They count.
        @usableFromInline var sharedBytes = 0
    }

    @usableFromInline struct Segment {
        @usableFromInline var records: [Record]
        @usableFromInline let bytes: Int
    }

    @usableFromInline let state: Locked<State>
    /// The head once more, for those who only want to know whether there is anything new: a lock that they shared with the
    /// writers would slow these down.
    @usableFromInline let published: Atomic<UInt64>

    /// - Parameter start: the number before the first; what a recovered store says, or zero.
    public init(byteLimit: Int, start: ChangeSequence = .zero) {
        state = Locked(State(head: start, floor: start, byteLimit: byteLimit), rank: .log)
        published = Atomic(start.rawValue)
    }

    public var mark: Mark { state.withLock { Mark(head: $0.head, floor: $0.floor) } }
    /// The last number assigned. Takes no lock.
    @inlinable public var head: ChangeSequence { ChangeSequence(rawValue: published.load(ordering: .acquiring)) }
    /// Bytes that the retained records cost, without what others keep.
    public var retainedBytes: Int { state.withLock { $0.openBytes + $0.sealedBytes } }

    /// Appends one record, built once its number is known, and returns the number.
    @inlinable @discardableResult
    public func append(_ build: (ChangeSequence) -> Record) -> ChangeSequence {
        let (sequence, dropped) = state.withLock { state in
            let sequence = state.head.next
            let dropped = state.append(build(sequence))
            published.store(sequence.rawValue, ordering: .releasing)
            return (sequence, dropped)
        }
        // What was dropped is freed here, outside the lock.
        _ = consume dropped
        return sequence
    }

    /// Appends records that carry the numbers following the head, all of them at once: no other record comes between.
    ///
    /// Only for a caller that holds the gate exclusively, since it had to know the head beforehand.
    @inlinable public func append(contentsOf records: [Record]) {
        let dropped = state.withLock { state in
            var dropped: [[Record]] = []
            for record in records {
                precondition(record.sequence == state.head.next, "a record does not follow the head")
                dropped += state.append(record)
            }
            published.store(state.head.rawValue, ordering: .releasing)
            return dropped
        }
        _ = consume dropped
    }

    /// Appends as many records as `build` is asked for, contiguous in the log.
    @inlinable public func append(count: Int, _ build: (Int, ChangeSequence) -> Record) {
        let dropped = state.withLock { state in
            var dropped: [[Record]] = []
            for index in 0..<count { dropped += state.append(build(index, state.head.next)) }
            published.store(state.head.rawValue, ordering: .releasing)
            return dropped
        }
        _ = consume dropped
    }

    /// The next run of records after `position`: never empty unless `position` is the head; nil if the log no longer
    /// reaches back that far. A run is at most one segment.
    public func read(after position: ChangeSequence) -> ArraySlice<Record>? {
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
