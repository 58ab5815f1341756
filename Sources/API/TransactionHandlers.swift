internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/transactions`: several changes that happen together or not at all.
struct TransactionHandlers: Sendable {
    let plane: ControlPlane
    let hardware: HardwareAnswers

    var endpoints: [Endpoint] {
        [Endpoint("/v1/transactions", "Several changes at once, all or none", [(.post, commit)])]
    }

    private func commit(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let defaults = RouteDefaults(namespace: try query.namespace())
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: RouteHandlers.bodyLimit) { body in
            .work {
                .of { () throws(Problem) in
                    try transact(plane, hardware, try operations(body, defaults), options) { "/operations/\($0)" }
                }
            }
        }
    }

    private static let fields = JSONFields("operations")
    private static let operationFields = JSONFields("op", "kind", "value", "if_match")

    private func operations(_ body: [UInt8], _ defaults: RouteDefaults) throws(Problem) -> [TransactionOperation] {
        var operations: [TransactionOperation]?
        var builder = RouteBuilder(plane, defaults)
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(Self.fields) { reader, _ in
                    var list: [TransactionOperation] = []
                    try reader.readArray { reader, index in
                        guard index < RouteHandlers.arrayLimit else { throw Problem.tooManyRows }
                        list.append(try operation(&reader, &builder))
                    }
                    operations = list
                }
            }
        } catch {
            throw Problem(input: error)
        }
        guard let operations else { throw .missing("operations", "a transaction needs its operations") }
        return operations
    }

    private func operation(_ reader: inout JSONReader, _ builder: inout RouteBuilder) throws -> TransactionOperation {
        let header = try OperationHeader(reader)
        var operation: TransactionOperation?
        try reader.readObject(Self.operationFields) { reader, index in
            // All but the value was read by the header.
            guard Self.operationFields.names[index] == "value" else { return }
            operation = try header.operation(&reader, &builder)
        }
        guard let operation else { throw Problem.missing("value", "an operation needs a value") }
        return operation
    }

    /// What an operation does, wherever in its object that is said.
    private struct OperationHeader {
        let kind: ObjectKind
        /// Nil for a deletion.
        let verb: RouteVerb?
        var version: ChangeSequence?

        init(_ start: borrowing JSONReader) throws {
            var reader = copy start
            var name: String?
            var kind: ObjectKind?
            var version: ChangeSequence?
            try reader.readObject(TransactionHandlers.operationFields) { reader, index in
                switch TransactionHandlers.operationFields.names[index] {
                case "op":
                    name = try reader.readName("add, replace, change, append, prepend or delete") { name in
                        name == "delete" || (RouteVerb(rawValue: name) ?? .test) != .test ? name : nil
                    }
                case "kind": kind = try reader.readName("a kind of object") { ObjectKind(rawValue: $0) }
                case "if_match":
                    version = try reader.readNameOrNumber("a version", max: .max) { HTTPRequest.version(ofTag: $0) }
                default: return
                }
            }
            guard let name else { throw Problem.missing("op", "an operation needs an op") }
            guard let kind else { throw Problem.missing("kind", "an operation needs a kind, such as \"route\"") }
            self.kind = kind
            self.version = version
            verb = RouteVerb(rawValue: name)
        }

        private var condition: WriteCondition { version.map { .version($0) } ?? .none }

        func operation(_ reader: inout JSONReader, _ builder: inout RouteBuilder) throws -> TransactionOperation {
            switch kind {
            case .route: return .route(try route(try RouteInput(&reader), &builder))
            case .link:
                let input = try LinkInput(&reader)
                let edit = try input.edit(nil)
                let action = verb == nil ? ObjectOperation.Action.removeLink(edit.name) : .putLink(edit)
                return .object(try object(action, input.namespace, builder.defaults))
            case .neigh:
                let input = try NeighbourInput(&reader)
                let neighbour = try input.neighbour(nil, nil)
                let action =
                    verb == nil
                    ? ObjectOperation.Action.removeNeighbour(device: neighbour.device, neighbour.address)
                    : .putNeighbour(neighbour)
                return .object(try object(action, input.namespace, builder.defaults))
            case .rule: return .object(try rule(try RuleInput(&reader), builder.defaults))
            case .nexthop:
                let input = try NextHopObjectInput(&reader)
                let namespace = builder.defaults.namespace
                guard let verb else { return .object(try input.removal(namespace, condition)) }
                return .object(input.operation(verb, namespace, condition))
            default:
                let filters = TransactionFilters(
                    verb: verb, condition: condition, namespace: builder.defaults.namespace)
                if let operation = try filters.operation(kind, &reader) { return .traffic(operation) }
                throw FIBError(
                    .eopnotsupp, .unsupported,
                    "a transaction changes routes, links, neighbours, rules, nexthops, qdiscs, chains, filters and "
                        + "actions, not \(kind.rawValue)")
            }
        }

        private func route(_ input: RouteInput, _ builder: inout RouteBuilder) throws -> RouteOperation {
            if let verb { return .write(verb, try builder.write(input, condition)) }
            let defaults = builder.defaults
            var selector = try input.selector(try input.resolvedFamily(defaults))
            selector.version = version
            return .delete(
                namespace: input.resolvedNamespace(defaults), input.resolvedTable(defaults), selector)
        }

        private func rule(_ input: RuleInput, _ defaults: RouteDefaults) throws(FIBError) -> ObjectOperation {
            let rules = RuleDefaults(namespace: defaults.namespace, family: defaults.family)
            if let verb { return try rules.operation(verb, input, condition) }
            return ObjectOperation(
                input.namespace ?? defaults.namespace ?? ControlPlane.defaultNamespace,
                .removeRule(RuleSelector(input.fields)), condition: condition)
        }

        private func object(
            _ action: ObjectOperation.Action, _ namespace: String?, _ defaults: RouteDefaults
        ) throws(FIBError) -> ObjectOperation {
            let existence: ObjectOperation.Existence
            switch verb {
            case .add: existence = .absent
            case .replace: existence = .any
            case .change, nil: existence = .present
            case .append, .prepend, .test:
                throw FIBError(.eopnotsupp, .unsupported, "only routes stand in lists: use add, replace or change")
            }
            return ObjectOperation(
                namespace ?? defaults.namespace ?? ControlPlane.defaultNamespace, action, existence: existence,
                condition: condition)
        }
    }
}

extension Problem {
    static func missing(_ name: String, _ detail: String) -> Problem {
        Problem(
            status: 422, reason: "missing-field", detail: detail,
            errors: [Item(pointer: "/\(name)", detail: detail)])
    }
}
