import ChangeLog

/// A client that takes nothing on trust: checks every frame of its streams against the rules that a server promises, whatever
/// goes wrong with streams.
struct StreamChecker {
    struct Violation: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// What stands for the state, since how often each entry is in it is all that digests tell.
    private(set) var entries: [UInt128: Int] = [:]
    private(set) var count: UInt64 = 0
    private(set) var digest: UInt128 = 0
    /// The state is known, not only how it changes.
    private(set) var isKnown = false
    /// The number of the last delta, sync or cursor.
    private(set) var position: UInt64 = 0
    /// The last cursor, which survives the connection.
    private(set) var cursor: String?
    private(set) var stage = Stage.nothing
    /// Where the last sync was, and what it said.
    private(set) var synced: (sequence: UInt64, count: UInt64, digest: UInt128)?
    private(set) var tally = Tally()

    enum Stage {
        /// Before the hello.
        case nothing
        /// Rows come, then perhaps what has changed meanwhile, then a sync.
        case rows, catchingUp
        /// Changes come.
        case deltas
        case ended
    }

    struct Tally {
        var frames = 0
        var syncs = 0
        var resets = 0
        var catchUps = 0
        var deltas = 0
        var resumptions = 0
        var refusals = 0

        static func += (a: inout Tally, b: Tally) {
            a.frames += b.frames
            a.syncs += b.syncs
            a.resets += b.resets
            a.catchUps += b.catchUps
            a.deltas += b.deltas
            a.resumptions += b.resumptions
            a.refusals += b.refusals
        }
    }

    let epoch: String
    /// The last part of cursors.
    private(set) var digits: String
    /// Of filters that it was given since; a reset says that one of them holds, and the next cursor which.
    private var nextDigits: [String] = []
    private var mayChange = false
    private var transaction: UInt64?
    /// Transactions of which other changes, or a sync, were seen later.
    private var finished: Set<UInt64> = []
    private var catchUp: UInt64?

    init(epoch: String, digits: String) {
        self.epoch = epoch
        self.digits = digits
    }

    /// A new connection. What was received before stays, and counts if the stream goes on from there.
    mutating func connect() {
        (stage, transaction, finished) = (.nothing, nil, [])
        (digits, nextDigits, mayChange) = (nextDigits.last ?? digits, [], false)
    }

    /// The listener is registered for another filter from here on, and a reset follows that says so.
    mutating func change(digits: String) { nextDigits.append(digits) }

    private func check(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        if !holds { throw Violation(what()) }
    }

    private func need<Value>(_ value: Value?, _ what: @autoclosure () -> String) throws -> Value {
        guard let value else { throw Violation("no \(what())") }
        return value
    }

    /// - Parameter expected: how the stream must begin: in which mode, and for a replay why.
    mutating func take(_ frame: StreamFrame, head: UInt64, expected: (mode: String, reason: String?)) throws {
        tally.frames += 1
        try check(stage != .ended, "\(frame.event) after the end")
        switch frame.event {
        case "hello": try begin(frame, expected)
        case "sync": try sync(frame, head)
        case "reset":
            try check(frame.id == "", "a reset that leaves the client its cursor")
            let reason = try need(frame.reason, "reason")
            try check(stage == .deltas || reason == "filter" && stage != .nothing, "a reset for \(reason) among rows")
            mayChange = mayChange || reason == "filter"
            tally.resets += 1
            clear()
        case "drain", "error": stage = .ended
        case "notice": break
        default:
            try check(stage != .nothing, "\(frame.event) before the hello")
            if frame.operation == "replay" { try row(frame) } else { try delta(frame, head) }
        }
    }

    private mutating func clear() {
        (entries, count, digest, position, cursor, isKnown) = ([:], 0, 0, 0, nil, true)
        (stage, transaction, finished, synced, catchUp) = (.rows, nil, [], nil, nil)
    }

    private mutating func begin(_ frame: StreamFrame, _ expected: (mode: String, reason: String?)) throws {
        try check(stage == .nothing, "a second hello")
        let mode = try need(frame.mode, "mode")
        try check(frame.epoch == epoch, "another epoch")
        try check(
            mode == expected.mode && frame.reason == expected.reason,
            "began with \(mode) \(frame.reason ?? "-"), not with \(expected.mode) \(expected.reason ?? "-")")
        switch mode {
        case "replay":
            try check(frame.id == "", "a replay that leaves the client its cursor")
            if frame.reason != nil { tally.refusals += 1 }
            clear()
        case "resume":
            tally.resumptions += 1
            stage = .deltas
        default:
            clear()
            (isKnown, stage) = (false, .deltas)
        }
    }

