internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// Writing objects that are told apart by a number: rules and nexthops.
extension ObjectAnswers {
    /// What a body says to be done, as an operation.
    typealias Reading = @Sendable (inout JSONReader, WriteCondition) throws -> ObjectOperation

    /// One object, or an array of them that is taken as a whole or not at all.
    ///
    /// - Parameter location: where a new object is found.
    func add(
        _ call: Call, _ options: WriteOptions, _ hardware: HardwareAnswers,
        location: @escaping @Sendable (StoredObject) -> String, _ read: @escaping Reading
    ) throws(Problem) -> HTTPPlan {
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: RouteHandlers.bodyLimit) { body in
            let isArray = body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d } == UInt8(ascii: "[")
            if isArray, condition != .none { return .response(Problem.conditionOnMany.response) }
            return .work {
                .of { () throws(Problem) in
                    if isArray { return try transact(plane, hardware, try many(body, read), options) { "/\($0)" } }
                    let operation = try Self.reading(body) { try read(&$0, condition) }
                    return try change(operation, options, location: location)
                }
            }
        }
    }

    private func many(_ body: [UInt8], _ read: Reading) throws(Problem) -> [TransactionOperation] {
        try Self.reading(body) { reader in
            var operations: [TransactionOperation] = []
            try reader.readArray { reader, index in
                guard index < RouteHandlers.arrayLimit else { throw Problem.tooManyRows }
                operations.append(.object(try read(&reader, .none)))
            }
            return operations
        }
    }

    /// The object at a place.
    func put(
        _ call: Call, _ options: WriteOptions, location: @escaping @Sendable (StoredObject) -> String,
        _ read: @escaping Reading
    ) throws(Problem) -> HTTPPlan {
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let operation = try Self.reading(body) { try read(&$0, condition) }
                    return try change(operation, options, location: location)
                }
            }
        }
    }

    func delete(_ operation: ObjectOperation, _ options: WriteOptions) -> HTTPPlan {
        .answer(.work { .of { () throws(Problem) in try change(operation, options, location: { _ in "" }) } })
    }

    /// What `remove` removes: how many, and the number of the last change.
    func flush(
        _ options: WriteOptions,
        _ remove: @escaping @Sendable () throws(FIBError) -> (count: Int, sequence: ChangeSequence)
    ) -> HTTPPlan {
        .answer(
            .work {
                .of { () throws(Problem) in
                    let (count, sequence) = try Problem.of(remove)
                    let start = options.isDryRun ? "{\"dry_run\":true,\"deleted\":" : "{\"deleted\":"
                    let body = Array("\(start)\(count),\"seq\":\(sequence.rawValue)}\n".utf8)
                    return options.acknowledge(.json(200, body, sequence: sequence), sequence, plane)
                }
            })
    }

    private static func reading<Result>(
        _ body: [UInt8], _ read: (inout JSONReader) throws -> Result
    ) throws(Problem) -> Result {
        do {
            var reader = JSONReader(body.span)
            return try reader.read { reader in try read(&reader) }
        } catch {
            throw Problem(input: error)
        }
    }
}

extension Query {
    /// What a write of such an object does with one that is there.
    mutating func objectVerb() throws(Problem) -> RouteVerb {
        try take("mode", "add, replace or change") { name in
            RouteVerb(rawValue: name).flatMap { [.add, .replace, .change].contains($0) ? $0 : nil }
        } ?? .add
    }
}
