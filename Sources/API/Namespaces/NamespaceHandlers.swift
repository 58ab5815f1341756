internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/namespaces` and what is below it.
struct NamespaceHandlers: Sendable {
    private let plane: ControlPlane
    private let answers: ObjectAnswers

    init(plane: ControlPlane) {
        self.plane = plane
        answers = ObjectAnswers(plane: plane)
    }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/namespaces", "Namespaces", [(.get, list)]),
            Endpoint(
                "/v1/namespaces/{namespace}", "One namespace and its settings",
                [(.get, get), (.put, put), (.patch, patch), (.delete, delete)]),
        ]
    }

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        return try answers.list(call, &query, "/v1/namespaces", of: .namespace) { snapshot in
            snapshot.namespaces.compactMap { $0.objects[.namespace] }
        }
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let isDurable = try query.flag("durable")
        try query.finish()
        do throws(FIBError) {
            let (stored, sequence) = try plane.storedNamespace(call.names[0])
            let response = answers.answer(200, stored, sequence)
            return .answer(plane.answer(response, asOf: sequence, isDurable: isDurable))
        } catch {
            guard isDurable else { throw Problem(error) }
            // That there is none is to be durable too.
            return .answer(plane.whenDurable(plane.log.head, .response(Problem(error).response)))
        }
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        try write(call, startingFrom: { _ in NamespaceSettings() })
    }

    /// A JSON merge patch (RFC 7396): what is not named stays.
    private func patch(_ call: Call) throws(Problem) -> HTTPPlan {
        try write(call) { (present: NamespaceSettings?) throws(FIBError) -> NamespaceSettings in
            guard let present else { throw ControlPlane.namespaceNotFound(call.names[0]) }
            return present
        }
    }

    private func write(
        _ call: Call, startingFrom base: @escaping @Sendable (NamespaceSettings?) throws(FIBError) -> NamespaceSettings
    ) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let name = call.names[0]
        let condition = try call.request.writeCondition()
        // `curl -X PUT` without a body creates a namespace with its defaults.
        if call.request.hasBody { _ = try call.request.bodyKind() }
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let input = try NamespaceInput(body, name)
                    do throws(FIBError) {
                        let result = try plane.putNamespace(
                            name, condition: condition, dryRun: options.isDryRun
                        ) { (present) throws(FIBError) in input.applied(to: try base(present)) }
                        if options.isDryRun {
                            return .response(Self.dryRunAnswer(result.outcome, result.stored, result.sequence))
                        }
                        let status = result.outcome == .created ? 201 : 200
                        let response = answers.answer(status, result.stored, result.sequence)
                        return options.acknowledge(
                            status == 201 ? response.with("Location", .text("/v1/namespaces/\(name)")) : response,
                            result.sequence, plane)
                    } catch {
                        throw Problem(error)
                    }
                }
            }
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.deleteCondition()
        return .answer(
            .work {
                .of { () throws(Problem) in
                    do throws(FIBError) {
                        let name = call.names[0]
                        let stored = try plane.storedNamespace(name).stored
                        let sequence = try plane.deleteNamespace(
                            name, condition: condition, dryRun: options.isDryRun)
                        if options.isDryRun {
                            return .response(Self.dryRunAnswer(.deleted, stored, sequence))
                        }
                        return options.acknowledge(.empty(204, sequence: sequence), sequence, plane)
                    } catch {
                        throw Problem(error)
                    }
                }
            })
    }

    private static func dryRunAnswer(
        _ outcome: WriteResult.Outcome, _ stored: StoredObject, _ head: ChangeSequence
    ) -> HTTPResponse {
        .dryRun(outcome, asOf: head) { stored.appendEntry(to: &$0) }
    }
}
