internal import ChangeLog
public import Routing
internal import Threads

/// One step of a transaction.
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
    public func transact(_ operations: [RouteOperation]) throws(TransactionError) -> [WriteResult] {
        do throws(FIBError) {
            _ = try admit(.ofWorker)
        } catch {
            throw TransactionError(index: nil, error: error)
        }
        let operations = sharingInfos(operations)
        let results = try gate.withExclusive { () throws(TransactionError) in
            var draft = draftWithinGate()
            let results: [WriteResult]
            do throws(TransactionError) {
                results = try draft.apply(operations)
            } catch {
                // The chain was called, if in vain (R2-20).
                for (namespace, state) in draft.touched { namespace.state.withLock { $0.chain = state.chain } }
                throw error
            }
            log.append(contentsOf: draft.changes)
            for (namespace, state) in draft.touched { namespace.state.withLock { $0 = state } }
            draft.admissions.commit()
            return results
        }
        committed()
        return results
    }

    private func sharingInfos(_ operations: [RouteOperation]) -> [RouteOperation] {
        operations.map { operation in
            guard case .write(let verb, var write) = operation,
                let namespace = try? namespace(write.table.namespace)
            else { return operation }
            namespace.state.withLock { write.share($0.infos) }
            return .write(verb, write)
        }
    }

    /// The state as it is now, to try changes on that no one sees.
    public func draft() -> RouteDraft { gate.withExclusive { draftWithinGate() } }

    private func draftWithinGate() -> RouteDraft {
        let all = namespaces.withLock { $0 }
        let states = all.map { ($0.name, ($0, $0.state.withLock { $0 })) }
        return RouteDraft(Dictionary(uniqueKeysWithValues: states), after: log.head, first: log.upcoming)
    }
}
