@testable import ControlPlane

/// Transactions of routes only, as most tests make them.
extension ControlPlane {
    @discardableResult
    func transact(_ operations: [RouteOperation]) throws(TransactionError) -> [WriteResult] {
        try transact(operations.map { .route($0) }).results.compactMap { result in
            if case .route(let result) = result { result } else { nil }
        }
    }
}

extension RouteDraft {
    @discardableResult
    mutating func apply(_ operations: [RouteOperation]) throws(TransactionError) -> [TransactionResult] {
        try apply(operations.map { TransactionOperation.route($0) })
    }
}

extension RowContext {
    init(_ devices: Devices) { self.init(devices: devices, impairments: [:]) }
}
