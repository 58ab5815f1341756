internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import TrafficControl

/// `/v1/actions`: what filters do with packets, also by itself and shared.
struct ActionHandlers: Sendable {
    let answers: FilterAnswers

    init(plane: ControlPlane) { answers = FilterAnswers(plane: plane) }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/actions", "Actions of filters, of all kinds", [(.get, list)]),
            Endpoint(
                "/v1/actions/{kind}", "Those of one kind: list, add, flush",
                [(.get, list), (.post, add), (.delete, flush)]),
            Endpoint(
                "/v1/actions/{kind}/{index}", "One action", [(.get, get), (.put, put), (.delete, delete)]),
        ]
    }

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        return try TrafficList(call, &query, .action).plan(call, answers.plane)
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let (kind, index) = (try call.actionKind(), try call.actionIndex())
        return answers.get(isDurable) { plane throws(FIBError) in try plane.action(kind, index, in: namespace) }
    }

    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let replaces =
            try query.take("mode", "add or replace") { ["add": false, "replace": true][$0] } ?? false
        return try write(call, &query, index: nil, replaces: replaces)
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        return try write(call, &query, index: try call.actionIndex(), replaces: true)
    }

    private func write(
        _ call: Call, _ query: inout Query, index: UInt32?, replaces: Bool
    ) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call, &query)
        try query.finish()
        let kind = try call.actionKind()
        let condition = try call.request.writeCondition()
        return try answers.collecting(
            call,
            { reader in
                let input = try ActionInput(&reader, kind: kind)
                try target.agree(input.namespace)
                var draft = input.draft
                if draft.kind != kind { throw Problem.keyMismatch("kind", draft.kind, kind) }
                if let index, let named = draft.index, named != index {
                    throw Problem.keyMismatch("index", "\(named)", "\(index)")
                }
                draft.index = index ?? draft.index
                return TrafficOperation(
                    target.namespace, .writeAction(draft, replaces: replaces), condition: condition)
            }, target.options,
            location: { result in
                guard case .action(_, let action) = result.object else { return "" }
                return target.location("/v1/actions/\(kind)/\(action.index)")
            })
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let operation = TrafficOperation(
            target.namespace, .removeAction(kind: try call.actionKind(), try call.actionIndex()),
            condition: try call.request.deleteCondition())
        return .answer(.work { .of { () throws(Problem) in try answers.change(operation, target.options) } })
    }

    /// As `tc actions flush`: up to the first that a filter has (R4-96).
    private func flush(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        try call.request.refuseCondition()
        let operation = TrafficOperation(target.namespace, .flushActions(kind: try call.actionKind()))
        return .answer(.work { .of { () throws(Problem) in try answers.remove(operation, target.options) } })
    }
}

extension Call {
    func actionKind() throws(Problem) -> String {
        if ActionContent.kinds.contains(names[0]) { return names[0] }
        let known = ActionContent.kinds.joined(separator: " and ")
        throw Problem(
            FIBError(.enoent, .kindUnknown, "there is no kind of action '\(names[0])', but \(known)", rule: "R4-97"))
    }

    fileprivate func actionIndex() throws(Problem) -> UInt32 { try number(1, "an index", in: 1...UInt32.max) }
}
