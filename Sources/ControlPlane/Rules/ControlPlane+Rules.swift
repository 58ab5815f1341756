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
}
