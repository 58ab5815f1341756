import Addressing

/// What asking the rules comes to.
enum RuleResult {
    case found(FoundRoute)
    /// A rule says that the packet goes nowhere (R1-09).
    case refused(PolicyRule)
    case nothing

    /// Where packets don't go anywhere.
    var errno: FIBError.Errno {
        switch self {
        case .found(let found): found.type.lookupErrno
        case .refused(let rule): rule.action.lookupErrno
        case .nothing: .enetunreach
        }
    }

    /// For messages.
    var refusal: String {
        switch self {
        case .found(let found): "a \(found.type.name) route in table \(found.table.name)"
        case .refused(let rule): "the rule of priority \(rule.priority)"
        case .nothing: "nothing"
        }
    }
}

extension RouteType {
    /// What the kernel answers with where a route of a type that refuses is found (section 1.3).
    public var lookupErrno: FIBError.Errno {
        switch self {
        case .blackhole: .einval
        case .prohibit: .eacces
        case .throw: .enetunreach
        default: .ehostunreach
        }
    }
}

extension PolicyRule.Action {
    /// What the kernel answers with where a rule refuses (R1-09).
    public var lookupErrno: FIBError.Errno {
        switch self {
        case .blackhole: .einval
        case .prohibit: .eacces
        default: .enetunreach
        }
    }
}

extension ForwardingView {
    /// Asks the rules in order: the first table that has a result, or the first rule that refuses, decides (R1-45; kernel
    /// `fib_rules_lookup`).
    func find(_ query: LookupQuery, _ trace: inout LookupTrace?) -> RuleResult {
        let rules = rules(query.destination.family)
        var index = 0
        // Each step leads further down the list, so that it ends: no rule sends a packet back (R1-11).
        while index < rules.members.count {
            if trace == nil, let table = rules.members[index].plainTable {
                // Leaves its table, and the next rule is asked.
                if let found = find(query, in: table, &trace), found.type != .throw { return .found(found) }
                index += 1
                continue
            }
            switch ask(rules, index, query, &trace) {
            case .end(let result): return result
            case .next(let next): index = next
            }
        }
        return .nothing
    }

    /// What routing alone finds, without which there is no way.
    func find(_ query: LookupQuery) -> FoundRoute? {
        var trace: LookupTrace?
        return if case .found(let found) = find(query, &trace) { found } else { nil }
    }

    private func ask(
        _ rules: PolicyRules, _ index: Int, _ query: LookupQuery, _ trace: inout LookupTrace?
    ) -> RuleStep {
        let rule = rules.members[index].placed.rule
        func note(_ course: LookupTrace.Course) { trace?.steps.append(LookupTrace.Step(rule: rule, course: course)) }
        if let objection = rule.objection(to: query) {
            note(.isForOthers(objection))
            return .next(index + 1)
        }
        switch rule.action {
        case .nop:
            note(.passes)
            return .next(index + 1)
        case .goto(let target):
            guard let next = rules.firstIndex(of: target) else {
                note(.isUnresolved)
                return .next(index + 1)
            }
            note(.goes(to: target))
            return .next(next)
        case .unreachable, .prohibit, .blackhole:
            note(.refuses)
            return .end(.refused(rule))
        case .table(let id):
            note(table(query.destination.family, id) == nil ? .lacksTable : .asks)
            guard let found = find(query, in: id, &trace) else { return .next(index + 1) }
            let last = (trace?.steps.count ?? 0) - 1
            trace?.steps[last].found = found
            if found.type == .throw { return .next(index + 1) }
            if query.isSuppressible, suppresses(rule, found) {
                trace?.steps[last].course = .suppresses
                return .next(index + 1)
            }
            return .end(.found(found))
        }
    }

    /// R1-14. What refuses counts, however short its prefix (kernel `fib_rules_lookup`, which suppresses routes only).
    private func suppresses(_ rule: PolicyRule, _ found: FoundRoute) -> Bool {
        if found.type.isWithoutNextHop { return false }
        if let length = rule.suppressedLength, found.length <= length { return true }
        guard let group = rule.suppressedGroup, let device = found.hop?.device else { return false }
        return (link(device)?.group ?? 0) == group
    }
}

private enum RuleStep {
    case end(RuleResult)
    case next(Int)
}
