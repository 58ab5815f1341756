internal import ChangeLog
public import Routing

/// What is so of a rule because of what else there is.
public struct RuleStatus: Hashable, Sendable {
    /// It sends packets on to a rule that isn't there (R1-10).
    public var isUnresolved = false
    /// It names a link that isn't there, where links are checked (R1-08).
    public var isInputDetached = false
    public var isOutputDetached = false
}

extension Snapshot.Namespace {
    public func status(of rule: PolicyRule) -> RuleStatus {
        func isDetached(_ name: String) -> Bool {
            !name.isEmpty && settings.nextHopCheck == .strict && name != "lo" && objects[.link(name)] == nil
        }
        return RuleStatus(
            isUnresolved: rules[rule.family].isUnresolved(rule), isInputDetached: isDetached(rule.input),
            isOutputDetached: isDetached(rule.output))
    }
}

extension Snapshot {
    /// Nil of what is no rule.
    public func ruleStatus(of object: StoredObject) -> RuleStatus? {
        guard let rule = object.rule?.rule, let namespace = namespace(object.namespace) else { return nil }
        return namespace.status(of: rule)
    }

    private func namespace(_ name: String) -> Namespace? {
        var (low, high) = (0, namespaces.count)
        while low < high {
            let middle = (low + high) / 2
            if namespaces[middle].name < name { low = middle + 1 } else { high = middle }
        }
        return low < namespaces.count && namespaces[low].name == name ? namespaces[low] : nil
    }
}

extension ControlPlane {
    /// As it is now; nil if the namespace is gone.
    public func status(of rule: PolicyRule, in namespace: String) -> RuleStatus? {
        (try? self.namespace(namespace))?.snapshotPart.status(of: rule)
    }
}
