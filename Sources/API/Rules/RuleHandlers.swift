internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/rules` and what is below it.
struct RuleHandlers: Sendable {
    let plane: ControlPlane
    let answers: ObjectAnswers
    let hardware: HardwareAnswers

    init(plane: ControlPlane, hardware: HardwareAnswers) {
        self.plane = plane
        self.hardware = hardware
        answers = ObjectAnswers(plane: plane)
    }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/rules", "Policy rules: list, add, flush", [(.get, list), (.post, add), (.delete, flush)]),
            Endpoint(
                "/v1/rules/{priority}", "The rules of one priority", [(.get, get), (.put, put), (.delete, delete)]),
        ]
    }

    // MARK: Reading

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespaces = try query.namespaces()
        let selector = RuleSelector(try query.ruleFields())
        var filter = EventFilter()
        filter.kinds = [.rule]
        filter.selection = namespaces
        let wanted = filter
        return try answers.list(call, &query, "/v1/rules", of: .rule) { snapshot in
            wanted.objects(of: snapshot).filter(selector.agrees(with:))
        }
    }

    /// The rule that the path and the query name; a list where there are several.
    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try Place(call, &query)
        let wantsAll = try query.flag("all")
        let isDurable = try query.flag("durable")
        try query.finish()
        let (found, sequence) = try Problem.of { () throws(FIBError) in
            try plane.rules(place.selector, in: place.namespace)
        }
        let response: HTTPResponse
        if found.isEmpty {
            response = Problem(place.notFound).response
        } else if found.count == 1, !wantsAll {
            response = answers.answer(200, found[0], sequence)
        } else {
            var bytes: [UInt8] = []
            for (index, object) in found.enumerated() {
                bytes.append(UInt8(ascii: index == 0 ? "[" : ","))
                answers.append(object, to: &bytes)
            }
            bytes.appendASCII("]\n")
            response = .json(200, bytes, sequence: sequence).with("Fibd-Count", .number(UInt64(found.count)))
        }
        return .answer(plane.answer(response, asOf: sequence, isDurable: isDurable))
    }

    // MARK: Writing

    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let verb = try query.objectVerb()
        let defaults = RuleDefaults(
            namespace: try query.namespace(),
            family: try query.take("family", "inet or inet6") { AddressFamily(name: $0) })
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        return try answers.add(call, options, hardware, location: Self.location) { reader, condition in
            try defaults.operation(verb, try RuleInput(&reader), condition)
        }
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try Place(priorityOf: call, &query)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        return try answers.put(call, options, location: Self.location) { reader, condition in
            try place.operation(try RuleInput(&reader), condition)
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try Place(call, &query)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.deleteCondition()
        return answers.delete(
            ObjectOperation(place.namespace, .removeRule(place.selector), condition: condition), options)
    }

    /// As `ip rule flush`, but that it says what: the rules that the kernel begins with go only if they are asked for.
    private func flush(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespaces = try query.namespaces().namespaces
        var selector = RuleSelector(try query.ruleFields())
        let all = try query.flag("all")
        let expected: Int? = try query.number("expect", in: 0...Int.max)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        var narrowing = selector.fields
        narrowing.family = nil
        guard narrowing != RuleFields() || all else {
            throw Problem(
                status: 400, reason: "flush-unbounded",
                detail: "say which rules go: priority, table, protocol, src or another selector; or all=1")
        }
        if selector.fields.protocol != .kernel { selector.spared = .kernel }
        let wanted = selector
        return answers.flush(options) { [plane] () throws(FIBError) in
            try plane.flushRules(wanted, in: namespaces, expected: expected, dryRun: options.isDryRun)
        }
    }

    static func location(_ object: StoredObject) -> String {
        guard let rule = object.rule?.rule else { return "" }
        var parts: [String] = []
        if object.namespace != ControlPlane.defaultNamespace { parts.append("namespace=\(object.namespace)") }
        if rule.family == .inet6 { parts.append("family=inet6") }
        return "/v1/rules/\(rule.priority)" + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
    }
}
