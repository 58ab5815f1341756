public import ChangeLog
public import Routing
internal import Threads

extension ControlPlane {
    /// Changes that one run of a flush or a cascade makes at most.
    static var runLength: Int { 1_024 }

    /// Removes the routes that agree, as they were when the call began; one that was replaced meanwhile stays. They go
    /// in runs, each its own transaction, all with one cause. Nothing goes if `expected` is another number than agrees.
    ///
    /// - Returns: how many routes went, the number of the last change (the head if none went), and whether that was all: if
    ///   the store takes no more in the middle, the rest goes when it does.
    public func flush(
        _ selection: RouteSelection, expected: Int? = nil, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence, isThrough: Bool) {
        if !dryRun { _ = try admit(.ofWorker) }
        let snapshot = snapshot()
        if expected != nil || dryRun {
            let matching = snapshot.summary(of: selection).count
            if let expected, expected != matching {
                throw FIBError(
                    .estale, .countMismatch, "\(matching) routes match, not \(expected); nothing was removed")
            }
            if dryRun { return (matching, snapshot.sequence, true) }
        }
        let removed = remove(
            selection, of: snapshot, bound: snapshot.sequence, cause: nil, reason: "flush", .ofWorker)
        if let refusal = removed.refusal, removed.count == 0 { throw refusal }
        return (removed.count, removed.last, removed.refusal == nil)
    }

    /// What removing came to.
    struct Removed {
        var count = 0
        var cause: ChangeSequence?
        var last: ChangeSequence
        /// Why it ended early.
        var refusal: FIBError?
    }

    /// Removes the routes of the snapshot that agree, are not newer than `bound`, and are still there unchanged. What the
    /// store has no room for stays, with the operation among the unfinished.
    func remove(
        _ selection: RouteSelection, of snapshot: Snapshot, bound: ChangeSequence, cause: ChangeSequence?,
        reason: String, _ patience: Patience
    ) -> Removed {
        var walk = RouteWalk(snapshot, selection)
        var removed = Removed(cause: cause, last: log.head)
        var pending: [(TableIdentity, PlacedRoute)] = []
        let remainder = OperationRemainder(selection: selection, bound: bound)
        while true {
            var next = walk.next()
            while let (_, route) = next, route.value.version > bound { next = walk.next() }
            let endsRun = next.map { $0.0.namespace != pending.first?.0.namespace ?? $0.0.namespace } ?? true
            if endsRun || pending.count == Self.runLength {
                do throws(FIBError) {
                    _ = try admit(patience)
                } catch {
                    pause(removed.cause)
                    removed.refusal = error
                    return removed
                }
                removeRun(pending, &removed, reason, next == nil ? nil : remainder)
                pending = []
            }
            guard let next else { return removed }
            pending.append(next)
        }
    }

    private func pause(_ cause: ChangeSequence?) {
        guard let cause else { return }
        operations.withLock { $0[cause]?.isRunning = false }
        // The journal's thread may have had room again before that.
        journal?.signal.raise()
    }

    private func removeRun(
        _ routes: [(TableIdentity, PlacedRoute)], _ removed: inout Removed, _ reason: String,
        _ remainder: OperationRemainder?
    ) {
        let namespace = (routes.first?.0.namespace).flatMap { try? self.namespace($0) }
        var result = removed
        gate.withShared {
            namespace?.state.withLock { state in
                append(state.takeOut(routes), &result, reason, remainder)
                for promoted in state.promoted(by: routes) { commit(promoted.edit, at: promoted.index, &state) }
            }
            guard let cause = result.cause else { return }
            let operation = remainder.map { UnfinishedOperation(cause: cause, reason: reason, remainder: $0) }
            operations.withLock { $0[cause] = operation.map { RunningOperation($0, isRunning: true) } }
        }
        removed = result
        committed()
    }

    /// Under the namespace's lock.
    private func append(
        _ edits: [(TableIdentity, RouteEdit, BestChange)], _ removed: inout Removed, _ reason: String,
        _ remainder: OperationRemainder?
    ) {
        guard !edits.isEmpty else { return }
        var batch: ChangeBatch?
        var result = removed
        log.append(count: edits.count) { index, sequence in
            let cause = result.cause ?? sequence
            let common =
                batch
                ?? ChangeBatch(
                    transaction: sequence, cause: .init(reason: reason, sequence: cause), remainder: remainder)
            batch = common
            result.cause = cause
            result.last = sequence
            let (table, edit, best) = edits[index]
            return Change(edit, table, best, EntryHash(high: 0, low: 0), sequence: sequence, batch: common)
        }
        result.count += edits.count
        removed = result
    }
}

extension Namespace.State {
    /// Removes those of the routes that are still at their version, and says what each removal was.
    fileprivate mutating func takeOut(
        _ routes: [(TableIdentity, PlacedRoute)]
    ) -> [(TableIdentity, RouteEdit, BestChange)] {
        var edits: [(TableIdentity, RouteEdit, BestChange)] = []
        for (identity, route) in routes {
            guard let index = index(of: identity.family, identity.id),
                let present = tables[index].table.image[route.key], present.version == route.value.version
            else { continue }
            let edit = RouteEdit(
                operation: .delete, key: route.key, old: present, info: nil,
                first: tables[index].table.first(of: route.key))
            let best = tables[index].table.effect(of: edit)
            edits.append((identity, edit, best))
            chain.count(best, identity.family)
            tables[index].table.apply(edit, version: .zero, hash: EntryHash(high: 0, low: 0))
        }
        return edits
    }

    /// Once routes are gone: those that are the first of their prefix now, and what devices are to do with them.
    fileprivate mutating func promoted(by routes: [(TableIdentity, PlacedRoute)]) -> [(edit: HardwareEdit, index: Int)]
    {
        if devices.isEmpty { return [] }
        var edits: [(edit: HardwareEdit, index: Int)] = []
        var previous: (table: TableIdentity, key: RouteKey)?
        for (identity, route) in routes {
            guard let index = index(of: identity.family, identity.id),
                let first = tables[index].table.first(of: route.key)
            else { continue }
            if let previous, previous.table === identity, previous.key == first.key { continue }
            previous = (identity, first.key)
            if let edit = hardwareOfNeighbour(.promoted(.init(first)), at: index) { edits.append((edit, index)) }
        }
        return edits
    }
}
