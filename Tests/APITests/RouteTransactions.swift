import ControlPlane
import Routing

extension ControlPlane {
    /// A transaction of routes only.
    @discardableResult
    func transact(_ operations: [RouteOperation]) throws(TransactionError) -> TransactionOutcome {
        try transact(operations.map { TransactionOperation.route($0) })
    }
}
