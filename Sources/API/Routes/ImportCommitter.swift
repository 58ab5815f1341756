internal import ChangeLog
internal import ControlPlane
internal import Routing
internal import Synchronization
internal import Threads

/// Rows of an import that were read and wait to be applied.
struct ImportBatch: Sendable {
    var writes: [RouteWrite] = []
    /// Where they stood in the body.
    var lines: [Int] = []
    /// The line behind them, if it was refused.
    var refusal: Refusal?

    struct Refusal: Sendable {
        let line: Int
        let problem: Problem
    }

    var isEmpty: Bool { writes.isEmpty && refusal == nil }
}

/// The second half of an import: applies what the first half has read, in order, on a thread of its own, and counts.
final class ImportCommitter: Sendable {
    private struct State {
        var tally = Tally()
        /// For a dry run: the state with the rows so far applied to it.
        var draft: RouteDraft?
    }

    /// Batches that wait: enough to keep both halves busy, few enough to weigh nothing.
    private static let capacity = 8

    private let plane: ControlPlane
    private let job: RouteImport.Job
    private let lane: Lane
    // Not a leaf: batches are applied while it is held. Never contended, since the lane makes one call at a time; it comes
    // before the gate.
    private let state: Locked<State>
    /// The first error has come, and nothing after it counts. Set on the lane, seen by the reading half when it may.
    private let stopped = Atomic<Bool>(false)

    init(_ plane: ControlPlane, _ job: RouteImport.Job, _ pool: WorkerPool) {
        self.plane = plane
        self.job = job
        lane = Lane(pool: pool, capacity: Self.capacity)
        state = Locked(State(draft: job.isDryRun ? plane.draft() : nil), rank: LockRank(4, "route import"))
    }

    var hasStopped: Bool { stopped.load(ordering: .relaxed) }

    /// Waits while too many batches wait.
    func submit(_ batch: ImportBatch) { lane.submit { self.apply(batch) } }

    /// Applies the last batch, behind all others; what everything came to.
    func finish(_ last: ImportBatch) -> Tally {
        lane.drain()
        apply(last)
        return state.withLock { state in
            if let draft = state.draft { state.tally.sequence = draft.start }
            if state.tally.sequence == .zero { state.tally.sequence = plane.log.head }
            return state.tally
        }
    }

    private func apply(_ batch: ImportBatch) {
        state.withLock { state in
            if hasStopped { return }
            if state.draft != nil {
                for (line, write) in zip(batch.lines, batch.writes) {
                    let result = Result { () throws(FIBError) in try state.draft?.apply(.write(job.verb, write)).row }
                    guard count(line, result, &state.tally) else { return }
                }
            } else if !batch.writes.isEmpty {
                plane.write(job.verb, rows: batch.writes) { row, result in
                    count(batch.lines[row], result.map { $0 }, &state.tally)
                }
            }
            if let refusal = batch.refusal, !hasStopped { reject(refusal.line, refusal.problem, &state.tally) }
        }
    }

    /// False if nothing further is to be applied.
    private func count(_ line: Int, _ result: Result<RowResult?, FIBError>, _ tally: inout Tally) -> Bool {
        switch result {
        case .success(let result): if let result { tally.count(result) }
        case .failure(let error): reject(line, Problem(error), &tally)
        }
        return !hasStopped
    }

    private func reject(_ line: Int, _ problem: Problem, _ tally: inout Tally) {
        tally.reject(line: line, problem)
        if job.stopsOnError { stopped.store(true, ordering: .relaxed) }
    }
}
