internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// What resources of objects other than routes have in common.
struct ObjectAnswers: Sendable {
    let plane: ControlPlane

    // MARK: Lists

    /// The parts of a query that every list of them takes.
    struct ListOptions: Sendable {
        let limit: Int?
        let after: String?
        let isDurable: Bool

        init(_ query: inout Query) throws(Problem) {
            limit = try query.number("limit", in: 1...10_000)
            after = try query.take("after")
            isDurable = try query.flag("durable")
        }
    }

    /// - Parameters:
    ///   - rows: the list, out of a snapshot; of that kind, by namespace, of each in the order of the keys.
    func list(
        _ call: Call, _ options: ListOptions, _ path: String, of kind: ObjectKind,
        _ rows: @escaping @Sendable (Snapshot) -> [StoredObject]
    ) throws(Problem) -> HTTPPlan {
        try call.request.checkAcceptsList()
        let after = try options.after.map { (text) throws(Problem) in try ObjectCursor(text, of: kind) }
        let isNDJSON = call.request.acceptsNDJSON
        return .answer(
            .work {
                let snapshot = plane.snapshot()
                let all = rows(snapshot)
                let rest =
                    after.map { after in all[(all.firstIndex { after < ObjectCursor($0) } ?? all.endIndex)...] }
                    ?? all[...]
                let page = options.limit.map { rest.prefix($0) } ?? rest
                var response = HTTPResponse.json(200, Self.bytes(page, isNDJSON), sequence: snapshot.sequence)
                    .with("Fibd-Count", .number(UInt64(all.count)))
                if isNDJSON { response = response.withType("application/x-ndjson") }
                if page.count < rest.count, let last = page.last {
                    response = response.with(nextPageOf: path, call.target, after: ObjectCursor(last).text)
                }
                guard options.isDurable || isNDJSON else {
                    return .response(response.with(durable: plane.log.durable, below: snapshot.sequence))
                }
                return plane.whenDurable(snapshot.sequence, .response(response))
            })
    }

    private static func bytes(_ rows: ArraySlice<StoredObject>, _ isNDJSON: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, stored) in rows.enumerated() {
            if !isNDJSON { bytes.append(UInt8(ascii: index == 0 ? "[" : ",")) }
            stored.appendRow(to: &bytes)
            if isNDJSON { bytes.append(UInt8(ascii: "\n")) }
        }
        if !isNDJSON { bytes.appendASCII(rows.isEmpty ? "[]\n" : "]\n") }
        return bytes
    }

    // MARK: One of them

    /// - Parameter missing: the refusal if there is none.
    func get(
        _ key: ObjectKey, in namespace: String, isDurable: Bool, missing: FIBError
    ) throws(Problem) -> HTTPPlan {
        let (object, sequence) = try Problem.of { () throws(FIBError) in try plane.object(key, in: namespace) }
        let response = object.map { Self.answer(200, $0, sequence) } ?? Problem(missing).response
        return .answer(
            isDurable
                ? plane.whenDurable(sequence, .response(response))
                : .response(response.with(durable: plane.log.durable, below: sequence)))
    }

    static func answer(_ status: Int, _ object: StoredObject, _ sequence: ChangeSequence) -> HTTPResponse {
        var bytes: [UInt8] = []
        object.appendRow(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return .json(status, bytes, sequence: sequence).with(version: object.version)
    }

    /// Carries out an operation on a worker; `location` is where a new object is found.
    func change(
        _ operation: ObjectOperation, _ options: WriteOptions, location: String
    ) throws(Problem) -> HTTPAnswer {
        if options.isDryRun {
            return .response(try dryRun(operation))
        }
        let result = try Problem.of { () throws(FIBError) in try plane.change(operation) }
        var response: HTTPResponse
        switch result.outcome {
        case .deleted: response = .empty(204, sequence: result.sequence)
        case .created: response = Self.answer(201, result.object, result.sequence).with("Location", .text(location))
        case .replaced, .unchanged: response = Self.answer(200, result.object, result.sequence)
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
