public import Addressing
public import ChangeLog
public import Routing
internal import Threads

/// A route to be written: where, what, and under which condition.
public struct RouteWrite: Sendable {
    public let table: TableIdentity
    public private(set) var route: Route
    /// Of the entry as given; computed before any lock.
    let hash: EntryHash
    public var condition: WriteCondition

    public init(_ table: TableIdentity, _ route: Route, condition: WriteCondition = .none, _ writer: EntryWriter) {
        self.table = table
        self.route = route
        self.condition = condition
        hash = writer.hash(table, route)
    }

    /// Under the namespace's lock: the route with the one copy of its info that the namespace keeps.
    func shared(_ infos: SharedInfos) -> Route { route.with(infos.shared(route.info)) }

    /// Under the namespace's lock; for a transaction, which decides later.
    mutating func share(_ infos: SharedInfos) { route = shared(infos) }
}

/// What must hold for a write to happen.
public enum WriteCondition: Hashable, Sendable {
    case none
    /// The object is at this version (`If-Match`).
    case version(ChangeSequence)
    /// There is no such object (`If-None-Match: *`).
    case absent

    /// - Parameter subject: of what there is, for messages.
    func check(_ present: StoredObject?, _ subject: @autoclosure () -> String) throws(FIBError) {
        switch self {
        case .none: return
        case .absent:
            guard let present else { return }
            throw FIBError(
                .eexist, .versionMismatch, "\(subject()) exists at version \(present.version.rawValue)")
        case .version(let wanted):
            guard present?.version != wanted else { return }
            throw FIBError(
                .estale, .versionMismatch,
                "\(subject()) is "
                    + (present.map { "at version \($0.version.rawValue), not \(wanted.rawValue)" } ?? "not there"))
        }
    }
}

/// What a write came to.
public struct WriteResult: Sendable {
    public enum Outcome: Sendable { case created, replaced, deleted, unchanged }
    public let outcome: Outcome
    public let table: TableIdentity
    public let key: RouteKey
    /// What stands there now; of a deletion, what stood there.
    public let stored: StoredRoute
    /// The number of the change; if nothing changed, the head.
    public let sequence: ChangeSequence
    /// What is counted of it.
    public var row: RowResult { RowResult(outcome: outcome, sequence: sequence) }
}

/// What one row of many came to.
public struct RowResult: Sendable {
    public let outcome: WriteResult.Outcome
    /// The number of the change; if nothing changed, the head.
    public let sequence: ChangeSequence
}

extension ControlPlane {
    /// The identity under which changes of a table are known; a new one if the table doesn't exist (it then comes into
    /// being with its first route).
    public func table(_ namespace: String, _ family: AddressFamily, _ id: TableID) throws(FIBError) -> TableIdentity {
        let known: TableIdentity? = try self.namespace(namespace).state.withLock { state in
            state.index(of: family, id).map { state.tables[$0].identity }
        }
        return known ?? TableIdentity(namespace: namespace, family: family, id: id)
    }

    /// Adds, replaces or changes one route. Nothing has changed if it throws.
    ///
    /// A thread that must not wait says so; the answer is then nil, at once, if the gate or the namespace is busy.
    public func write(
        _ verb: RouteVerb, _ write: RouteWrite, waits: Bool = true
    ) throws(FIBError) -> WriteResult? {
        try commit(in: write.table.namespace, waits: waits) { (state) throws(FIBError) in
            try commit(verb, write, &state)
        }
    }

    /// Removes the first route that agrees (R1-84…R1-87, R1-101, R1-102). Nil as for `write`.
    public func delete(
        _ namespace: String, _ id: TableID, _ selector: RouteSelector, waits: Bool = true
    ) throws(FIBError) -> WriteResult? {
        try commit(in: namespace, waits: waits) { (state) throws(FIBError) in
            try commitDelete(namespace, id, selector, &state)
        }
    }

