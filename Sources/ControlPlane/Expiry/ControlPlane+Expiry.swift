internal import Addressing
internal import ChangeLog
public import Routing
internal import Threads

/// Routes that are there until some time only. Lookups pass them over from that moment on (R1-48); that they go then is a change
/// like others, with itself as its cause.
extension ControlPlane {
    /// Refuses a time that has passed: such a route would be gone before anyone saw it.
    public func checkExpiry(_ time: UInt64) throws(FIBError) {
        if time > clock() { return }
        throw FIBError(.einval, .expiryInvalid, "expires_at has passed already", rule: "R1-48")
    }

    /// Removes the routes that have expired by now, in runs, and those of one namespace before those of the next. What the store
    /// has no room for stays for the next time.
    ///
    /// - Returns: when the next one expires, in milliseconds since 1970; nil if none does.
    @discardableResult
    public func removeExpired() -> UInt64? {
        var next: UInt64?
        for namespace in namespaces.withLock({ $0 }) {
            while let time = namespace.state.withLock({ $0.isClosing ? nil : $0.firstExpiry }) {
                guard time <= clock(), removeRun(of: namespace) else {
                    next = min(next ?? time, time)
                    break
                }
            }
        }
        return next
    }

    /// False if nothing went.
    private func removeRun(of namespace: Namespace) -> Bool {
        guard (try? admit(.none)) ?? false else { return false }
        let count = gate.withShared {
            namespace.state.withLock { state in
                if state.isClosing { return 0 }
                let run = OperationRun(state.expired(by: clock(), limit: Self.runLength), nil, &state)
                guard run.count > 0 else { return 0 }
                for promoted in run.promoted { log.append { state.change(promoted, $0) } }
                _ = run.append(to: log, &state) { first in
                    ChangeBatch(transaction: first, cause: .init(reason: "expired", sequence: first))
                }
                return run.count
            }
        }
        if count > 0 { committed() }
        return count > 0
    }
}

extension Namespace.State {
    fileprivate var firstExpiry: UInt64? { tables.lazy.compactMap(\.table.firstExpiry).min() }

    /// In the order of their tables, of each in the order of their keys.
    fileprivate func expired(by now: UInt64, limit: Int) -> [(TableIdentity, PlacedRoute)] {
        var found: [(TableIdentity, PlacedRoute)] = []
        for (identity, table) in tables where found.count < limit {
            found += table.expired(by: now, limit: limit - found.count).map { (identity, $0) }
        }
        return found
    }
}
