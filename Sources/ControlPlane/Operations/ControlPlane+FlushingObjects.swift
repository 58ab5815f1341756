public import ChangeLog
public import Routing

extension ControlPlane {
    /// Removes all nexthop objects that agree, at once, and then the routes that use them.
    ///
    /// - Parameter namespaces: nil for all. One that isn't there has no nexthops, which is no error.
    /// - Returns: how many nexthops went that agree (groups that are empty without them go as well), and the number of the last
    ///   change; the head if none went.
    /// - Throws: ESTALE, and nothing goes, if `expected` is another number than agrees.
    public func flushNextHops(
        _ selector: NextHopSelector, in namespaces: [String]?, expected: Int? = nil, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence) {
        try flush("nexthops", namespaces, expected, dryRun) { (draft, name) throws(FIBError) in
            try draft.removeNextHops(selector, in: name)
        }
    }

    /// Removes all rules that agree, at once. Nothing goes if `expected` is another number than agrees.
    ///
    /// - Parameter namespaces: nil for all. One that isn't there has no rules, which is no error.
    /// - Returns: how many rules went, and the number of the last change; the head if none went.
    public func flushRules(
        _ selector: RuleSelector, in namespaces: [String]?, expected: Int? = nil, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence) {
        try flush("rules", namespaces, expected, dryRun) { (draft, name) throws(FIBError) in
            try draft.removeRules(selector, in: name)
        }
    }

    /// - Parameters:
    ///   - kind: for messages.
    ///   - remove: what goes of one namespace.
    private func flush(
        _ kind: String, _ namespaces: [String]?, _ expected: Int?, _ dryRun: Bool,
        _ remove: (inout RouteDraft, String) throws(FIBError) -> [ObjectResult]
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence) {
        func removeAll(_ draft: inout RouteDraft) throws(FIBError) -> [ObjectResult] {
            var removed: [ObjectResult] = []
            for name in draft.namespaces where namespaces?.contains(name) ?? true {
                removed += try remove(&draft, name)
            }
            guard let expected, expected != removed.count else { return removed }
            throw FIBError(
                .estale, .countMismatch, "\(removed.count) \(kind) match, not \(expected); nothing was removed")
        }
        if dryRun {
            var draft = draft()
            let start = draft.start
            return (try removeAll(&draft).count, start)
        }
        _ = try admit(.ofWorker)
        do throws(TransactionError) {
            let done = try commit { (draft) throws(TransactionError) in
                do throws(FIBError) {
                    return try removeAll(&draft).map { .object($0) }
                } catch {
                    throw TransactionError(index: nil, error: error)
                }
            }
            return (done.results.count, done.sequence)
        } catch {
            throw error.error
        }
    }
}