    private func commit(
        in name: String, waits: Bool, _ body: (inout Namespace.State) throws(FIBError) -> WriteResult
    ) throws(FIBError) -> WriteResult? {
        guard try admit(waits ? .ofWorker : .none) else { return nil }
        let namespace = try namespace(name)
        let result: WriteResult?
        if waits {
            result = try gate.withShared { () throws(FIBError) in try namespace.state.withLock(body) }
        } else {
            result =
                try gate.withSharedIfAvailable { () throws(FIBError) in
                    try namespace.state.withLockIfAvailable(body)
                } ?? nil
        }
        if let result, result.outcome != .unchanged { committed() }
        return result
    }

    /// Writes rows one by one, each for itself, under as few acquisitions of the locks as their namespaces allow, until
    /// `each`, which is told what every row came to, wants no more.
    public func write(_ verb: RouteVerb, rows: [RouteWrite], _ each: (Int, Result<RowResult, FIBError>) -> Bool) {
        // Looked at in place: copies of rows would count references.
        let all = rows.span
        var index = 0
        var goesOn = true
        let head = log.head
        while goesOn, index < rows.count {
            let name = all[index].table.namespace
            var end = index + 1
            while end < all.count, all[end].table.namespace == name { end += 1 }
            do {
                _ = try admit(.ofItsOwn)
                let namespace = try namespace(name)
                goesOn = gate.withShared {
                    namespace.state.withLock { commit(verb, all, index..<end, &$0, each) }
                }
            } catch {
                goesOn = (index..<end).allSatisfy { each($0, .failure(error)) }
            }
            index = end
        }
        // Refused rows are no news; others may have made some meanwhile, which does no harm.
        if log.head > head { committed() }
    }

    /// The routes of a prefix in a table, in order and at most `limit` of them, with the head as of which they are read.
    public func routes(
        _ namespace: String, _ id: TableID, _ prefix: Prefix, limit: Int
    ) throws(FIBError) -> (table: TableIdentity?, routes: [PlacedRoute], sequence: ChangeSequence) {
        try self.namespace(namespace).state.withLock { state in
            guard let index = state.index(of: prefix.family, id) else { return (nil, [], log.head) }
            return (state.tables[index].identity, state.tables[index].table.routes(of: prefix, limit: limit), log.head)
        }
    }

    // MARK: Under the namespace's lock

    /// Rows of one namespace; false if `each` wanted no more.
    private func commit(
        _ verb: RouteVerb, _ rows: Span<RouteWrite>, _ range: Range<Int>, _ state: inout Namespace.State,
        _ each: (Int, Result<RowResult, FIBError>) -> Bool
    ) -> Bool {
        var ahead = range.lowerBound
        for row in range {
            if row == ahead {
                // In no order, each row would wait for memory of its own; this way some wait together.
                ahead = min(row + Self.rowsAhead, range.upperBound)
                for next in row..<ahead { state.prefetch(rows[next], .branch) }
                for next in row..<ahead { state.prefetch(rows[next], .leaf) }
            }
            let result: Result<RowResult, FIBError>
            do throws(FIBError) {
                result = .success(try commit(verb, row: rows[row], &state))
            } catch {
                result = .failure(error)
            }
            guard each(row, result) else { return false }
        }
        return true
    }

    private static var rowsAhead: Int { 64 }

    private func commit(
        _ verb: RouteVerb, row write: RouteWrite, _ state: inout Namespace.State
    ) throws(FIBError) -> RowResult {
        if !state.isClosing, verb.creates, write.condition == .none, state.chain.guards.isEmpty,
            state.settings.nextHopCheck == .open, write.route.info.fields.nextHopID == 0,
            let sequence = commitFirst(write, at: try state.indexCreating(write.table), &state)
        {
            return RowResult(outcome: .created, sequence: sequence)
        }
        return try commit(verb, write, &state).row
    }

