internal import ChangeLog
internal import Routing
internal import Threads

/// Flushes and cascades make their changes in runs, and are known until they are through, in memory and in the store: what
/// a crash or a full disk cuts in the middle is finished later.
struct RunningOperation {
    let operation: UnfinishedOperation
    /// Some thread is at it.
    var isRunning: Bool

    init(_ operation: UnfinishedOperation, isRunning: Bool) {
        self.operation = operation
        self.isRunning = isRunning
    }
}

extension UnfinishedOperation {
    static let namespaceDeleted = "namespace-deleted"

    /// The routes of a namespace go after itself.
    init(removing namespace: String, _ removal: ChangeSequence) {
        var selection = RouteSelection()
        selection.namespaces = [namespace]
        self.init(
            cause: removal, reason: Self.namespaceDeleted,
            remainder: OperationRemainder(selection: selection, bound: removal))
    }
}

extension ControlPlane {
    /// Whether a change may be made now; see `Journal.admit`.
    func admit(waits: Bool) throws(FIBError) -> Bool { try journal?.admit(waits: waits) ?? true }

    /// Within the gate, with the changes that show it.
    func begin(_ operation: UnfinishedOperation) {
        operations.withLock { $0[operation.cause] = RunningOperation(operation, isRunning: true) }
    }

    /// Makes what changes are left of an operation that has begun; nil if there were none. It stays among the unfinished if
    /// the store takes no more.
    func finish(
        _ operation: UnfinishedOperation, on snapshot: Snapshot
    ) -> (count: Int, sequence: ChangeSequence)? {
        let result = remove(
            operation.remainder.selection, of: snapshot, bound: operation.remainder.bound, cause: operation.cause,
            reason: operation.reason)
        if operation.reason == UnfinishedOperation.namespaceDeleted,
            let name = operation.remainder.selection.namespaces?.first
        {
            dropIfEmpty(name)
        }
        return result.count == 0 ? nil : (result.count, result.last)
    }

    var hasCutOperations: Bool { operations.withLock { $0.values.contains { !$0.isRunning } } }

    /// Finishes what a crash or a full disk has cut.
    func finishOperations() {
        let cut = operations.withLock { all in
            let cut = all.values.filter { !$0.isRunning }.map(\.operation)
            for operation in cut { all[operation.cause]?.isRunning = true }
            return cut
        }
        for operation in cut.sorted(by: { $0.cause < $1.cause }) { _ = finish(operation, on: snapshot()) }
    }
}
