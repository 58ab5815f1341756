public import ChangeLog
public import Routing
internal import Threads

/// Links, neighbours and rules. A change of a link and what follows from it at once (the routes of its addresses, its neighbours) is
/// one transaction; what becomes of other routes follows in runs, with the change as their cause.
extension ControlPlane {
    public func change(_ operation: ObjectOperation) throws(FIBError) -> ObjectResult {
        let done: TransactionOutcome
        do throws(TransactionError) {
            done = try transact([.object(operation)])
        } catch {
            throw error.error
        }
        guard case .object(let result)? = done.results.first else { preconditionFailure("a change without its result") }
        return ObjectResult(outcome: result.outcome, object: result.object, sequence: done.sequence)
    }

    /// The object, and the head as of which it is read.
    public func object(_ key: ObjectKey, in namespace: String) throws(FIBError) -> (StoredObject?, ChangeSequence) {
        try self.namespace(namespace).state.withLock { (state) throws(FIBError) in
            if state.isClosing { throw Self.namespaceNotFound(namespace) }
            return (state.objects[key], log.head)
        }
    }
}

extension UnfinishedOperation {
    /// What a change of a link means for routes.
    init(_ cascade: LinkCascade, in namespace: String, _ cause: ChangeBatch.Cause) {
        var selection = RouteSelection()
        selection.namespaces = [namespace]
        // Routes that have lost their source may lead anywhere.
        if cascade.sources.isEmpty { selection.devices = [cascade.device] }
        let remainder = OperationRemainder(selection: selection, bound: cause.sequence, link: cascade)
        self.init(cause: cause.sequence, reason: cause.reason, remainder: remainder)
    }
}