    /// The shortest way, for a route whose prefix has none yet; nil if it isn't open.
    private func commitFirst(_ write: RouteWrite, at index: Int, _ state: inout Namespace.State) -> ChangeSequence? {
        let route = write.shared(state.infos)
        let table = state.tables[index].identity
        let devices = state.devices
        let isForHardware = !devices.isEmpty && state.isForHardware(route.info)
        var latestPending = state.latestPending
        let stored = state.tables[index].table.insertFirst(route) { key in
            let hardware = isForHardware ? devices.pending(table, key, route.info, &latestPending) : nil
            let sequence = log.append { sequence in
                let new = StoredRoute(version: sequence, hash: write.hash, info: route.info, hardware: hardware)
                let best = BestChange.own(.other)
                return Change(
                    sequence: sequence, operation: .add,
                    object: .route(RouteChange(table: table, key: key, old: nil, new: new, best: best)), batch: nil)
            }
            return StoredRoute(version: sequence, hash: write.hash, info: route.info, hardware: hardware)
        }
        if stored != nil { state.chain.calls.count(table.family) }
        state.latestPending = latestPending
        return stored?.version
    }

    private func commit(
        _ verb: RouteVerb, _ write: RouteWrite, _ state: inout Namespace.State
    ) throws(FIBError) -> WriteResult {
        if state.isClosing { throw Self.namespaceNotFound(write.table.namespace) }
        let index = try state.indexCreating(write.table)
        let step = try state.decide(verb, write.shared(state.infos), write.hash, write.condition, at: index)
        guard case .edit(let edit, let hash) = step else {
            guard case .unchanged(let key, let stored) = step else { preconditionFailure("no third case") }
            return WriteResult(
                outcome: .unchanged, table: state.tables[index].identity, key: key, stored: stored,
                sequence: log.head)
        }
        return try commit(edit, hash, at: index, &state)
    }

    private func commitDelete(
        _ namespace: String, _ id: TableID, _ selector: RouteSelector, _ state: inout Namespace.State
    ) throws(FIBError) -> WriteResult {
        if state.isClosing { throw Self.namespaceNotFound(namespace) }
        let (index, edit, hash) = try state.decideDelete(id, selector)
        return try commit(edit, hash, at: index, &state)
    }

    private func commit(
        _ edit: RouteEdit, _ hash: EntryHash, at index: Int, _ state: inout Namespace.State
    ) throws(FIBError) -> WriteResult {
        var edit = edit
        var best = state.tables[index].table.effect(of: edit)
        let identity = state.tables[index].identity
        try state.chain.call(edit, identity, best, hash)
        state.begin(&edit, best, at: index)
        if let promoted = state.promote(&best, at: index) { commit(promoted, at: index, &state) }
        let sequence = log.append { sequence in
            Change(edit, identity, best, hash, sequence: sequence, batch: nil)
        }
        state.tables[index].table.apply(edit, version: sequence, hash: hash)
        if edit.old != nil { state.infos.released(1) }
        if let displaced = state.displace(best, at: index) { commit(displaced, at: index, &state) }
        return WriteResult(edit, identity, hash, sequence)
    }
}

extension WriteResult {
    init(_ edit: RouteEdit, _ table: TableIdentity, _ hash: EntryHash, _ sequence: ChangeSequence) {
        let new = edit.info.map { StoredRoute(version: sequence, hash: hash, info: $0, hardware: edit.hardware) }
        guard let stored = new ?? edit.old else { preconditionFailure("an edit without a route") }
        let outcome: Outcome = new == nil ? .deleted : edit.old == nil ? .created : .replaced
        self.init(outcome: outcome, table: table, key: edit.key, stored: stored, sequence: sequence)
    }
}

extension Change {
    init(
        _ edit: RouteEdit, _ table: TableIdentity, _ best: BestChange, _ hash: EntryHash, sequence: ChangeSequence,
        batch: ChangeBatch?
    ) {
        let new = edit.info.map { StoredRoute(version: sequence, hash: hash, info: $0, hardware: edit.hardware) }
        self.init(
            sequence: sequence, operation: edit.operation,
            object: .route(RouteChange(table: table, key: edit.key, old: edit.old, new: new, best: best)),
            batch: batch)
    }
}