    private mutating func row(_ frame: StreamFrame) throws {
        try check(stage == .rows, "a row behind the sync")
        try check(frame.id == nil, "a row with a cursor")
        add(try need(frame.hash, "h in a row"))
    }

    private mutating func delta(_ frame: StreamFrame, _ head: UInt64) throws {
        tally.deltas += 1
        let sequence = try need(frame.sequence, "seq")
        try check(sequence <= head, "\(sequence) from the future, \(head)")
        if frame.isCatchUp {
            try check(stage == .rows || stage == .catchingUp, "a catch-up without rows")
            try check(frame.id == nil, "a catch-up with a cursor")
            if stage == .rows || catchUp != frame.transaction { tally.catchUps += 1 }
            (stage, catchUp) = (.catchingUp, frame.transaction)
            return try apply(frame)
        }
        try check(stage == .deltas, "a change before the sync")
        let previous = try need(frame.previous, "prev")
        try check(
            previous <= position, "lost: \(previous) comes before \(sequence), and was not told after \(position)")
        try check(position < sequence, "\(sequence) behind \(position)")
        try check(cursor: frame.id, of: sequence)
        if let last = transaction, last != frame.transaction { finished.insert(last) }
        transaction = frame.transaction
        try check(!(transaction.map(finished.contains) ?? false), "transaction \(transaction ?? 0) in pieces")
        (position, cursor) = (sequence, frame.id)
        try apply(frame)
    }

    private mutating func check(cursor: String?, of sequence: UInt64) throws {
        if mayChange, let index = nextDigits.firstIndex(where: { cursor?.hasSuffix("-\($0)") ?? false }) {
            digits = nextDigits[index]
            nextDigits.removeFirst(index + 1)
            mayChange = false
        }
        try check(cursor == "\(epoch)-\(sequence)-\(digits)", "cursor \(cursor ?? "-") of \(sequence)")
    }

    private mutating func apply(_ frame: StreamFrame) throws {
        let (new, old) = (frame.hash, frame.former)
        switch try need(frame.operation, "op") {
        case "add", "prepend": try check(new != nil && old == nil, "an addition of nothing")
        // Of an IPv6 route it is another leg, and replaces the one without.
        case "append": try check(new != nil, "an addition of nothing")
        case "replace": try check(new != nil && old != nil, "a replacement of nothing")
        case "delete": try check(new == nil && old != nil, "a deletion of nothing")
        case "flags", "status": try check(new == old && new != nil, "a status of something else")
        case "restart": return
        case let other: throw Violation("op \(other)")
        }
        if let old { try remove(old) }
        if let new { add(new) }
    }

    private mutating func add(_ hash: UInt128) {
        entries[hash, default: 0] += 1
        count &+= 1
        digest &+= hash
    }

    private mutating func remove(_ hash: UInt128) throws {
        if isKnown, !(entries[hash].map { $0 > 0 } ?? false) { throw Violation("a deletion of what isn't there") }
        entries[hash] = entries[hash].flatMap { $0 > 1 ? $0 - 1 : nil }
        count &-= 1
        digest &-= hash
    }

    private mutating func sync(_ frame: StreamFrame, _ head: UInt64) throws {
        tally.syncs += 1
        let sequence = try need(frame.sequence, "seq")
        try check(stage != .nothing && sequence >= position && sequence <= head, "a sync at \(sequence), \(head)")
        try check(cursor: frame.id, of: sequence)
        let (count, digest) = (try need(frame.count, "count"), try need(frame.digest, "digest"))
        if isKnown {
            try check(
                count == self.count && digest == self.digest,
                "the state at \(sequence) is another one: \(count) entries, not \(self.count)")
        } else if synced == nil {
            // All that is known from here on is how it changes.
            (self.count, self.digest) = (count, digest)
        } else {
            try check(count == self.count && digest == self.digest, "changes don't lead to the state at \(sequence)")
        }
        if let last = transaction { finished.insert(last) }
        (transaction, synced) = (nil, (sequence, count, digest))
        (position, cursor, stage) = (sequence, frame.id, .deltas)
    }
}
