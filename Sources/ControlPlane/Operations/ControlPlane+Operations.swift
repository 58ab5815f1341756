internal import ChangeLog
public import Routing
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

    var toldCause: ChangeBatch.Cause { .init(reason: reason, sequence: cause) }

    /// The namespace whose removal it is.
    var removedNamespace: String? {
        reason == Self.namespaceDeleted ? remainder.selection.namespaces?.first : nil
    }
}

extension ControlPlane {
    /// Whether a change may be made now; see `Journal.admit`.
    func admit(_ patience: Patience) throws(FIBError) -> Bool { try journal?.admit(patience) ?? true }

    /// Waits on a worker, up to half a minute, while too much waits for the disk. For changes that don't do so themselves.
    public func awaitRoom() throws(FIBError) { _ = try admit(.ofWorker) }

    /// Within the gate, with the changes that show it.
    func begin(_ operation: UnfinishedOperation) {
        operations.withLock { $0[operation.cause] = RunningOperation(operation, isRunning: true) }
    }

    /// Makes what changes are left of an operation that has begun. It stays among the unfinished if the store takes no
    /// more.
    func finish(_ operation: UnfinishedOperation, on snapshot: Snapshot, _ patience: Patience) -> Removed {
        if let refusal = removeUsers(operation, patience) {
            pause(operation.cause)
            return Removed(cause: operation.cause, last: log.head, refusal: refusal)
        }
        let result = carryOut(
            operation.remainder, on: snapshot, cause: operation.cause, reason: operation.reason, patience)
        if result.refusal == nil, let name = operation.removedNamespace { dropIfEmpty(name) }
        return result
    }

    /// What goes before the routes; what kept it from going, if anything did.
    private func removeUsers(_ operation: UnfinishedOperation, _ patience: Patience) -> FIBError? {
        if operation.removedNamespace != nil { return removeObjects(operation, patience) }
        guard let link = operation.remainder.link, link.isRemoved,
            let namespace = (operation.remainder.selection.namespaces?.first).flatMap({ try? namespace($0) })
        else { return nil }
        return removeTraffic(ofLink: link.device, in: namespace, operation.toldCause, patience)
    }

    /// What was in a namespace that is gone, but for its routes; what kept it from going, if anything did.
    private func removeObjects(_ operation: UnfinishedOperation, _ patience: Patience) -> FIBError? {
        guard let name = operation.removedNamespace, let namespace = try? namespace(name), namespace.isClosing else {
            return nil
        }
        if let refusal = removeTraffic(of: namespace, operation.toldCause, patience) { return refusal }
        removePeers(of: namespace, operation.cause)
        var goesOn = true
        while goesOn {
            do throws(FIBError) {
                _ = try admit(patience)
            } catch {
                return error
            }
            goesOn = gate.withShared { namespace.state.withLock { removeRun(of: operation, &$0) } }
            if goesOn { committed() }
        }
        return nil
    }

    /// Under the namespace's lock; false if there are none left.
    private func removeRun(of operation: UnfinishedOperation, _ state: inout Namespace.State) -> Bool {
        // Groups before their members, and all before the links they are on.
        let objects = [ObjectKind.rule, .nexthop, .neigh, .link].flatMap { state.objects.all($0) }.prefix(
            Self.runLength)
        if objects.isEmpty { return false }
        var batch: ChangeBatch?
        log.append(count: objects.count) { index, sequence in
            let common =
                batch
                ?? ChangeBatch(
                    transaction: sequence, cause: .init(reason: operation.reason, sequence: operation.cause),
                    remainder: operation.remainder)
            batch = common
            let change = ObjectChange(old: objects[index], new: nil)
            return Change(sequence: sequence, operation: .delete, object: .object(change), batch: common)
        }
        // From the end: what stands behind a rule moves up when it goes.
        for object in objects.reversed() {
            state.chain.countObject()
            state.remove(object.key)
        }
        return true
    }

    /// On the journal's thread: lets what was put off for want of room go on once there is some, on a thread of its own,
    /// since it may have to wait for the journal's.
    func resumeOperations() {
        guard journal?.takesMore ?? false else { return }
        let cut = claimOperations()
        if cut.isEmpty { return }
        let thread = Thread(name: "operations") { self.finish(cut) }
        // Kept to be joined. More than a few would be a store that fills again and again.
        operationThreads.withLock { $0.append(thread) }
    }

    /// Those that no thread is at; the caller is, from now on.
    func claimOperations() -> [UnfinishedOperation] {
        operations.withLock { all in
            let cut = all.values.filter { !$0.isRunning }.map(\.operation)
            for operation in cut { all[operation.cause]?.isRunning = true }
            return cut
        }
    }

    func finish(_ cut: [UnfinishedOperation]) {
        for operation in cut.sorted(by: { $0.cause < $1.cause }) { _ = finish(operation, on: snapshot(), .ofItsOwn) }
    }
}
