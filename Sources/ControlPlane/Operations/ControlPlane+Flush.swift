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
        let removed = carryOut(
            OperationRemainder(selection: selection, bound: snapshot.sequence), on: snapshot, cause: nil,
            reason: "flush", .ofWorker)
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

    /// Carries out an operation on the routes of the snapshot that agree, are not newer than its bound, and are still there
    /// unchanged. What the store has no room for stays, with the operation among the unfinished.
    func carryOut(
        _ remainder: OperationRemainder, on snapshot: Snapshot, cause: ChangeSequence?, reason: String,
        _ patience: Patience
    ) -> Removed {
        var walk = RouteWalk(snapshot, remainder.selection)
        var removed = Removed(cause: cause, last: log.head)
        var pending: [(TableIdentity, PlacedRoute)] = []
        while true {
            var next = walk.next()
            while let (_, route) = next, route.value.version > remainder.bound { next = walk.next() }
            let endsRun = next.map { $0.0.namespace != pending.first?.0.namespace ?? $0.0.namespace } ?? true
            if endsRun || pending.count == Self.runLength {
                do throws(FIBError) {
                    _ = try admit(patience)
                } catch {
                    pause(removed.cause)
                    removed.refusal = error
                    return removed
                }
                makeRun(pending, &removed, reason, remainder, isLast: next == nil)
                pending = []
            }
            guard let next else { return removed }
            pending.append(next)
        }
    }

    func pause(_ cause: ChangeSequence?) {
        guard let cause else { return }
        operations.withLock { $0[cause]?.isRunning = false }
        // The journal's thread may have had room again before that.
        journal?.signal.raise()
    }

    private func makeRun(
        _ routes: [(TableIdentity, PlacedRoute)], _ removed: inout Removed, _ reason: String,
        _ remainder: OperationRemainder, isLast: Bool
    ) {
        let namespace = (routes.first?.0.namespace).flatMap { try? self.namespace($0) }
        var result = removed
        gate.withShared {
            namespace?.state.withLock { state in
                if let link = remainder.link, link.changesOffload {
                    for edit in state.offloadEdits(of: routes, over: link.device) {
                        commit(edit.edit, at: edit.index, &state)
                    }
                }
                let run = OperationRun(routes, remainder.link, &state)
                guard run.count > 0 else { return }
                for promoted in run.promoted { log.append { state.change(promoted, $0) } }
                result.count += run.count
                result.last = run.append(to: log, &state) { first in
                    let cause = result.cause ?? first
                    result.cause = cause
                    return ChangeBatch(
                        transaction: first, cause: .init(reason: reason, sequence: cause),
                        remainder: isLast ? nil : remainder)
                }
            }
            guard let cause = result.cause else { return }
            if isLast {
                // That a namespace is empty tells that its removal is through.
                end(cause, isTold: result.count > removed.count || reason == UnfinishedOperation.namespaceDeleted)
            } else {
                let operation = UnfinishedOperation(cause: cause, reason: reason, remainder: remainder)
                operations.withLock { $0[cause] = RunningOperation(operation, isRunning: true) }
            }
        }
        removed = result
        committed()
    }

    /// Within the gate: the operation is through. If its last run doesn't tell, the log does, so that a start doesn't begin
    /// it anew.
    private func end(_ cause: ChangeSequence, isTold: Bool) {
        guard operations.withLock({ $0.removeValue(forKey: cause) }) != nil, !isTold else { return }
        log.append { sequence in
            Change(sequence: sequence, operation: .delete, object: .operationEnd(cause), batch: nil)
        }
    }
}
