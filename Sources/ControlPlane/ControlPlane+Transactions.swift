public import ChangeLog
public import Routing
internal import Synchronization
internal import Threads
internal import TrafficControl

/// A change of a route that someone asks for.
public enum RouteOperation: Sendable {
    case write(RouteVerb, RouteWrite)
    case delete(namespace: String, TableID, RouteSelector)

    var namespace: String {
        switch self {
        case .write(_, let write): write.table.namespace
        case .delete(let namespace, _, _): namespace
        }
    }
}

/// One step of a transaction.
public enum TransactionOperation: Sendable {
    case route(RouteOperation)
    case object(ObjectOperation)
    case traffic(TrafficOperation)

    /// Whether it can only be tried where it would be made.
    var isInPlace: Bool { if case .traffic = self { true } else { false } }
}

/// What one step of a transaction came to.
public enum TransactionResult: Sendable {
    case route(WriteResult)
    case object(ObjectResult)
    case traffic(TrafficResult)

    public var row: RowResult {
        switch self {
        case .route(let result): result.row
        case .object(let result): RowResult(outcome: result.outcome, sequence: result.sequence)
        case .traffic(let result): RowResult(outcome: result.outcome, sequence: result.sequence)
        }
    }
}

/// What a transaction came to.
public struct TransactionOutcome: Sendable {
    /// Of each operation.
    public let results: [TransactionResult]
    /// The number of its first change, which names it; nil if nothing changed.
    public let transaction: ChangeSequence?
    /// The number of the last change that it brought about; if there was none, the head.
    public let sequence: ChangeSequence
}

/// A transaction was refused because of one of its operations; nothing has changed.
public struct TransactionError: Error, Sendable {
    /// Index of the operation; nil if none of them is at fault.
    public let index: Int?
    public let error: FIBError
}

extension ControlPlane {
    /// Makes all changes or none. They carry consecutive numbers and one transaction number.
    ///
    /// Works on copies of the tables, so readers go on meanwhile; other writers wait. About 2 µs an operation.
    public func transact(_ operations: [TransactionOperation]) throws(TransactionError) -> TransactionOutcome {
        do throws(FIBError) {
            _ = try admit(.ofWorker)
        } catch {
            throw TransactionError(index: nil, error: error)
        }
        let operations = sharingInfos(operations)
        return try commit(concerning: operations) { (draft) throws(TransactionError) in try draft.apply(operations) }
    }

    /// What a transaction would come to, and as of which number.
    public func tryOut(
        _ operations: [TransactionOperation]
    ) throws(TransactionError) -> (results: [TransactionResult], sequence: ChangeSequence) {
        guard operations.contains(where: \.isInPlace) else {
            var draft = draft()
            let start = draft.start
            return (try draft.apply(operations), start)
        }
        return try whenQuiet(operations) { () throws(TransactionError) in
            var draft = draftWithinGate(isWithinGate: true)
            defer { draft.takeBackTraffic() }
            return (try draft.apply(operations), draft.start)
        }
    }

    /// Commits what `make` does on a draft; nothing if it throws. The caller has been admitted.
    func commit(
        concerning operations: [TransactionOperation] = [],
        _ make: (inout RouteDraft) throws(TransactionError) -> [TransactionResult]
    ) throws(TransactionError) -> TransactionOutcome {
        let (results, first, cascades, mtuChanges) = try whenQuiet(operations) { () throws(TransactionError) in
            var draft = draftWithinGate(isWithinGate: true)
            let results: [TransactionResult]
            do throws(TransactionError) {
                results = try make(&draft)
            } catch {
                draft.takeBackTraffic()
                // The chain was called, if in vain (R2-20).
                for (namespace, state) in draft.touched { namespace.state.withLock { $0.chain = state.chain } }
                throw error
            }
            log.append(contentsOf: draft.changes)
            for (namespace, state) in draft.touched {
                namespace.state.withLock {
                    $0 = state
                    // Before, whoever looked found what was there before.
                    $0.generation.move()
                    // Not all of them are removals, nor in this namespace; a sweep too early does no harm.
                    $0.infos.released(draft.changes.count)
                }
            }
            draft.admissions.commit()
            draft.forgetParted()
            noteImpairments(draft.touched)
            for operation in draft.operations { begin(operation) }
            for (device, namespace, removal) in draft.endedLinks {
                _ = endBlocks(of: device, in: namespace, before: removal)
            }
            return (
                results, draft.changes.first?.sequence, draft.operations.map { ($0, snapshotWithinGate()) },
                draft.changes.filter(\.changesMTU)
            )
        }
        committed()
        for change in mtuChanges { followMTU(of: change) }
        var last = results.last { $0.row.outcome != .unchanged }?.row.sequence ?? log.head
        for (operation, snapshot) in cascades {
            let removed = finish(operation, on: snapshot, .ofWorker)
            if removed.count > 0 { last = removed.last }
        }
        return TransactionOutcome(results: results, transaction: first, sequence: last)
    }

    /// Within the exclusive gate.
    private func noteImpairments(_ touched: [(Namespace, Namespace.State)]) {
        impairments.withLock { all in
            for (namespace, state) in touched {
                let found = state.impairments.isEmpty ? nil : state.impairments
                if all[namespace.name] != found { all[namespace.name] = found }
            }
            hasImpairments.store(!all.isEmpty, ordering: .releasing)
        }
    }

    private func sharingInfos(_ operations: [TransactionOperation]) -> [TransactionOperation] {
        operations.map { operation in
            guard case .route(.write(let verb, var write)) = operation,
                let namespace = try? namespace(write.table.namespace)
            else { return operation }
            namespace.state.withLock { write.share($0.infos) }
            return .route(.write(verb, write))
        }
    }

    /// The state as it is now, to try changes on that no one sees.
    public func draft() -> RouteDraft { gate.withExclusive { draftWithinGate(isWithinGate: false) } }

    private func draftWithinGate(isWithinGate: Bool) -> RouteDraft {
        let all = namespaces.withLock { $0 }
        let states = all.map { ($0.name, ($0, $0.state.withLock { $0 })) }
        return RouteDraft(
            Dictionary(uniqueKeysWithValues: states), after: log.head, first: log.upcoming, isWithinGate: isWithinGate)
    }
}
