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
        let verb =
            try query.take("mode", "add, replace or change") { name in
                RouteVerb(rawValue: name).flatMap { [.add, .replace, .change].contains($0) ? $0 : nil }
            } ?? .add
        let defaults = RuleDefaults(
            namespace: try query.namespace(),
            family: try query.take("family", "inet or inet6") { AddressFamily(name: $0) })
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: RouteHandlers.bodyLimit) { body in
            let isArray = body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d } == UInt8(ascii: "[")
            if isArray, condition != .none { return .response(Problem.conditionOnMany.response) }
            return .work {
                .of { () throws(Problem) in
                    if isArray { return try addAll(body, verb, defaults, options) }
                    let operation = try Self.operation(body) { reader in
                        try defaults.operation(verb, try RuleInput(&reader), condition)
                    }
                    return try answers.change(operation, options, location: Self.location)
                }
            }
        }
    }

    private func addAll(
        _ body: [UInt8], _ verb: RouteVerb, _ defaults: RuleDefaults, _ options: WriteOptions
    ) throws(Problem) -> HTTPAnswer {
        let operations = try Self.operation(body) { reader in
            var operations: [TransactionOperation] = []
            try reader.readArray { reader, index in
                guard index < RouteHandlers.arrayLimit else { throw Problem.tooManyRows }
                operations.append(.object(try defaults.operation(verb, try RuleInput(&reader), .none)))
            }
            return operations
        }
        return try transact(plane, hardware, operations, options) { "/\($0)" }
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try Place(priorityOf: call, &query)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let operation = try Self.operation(body) { reader in
                        try place.operation(try RuleInput(&reader), condition)
                    }
                    return try answers.change(operation, options, location: Self.location)
                }
            }
        }
    }

    private static func operation<Result>(
        _ body: [UInt8], _ read: (inout JSONReader) throws -> Result
    ) throws(Problem) -> Result {
        do {
            var reader = JSONReader(body.span)
            return try reader.read { reader in try read(&reader) }
        } catch {
            throw Problem(input: error)
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try Place(call, &query)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let operation = ObjectOperation(
            place.namespace, .removeRule(place.selector), condition: try call.request.deleteCondition())
        return .answer(
            .work { .of { () throws(Problem) in try answers.change(operation, options, location: { _ in "" }) } })
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
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let (count, sequence) = try Problem.of { () throws(FIBError) in
                        try plane.flushRules(wanted, in: namespaces, expected: expected, dryRun: options.isDryRun)
                    }
                    let start = options.isDryRun ? "{\"dry_run\":true,\"deleted\":" : "{\"deleted\":"
                    let body = Array("\(start)\(count),\"seq\":\(sequence.rawValue)}\n".utf8)
                    return options.acknowledge(.json(200, body, sequence: sequence), sequence, plane)
                }
            })
    }

    static func location(_ object: StoredObject) -> String {
        guard let rule = object.rule?.rule else { return "" }
        var parts: [String] = []
        if object.namespace != ControlPlane.defaultNamespace { parts.append("namespace=\(object.namespace)") }
        if rule.family == .inet6 { parts.append("family=inet6") }
        return "/v1/rules/\(rule.priority)" + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&"))
    }
}
