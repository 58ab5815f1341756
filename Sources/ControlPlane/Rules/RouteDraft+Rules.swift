internal import Addressing
internal import ChangeLog
internal import Routing

extension RouteDraft {
    mutating func applyToRules(_ operation: ObjectOperation, at place: Int) throws(FIBError) -> ObjectResult {
        switch operation.action {
        case .writeRule(let verb, let fields): try write(verb, fields, operation.condition, at: place)
        case .removeRule(let selector): try removeRule(selector, operation.condition, at: place)
        default: preconditionFailure("no operation on rules")
        }
    }

    private mutating func write(
        _ verb: RouteVerb, _ fields: RuleFields, _ condition: WriteCondition, at place: Int
    ) throws(FIBError) -> ObjectResult {
        switch try touched[place].1.decide(verb, fields, condition) {
        case .unchanged(let first): return ObjectResult(outcome: .unchanged, object: first, sequence: head)
        case .replaces(let first, let rule): return try put(rule, over: first, .replace, at: place)
        case .joins(let rule, let kind): return try put(rule, over: nil, kind, at: place)
        }
    }

    private mutating func removeRule(
        _ selector: RuleSelector, _ condition: WriteCondition, at place: Int
    ) throws(FIBError) -> ObjectResult {
        let family = selector.fields.resolvedFamily
        let found = touched[place].1.firstRule(selector)
        guard let found else {
            throw FIBError(
                .enoent, .ruleNotFound, "there is no such \(family.name) rule in \(touched[place].0.name)",
                rule: "R1-13")
        }
        try condition.check(found, "the rule")
        return remove(found, at: place)
    }

    /// All that agree go; what each came to.
    mutating func removeRules(_ selector: RuleSelector, in namespace: String) throws(FIBError) -> [ObjectResult] {
        let place = try place(of: namespace)
        let found = touched[place].1.objects.all(.rule).filter(selector.agrees)
        let results = found.map { removal(of: $0, at: place) }
        // From the end: all that stands behind a rule moves up when it goes, so that many would take time squared.
        for object in found.reversed() { touched[place].1.remove(object.key) }
        return results
    }

    private mutating func put(
        _ rule: PlacedRule, over old: StoredObject?, _ kind: ChangeOperation, at place: Int
    ) throws(FIBError) -> ObjectResult {
        let new = StoredObject(.rule(rule), in: touched[place].0.name, version: upcoming)
        if old != nil {
            touched[place].1.chain.countObject()
        } else if let admission = try touched[place].1.chain.call(rule.rule) {
            admissions.add(admission)
        }
        let sequence = add(kind, .object(ObjectChange(old: old, new: new)), nil)
        touched[place].1.set(new)
        return ObjectResult(outcome: old == nil ? .created : .replaced, object: new, sequence: sequence)
    }

    private mutating func remove(_ object: StoredObject, at place: Int) -> ObjectResult {
        let result = removal(of: object, at: place)
        touched[place].1.remove(object.key)
        return result
    }

    /// Only the change.
    private mutating func removal(of object: StoredObject, at place: Int) -> ObjectResult {
        let sequence = add(.delete, .object(ObjectChange(old: object, new: nil)), nil)
        touched[place].1.chain.countObject()
        return ObjectResult(outcome: .deleted, object: object, sequence: sequence)
    }
}

/// What a write of a rule comes to.
private enum RuleDecision {
    /// The first of its priority is the same.
    case unchanged(StoredObject)
    /// It comes into the place of the first of its priority.
    case replaces(StoredObject, PlacedRule)
    case joins(PlacedRule, ChangeOperation)
}

/// Not on copies of the state: while there is one, each change of the rules would copy them all.
extension Namespace.State {
    fileprivate func firstRule(_ selector: RuleSelector) -> StoredObject? {
        rules[selector.fields.resolvedFamily].all.lazy.compactMap { objects[.rule($0)] }.first(where: selector.agrees)
    }

    /// R1-06, R1-12; `replace` and `change`, which the kernel has not, as for IPv4 routes (R1-61…R1-65).
    fileprivate func decide(
        _ verb: RouteVerb, _ fields: RuleFields, _ condition: WriteCondition
    ) throws(FIBError) -> RuleDecision {
        let family = fields.resolvedFamily
        let rule = try fields.rule(at: rules[family].nextPriority)
        let present = rules[family].all(of: rule.priority)
        let first = present.first.flatMap { objects[.rule($0)] }
        try condition.check(first, "the first rule of priority \(rule.priority)")
        if verb != .add { try check(verb, fields, rule, isThere: first != nil) }
        if verb != .add, let first, let placed = first.rule, placed.rule == rule { return .unchanged(first) }
        // Whatever flags are given: who follows changes tells rules of a priority apart by what they say.
        if present.contains(where: { $0.rule == rule }) {
            throw FIBError(
                .eexist, .ruleExists, "the same \(family.name) rule of priority \(rule.priority) is there already",
                rule: "R1-12")
        }
        if verb != .add, let first, let position = first.rule?.position {
            return .replaces(first, PlacedRule(rule, position: position))
        }
        try checkRoom(for: .rule)
        let position = present.last.map { $0.position + 1 } ?? 0
        return .joins(PlacedRule(rule, position: position), present.isEmpty ? .add : .append)
    }

    private func check(
        _ verb: RouteVerb, _ fields: RuleFields, _ rule: PolicyRule, isThere: Bool
    ) throws(FIBError) {
        guard verb == .replace || verb == .change else {
            throw FIBError(
                .eopnotsupp, .unsupported, "rules take add, replace and change, not \(verb.rawValue)")
        }
        if fields.priority == nil {
            throw FIBError(.einval, .ruleInvalid, "to \(verb.rawValue) a rule, say its priority")
        }
        if verb == .change, !isThere {
            throw FIBError(
                .enoent, .ruleNotFound, "there is no \(rule.family.name) rule of priority \(rule.priority)")
        }
    }
}
