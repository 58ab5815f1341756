internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import TrafficControl

/// What resources of qdiscs, chains, filters and actions have in common.
struct FilterAnswers: Sendable {
    let plane: ControlPlane

    /// What a request's query says, whatever it is about.
    struct Target: Sendable {
        let namespace: String
        let options: WriteOptions

        init(_ call: Call, _ query: inout Query) throws(Problem) {
            namespace = try query.namespace() ?? ControlPlane.defaultNamespace
            options = try WriteOptions(&query, call.request)
        }

        /// Of a query that says nothing else.
        init(_ call: Call) throws(Problem) {
            var query = Query(call.target)
            try self.init(call, &query)
            try query.finish()
        }

        /// What the body says of the namespace must be so.
        func agree(_ body: String?) throws(Problem) {
            guard let body, body != namespace else { return }
            throw .keyMismatch("namespace", body, namespace)
        }

        func location(_ path: String) -> String {
            path + (namespace == ControlPlane.defaultNamespace ? "" : "?namespace=\(namespace)")
        }
    }

    /// Carries out an operation on a worker.
    ///
    /// - Parameter location: where a new object is found.
    func change(
        _ operation: TrafficOperation, _ options: WriteOptions, location: (TrafficResult) -> String = { _ in "" }
    ) throws(Problem) -> HTTPAnswer {
        if options.isDryRun { return .response(try dryRun(operation)) }
        let result = try Problem.of { () throws(FIBError) in try plane.change(operation) }
        var response: HTTPResponse
        switch result.outcome {
        case .deleted: response = .empty(204, sequence: result.sequence)
        case .created:
            response = answer(201, result).with("Location", .text(location(result)))
        case .replaced, .unchanged: response = answer(200, result)
        }
        return options.acknowledge(response, result.sequence, plane)
    }

    /// The same for what removes any number of things.
    func remove(_ operation: TrafficOperation, _ options: WriteOptions) throws(Problem) -> HTTPAnswer {
        let result: TrafficResult
        if options.isDryRun {
            result = try tryOut(operation).result
        } else {
            result = try Problem.of { () throws(FIBError) in try plane.change(operation) }
        }
        var bytes: [UInt8] = []
        bytes.appendASCII(options.isDryRun ? "{\"dry_run\":true,\"deleted\":" : "{\"deleted\":")
        bytes.appendDecimal(result.removed)
        if let inUse = result.inUse { bytes.appendASCII(",\"in_use\":\(inUse)") }
        bytes.appendASCII(",\"seq\":\(result.sequence.rawValue)}\n")
        return options.acknowledge(.json(200, bytes, sequence: result.sequence), result.sequence, plane)
    }

    private func answer(_ status: Int, _ result: TrafficResult) -> HTTPResponse {
        if let object = result.object { return answer(status, object, result.sequence, result.warning) }
        guard let qdisc = result.qdisc else { return .empty(204, sequence: result.sequence) }
        return ObjectAnswers(plane: plane).answer(status, qdisc, result.sequence)
    }

    /// One object, looked up on a worker, since that may wait for a transaction.
    func get(
        _ isDurable: Bool,
        _ find: @escaping @Sendable (ControlPlane) throws(FIBError) -> (TrafficObject, ChangeSequence)
    ) -> HTTPPlan {
        .answer(
            .work {
                .of { () throws(Problem) in
                    let (object, sequence) = try Problem.of { () throws(FIBError) in try find(plane) }
                    return plane.answer(answer(200, object, sequence), asOf: sequence, isDurable: isDurable)
                }
            })
    }

    func answer(
        _ status: Int, _ object: TrafficObject, _ sequence: ChangeSequence, _ warning: String? = nil
    ) -> HTTPResponse {
        var bytes: [UInt8] = []
        var rows = plane.trafficRows(of: object.namespace)
        rows.warning = warning
        rows.append(object, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return .json(status, bytes, sequence: sequence).with(version: object.version)
    }

    private func tryOut(
        _ operation: TrafficOperation
    ) throws(Problem) -> (result: TrafficResult, sequence: ChangeSequence) {
        do throws(TransactionError) {
            let tried = try plane.tryOut([.traffic(operation)])
            guard case .traffic(var result)? = tried.results.first else { preconditionFailure("no result of a try") }
            result.sequence = tried.sequence
            return (result, tried.sequence)
        } catch {
            throw Problem(error.error)
        }
    }

    private func dryRun(_ operation: TrafficOperation) throws(Problem) -> HTTPResponse {
        let (result, sequence) = try tryOut(operation)
        return .dryRun(result.outcome, asOf: sequence) { bytes in
            if let object = result.object ?? going(operation) {
                object.appendEntry(to: &bytes)
            } else if let qdisc = result.qdisc {
                qdisc.appendEntry(to: &bytes)
            } else {
                bytes.appendASCII("null")
            }
        }
    }

    /// What an operation that was tried would remove, if that is one thing.
    private func going(_ operation: TrafficOperation) -> TrafficObject? {
        switch operation.action {
        case .removeFilters(let place, let selector) where selector.handle != nil:
            try? plane.filter(selector, of: place, in: operation.namespace).0
        case .removeAction(let kind, let index): try? plane.action(kind, index, in: operation.namespace).0
        default: nil
        }
    }

    /// A body of one JSON text, read and carried out on a worker.
    func collecting(
        _ call: Call, _ body: @escaping @Sendable (inout JSONReader) throws -> TrafficOperation,
        _ options: WriteOptions, location: @escaping @Sendable (TrafficResult) -> String
    ) throws(Problem) -> HTTPPlan {
        _ = try call.request.bodyKind()
        return .collect(limit: 1 << 20) { bytes in
            .work {
                .of { () throws(Problem) in
                    let operation = try Self.reading(bytes, body)
                    return try change(operation, options, location: location)
                }
            }
        }
    }

    static func reading<Result>(
        _ bytes: [UInt8], _ read: (inout JSONReader) throws -> Result
    ) throws(Problem) -> Result {
        do {
            var reader = JSONReader(bytes.span)
            return try reader.read { reader in try read(&reader) }
        } catch {
            throw Problem(input: error)
        }
    }
}

extension Call {
    /// A segment of the path that names a block.
    func block(_ index: Int = 0) throws(Problem) -> BlockIdentity.Place {
        if let name = BlockName(text: names[index]) { return name.place }
        throw .badPath("'\(names[index])' names no block: a number from 1, or a link's, such as eth0:ingress")
    }

    /// A segment that is a number; in hexadecimal behind `0x`.
    func number<Number: FixedWidthInteger & UnsignedInteger>(
        _ index: Int, _ what: String, in range: ClosedRange<Number>
    ) throws(Problem) -> Number {
        let text = names[index]
        let isHex = text.hasPrefix("0x")
        let number = Number(isHex ? text.dropFirst(2) : text[...], radix: isHex ? 16 : 10)
        // The standard library takes a sign as well.
        guard let number, range.contains(number), !text.contains("+"), isHex || String(number) == text else {
            throw .badPath("'\(text)' is not \(what): a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

extension Problem {
    static func badPath(_ detail: String) -> Problem { Problem(status: 400, reason: "bad-path", detail: detail) }
}

extension TrafficResult {
    /// What the kernel does without a word (R4-92).
    fileprivate var warning: String? {
        if ignored.isEmpty { return nil }
        let names = ignored.joined(separator: ", ")
        return "ignored, since packets that agree with the other keys have no such field: \(names)"
    }
}
