public import ChangeLog
public import Routing
internal import Threads

extension ControlPlane {
    /// Those of a namespace that agree, in order, and the head as of which they are read.
    public func rules(
        _ selector: RuleSelector, in name: String
    ) throws(FIBError) -> ([StoredObject], ChangeSequence) {
        try namespace(name).state.withLock { (state) throws(FIBError) in
            if state.isClosing { throw Self.namespaceNotFound(name) }
            return (state.objects.all(.rule).filter(selector.agrees), log.head)
        }
    }

    /// Gives all namespaces the rules that they would have begun with (R1-05): they are from a time when those were not kept.
    func createMissingRules() {
        gate.withExclusive {
            var objects: [StoredObject] = []
            for namespace in namespaces.withLock({ $0 }) where !namespace.isClosing {
                let first = objects.last?.version.next ?? log.upcoming
                let rules = StoredObject.defaultRules(of: namespace.name, from: first)
                for rule in rules { namespace.restore(rule) }
                objects += rules
            }
            log.append(contentsOf: Change.additions(of: objects))
        }
    }

    /// Removes all rules that agree, at once. Nothing goes if `expected` is another number than agrees.
    ///
    /// - Parameter namespaces: nil for all. One that isn't there has no rules, which is no error.
    /// - Returns: how many rules went, and the number of the last change; the head if none went.
    public func flushRules(
        _ selector: RuleSelector, in namespaces: [String]?, expected: Int? = nil, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence) {
        func remove(_ draft: inout RouteDraft) throws(FIBError) -> [ObjectResult] {
            var removed: [ObjectResult] = []
            for name in draft.namespaces where namespaces?.contains(name) ?? true {
                removed += try draft.removeRules(selector, in: name)
            }
            guard let expected, expected != removed.count else { return removed }
            throw FIBError(
                .estale, .countMismatch, "\(removed.count) rules match, not \(expected); nothing was removed")
        }
        if dryRun {
            var draft = draft()
            let start = draft.start
            return (try remove(&draft).count, start)
        }
        _ = try admit(.ofWorker)
        do throws(TransactionError) {
            let done = try commit { (draft) throws(TransactionError) in
                do throws(FIBError) {
                    return try remove(&draft).map { .object($0) }
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
