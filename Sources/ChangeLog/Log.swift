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
/// Records of which there may be very many are kept aside: in a lane of their own, with a bound of their own, so that they let no
/// others be forgotten. Their numbers are of the same sequence.
///
/// Appending assigns the numbers. Writers append under the gate; readers come by at any time and take runs of records
/// by their position. Reading never holds the lock for more than `Log.openCapacity` copies.
public final class Log<Record: LogRecord>: Sendable {
    /// Records of the segment that is still growing. They are copied to readers one by one; a full segment is shared.
    @usableFromInline static var openCapacity: Int { 128 }

    public struct Mark: Sendable {
        /// The last number assigned.
        public let head: ChangeSequence
        /// A cursor at or above it can still be honoured: all records are there that came after it.
        public let floor: ChangeSequence
        /// The number that the next record gets. Those between the head and it, if there are any, may have been given to records
        /// that are gone since a restart.
        public let upcoming: ChangeSequence
    }

    @usableFromInline struct State {
        @usableFromInline var head: ChangeSequence
        /// The number that the next record gets: it follows the head, but for the first one after a crash.
        @usableFromInline var upcoming: ChangeSequence
        @usableFromInline var main: LogLane<Record>
        @usableFromInline var aside: LogLane<Record>
        /// The first number whose record would be there if it was kept aside: others were given before a restart.
        @usableFromInline var asideStart = ChangeSequence.zero
        @usableFromInline var latestAside = ChangeSequence.zero
        /// Something was kept aside, in this life of the store or in one before.
        @usableFromInline var hasAside = false

        /// Below it, some record that is wanted is gone.
        @inlinable
        func floor(of lanes: LogLanes) -> ChangeSequence {
            lanes == .main ? main.floor : max(main.floor, aside.floor)
        }

        /// The next record has this number.
        @inlinable
        mutating func number() -> ChangeSequence {
            let sequence = upcoming
            (head, upcoming) = (sequence, sequence.next)
            return sequence
        }
    }

    @usableFromInline let state: Locked<State>
    /// The head once more, for those who only want to know whether there is anything new: a lock that they shared with the
    /// writers would slow these down.
    @usableFromInline let published: Atomic<UInt64>
    /// The durable mark. Not above the head; where there is no store, always the head.
    @usableFromInline let settled: Atomic<UInt64>
    /// What the records above the durable mark cost, in bytes, without those kept aside, which no store waits for.
    @usableFromInline let unsettled = Atomic<Int>(0)
    @usableFromInline let isVolatile: Bool

    /// The part of the bound that records have which are kept aside.
    public static var asideShare: Int { 16 }

    /// - Parameters:
    ///   - byteLimit: of all records, in bytes.
    ///   - start: records up to this number are not there any more; zero for a new history.
    ///   - isVolatile: there is no store, and so no record is more durable than any other.
    public init(byteLimit: Int, start: ChangeSequence = .zero, isVolatile: Bool = true) {
        let aside = byteLimit / Self.asideShare
        state = Locked(
            State(
                head: start, upcoming: start.next, main: LogLane(floor: start, byteLimit: byteLimit - aside),
                aside: LogLane(floor: start, byteLimit: aside)), rank: .log)
        published = Atomic(start.rawValue)
        settled = Atomic(start.rawValue)
        self.isVolatile = isVolatile
    }

    public var mark: Mark { mark(of: .main) }
    public func mark(of lanes: LogLanes) -> Mark {
        state.withLock { state in
            let floor = state.floor(of: lanes)
            return Mark(
                head: state.head, floor: lanes == .main ? floor : max(floor, state.asideStart), upcoming: state.upcoming
            )
        }
    }
    /// Who reads, and is at or above it, finds all that came after.
    public func floor(of lanes: LogLanes) -> ChangeSequence { state.withLock { $0.floor(of: lanes) } }
    /// The last number assigned. Takes no lock.
    @inlinable public var head: ChangeSequence { ChangeSequence(rawValue: published.load(ordering: .acquiring)) }
    /// The number that the next record gets. Only who holds the gate exclusively can know what will have it.
    public var upcoming: ChangeSequence { state.withLock { $0.upcoming } }
    /// The number of the latest record that was kept aside, be it there or not; zero without any since a restart.
    public var latestAside: ChangeSequence { state.withLock { $0.latestAside } }
    /// Whether something was ever kept aside.
    public var hasAside: Bool { state.withLock { $0.hasAside } }
    /// Everything up to this number is as durable as it gets, and may be told. Takes no lock.
    @inlinable public var durable: ChangeSequence { ChangeSequence(rawValue: settled.load(ordering: .acquiring)) }
    /// What the records above the durable mark cost, in bytes. Takes no lock.
    @inlinable public var unsettledBytes: Int { unsettled.load(ordering: .relaxed) }
    /// Bytes that the retained records cost, without what others keep.
    public var retainedBytes: Int {
        state.withLock { $0.main.openBytes + $0.main.sealedBytes + $0.aside.openBytes + $0.aside.sealedBytes }
    }

    /// Appends one record, built once its number is known, and returns the number.
    @inlinable @discardableResult
    public func append(_ build: (ChangeSequence) -> Record) -> ChangeSequence {
        let (sequence, dropped) = state.withLock { state in
            let sequence = state.number()
            let dropped = append(build(sequence), &state)
            publish(state)
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
                precondition(record.sequence == state.number(), "a record does not follow the head")
                dropped += append(record, &state)
            }
            publish(state)
            return dropped
        }
        _ = consume dropped
    }

    /// Appends as many records as `build` is asked for, contiguous in the log.
    @inlinable public func append(count: Int, _ build: (Int, ChangeSequence) -> Record) {
        let dropped = state.withLock { state in
            var dropped: [[Record]] = []
            for index in 0..<count { dropped += append(build(index, state.number()), &state) }
            publish(state)
            return dropped
        }
        _ = consume dropped
    }

    /// The same, kept aside. A store doesn't keep them, so they go whether they are durable or not.
    ///
    /// - Parameter opening: goes before the first of all, not aside: by it a store knows after a crash that there were such records.
    @inlinable public func appendAside(
        count: Int, opening: (ChangeSequence) -> Record, _ build: (Int, ChangeSequence) -> Record
    ) {
        let dropped = state.withLock { state in
            var dropped: [[Record]] = []
            if !state.hasAside {
                state.hasAside = true
                if !isVolatile { dropped += append(opening(state.number()), &state) }
            }
            for index in 0..<count {
                dropped += state.aside.append(build(index, state.number()), keepingAbove: nil)
            }
            if count > 0 { state.latestAside = state.head }
            publish(state)
            return dropped
        }
        _ = consume dropped
    }

    @inlinable @inline(__always)
    func append(_ record: consuming Record, _ state: inout State) -> [[Record]] {
        if isVolatile { return state.main.append(record, keepingAbove: nil) }
        unsettled.wrappingAdd(record.retainedBytes, ordering: .relaxed)
        return state.main.append(record, keepingAbove: durable)
    }

    @inlinable @inline(__always)
    func publish(_ state: State) {
        published.store(state.head.rawValue, ordering: .releasing)
        if isVolatile { settled.store(state.head.rawValue, ordering: .releasing) }
    }
}
