internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// What resources of objects other than routes have in common.
struct ObjectAnswers: Sendable {
    let plane: ControlPlane

    // MARK: Lists

    /// - Parameters:
    ///   - rows: the list, out of a snapshot; of that kind, by namespace, of each in the order of the keys.
    func list(
        _ call: Call, _ query: inout Query, _ path: String, of kind: ObjectKind,
        _ rows: @escaping @Sendable (Snapshot) -> [StoredObject]
    ) throws(Problem) -> HTTPPlan {
        let options = try ListOptions(&query)
        let cursor = try query.take("after")
        try query.finish()
        let after = try cursor.map { (text) throws(Problem) in try ObjectCursor(text, of: kind) }
        return try options.plan(
            call, path, plane,
            rows: { [plane] in
                let snapshot = plane.snapshot()
                return (rows(snapshot).map { ($0, snapshot.ruleStatus(of: $0)) }, snapshot.sequence)
            },
            isLater: after.map { after in { after < ObjectCursor($0.0) } },
            cursor: { ObjectCursor($0.0).text },
            append: { $0.0.appendRow($0.1, to: &$1) })
    }

    // MARK: One of them

    /// - Parameter missing: the refusal if there is none.
    func get(
        _ key: ObjectKey, in namespace: String, isDurable: Bool, missing: FIBError
    ) throws(Problem) -> HTTPPlan {
        let (object, sequence) = try Problem.of { () throws(FIBError) in try plane.object(key, in: namespace) }
        let response = object.map { answer(200, $0, sequence) } ?? Problem(missing).response
        return .answer(plane.answer(response, asOf: sequence, isDurable: isDurable))
    }

    func answer(_ status: Int, _ object: StoredObject, _ sequence: ChangeSequence) -> HTTPResponse {
        var bytes: [UInt8] = []
        append(object, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return .json(status, bytes, sequence: sequence).with(version: object.version)
    }

    func append(_ object: StoredObject, to bytes: inout [UInt8]) {
        let status = object.rule.flatMap { plane.status(of: $0.rule, in: object.namespace) }
        object.appendRow(status, to: &bytes)
    }

    /// Carries out an operation on a worker; `location` is where a new object is found.
    func change(
        _ operation: ObjectOperation, _ options: WriteOptions, location: (StoredObject) -> String
    ) throws(Problem) -> HTTPAnswer {
        if options.isDryRun {
            return .response(try dryRun(operation))
        }
        let result = try Problem.of { () throws(FIBError) in try plane.change(operation) }
        var response: HTTPResponse
        switch result.outcome {
        case .deleted: response = .empty(204, sequence: result.sequence)
        case .created:
            response = answer(201, result.object, result.sequence).with(
                "Location", .text(location(result.object)))
        case .replaced, .unchanged: response = answer(200, result.object, result.sequence)
        }
        return options.acknowledge(response, result.sequence, plane)
    }

    private func dryRun(_ operation: ObjectOperation) throws(Problem) -> HTTPResponse {
        var draft = plane.draft()
        let start = draft.start
        let result = try Problem.of { () throws(FIBError) in try draft.apply(operation) }
        return .dryRun(result.outcome, asOf: start) { result.object.appendEntry(to: &$0) }
    }
}
