internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

extension RouteHandlers {
    // MARK: POST /v1/routes

    func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let verb =
            try query.take("mode", "add, replace, change, append, prepend or test") {
                RouteVerb(rawValue: $0)
            } ?? .add
        let defaults = RouteDefaults(
            namespace: try query.namespace(),
            table: try query.take("table", "the name or number of a table") { TableID(name: $0) },
            family: try query.take("family", "inet or inet6") { AddressFamily(name: $0) })
        let stopsOnError = try query.flag("stop_on_error")
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        if try call.request.bodyKind(allowsNDJSON: true) == .ndjson {
            try call.request.refuseCondition()
            if options.acknowledgement == .hardware { throw .hardwareOfImport }
            let job = RouteImport.Job(
                verb: verb, defaults: defaults, stopsOnError: stopsOnError, options: options)
            return .consume(RouteImport(plane, job, committing, warn: warn))
        }
        return .collect(limit: Self.bodyLimit) { body in
            let isArray = body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d } == UInt8(ascii: "[")
            if isArray {
                guard condition == .none else { return .response(Problem.conditionOnMany.response) }
                return .work { .of { () throws(Problem) in try addAll(body, verb, defaults, options) } }
            }
            return inlineOrWork(body.count) { (waits) throws(Problem) in
                try addOne(body, verb, defaults, condition, options, waits: waits)
            }
        }
    }

    private func addOne(
        _ body: [UInt8], _ verb: RouteVerb, _ defaults: RouteDefaults, _ condition: WriteCondition,
        _ options: WriteOptions, waits: Bool
    ) throws(Problem) -> HTTPAnswer? {
        let write: RouteWrite
        do {
            // Read to the end first: a body with anything behind its value is no JSON, whatever the value says.
            var reader = JSONReader(body.span)
            let input = try reader.read { reader in try RouteInput(&reader) }
            write = try memory.write(input, defaults, condition)
        } catch {
            throw Problem(input: error)
        }
        return try run(.write(verb, write), options, waits: waits)
    }

    /// One operation on the thread that serves all connections if it needn't wait, else on a worker.
    private func inlineOrWork(
        _ size: Int, _ body: @escaping @Sendable (_ waits: Bool) throws(Problem) -> HTTPAnswer?
    ) -> HTTPAnswer {
        let waiting: @Sendable () -> HTTPAnswer = {
            .of { () throws(Problem) in
                guard let answer = try body(true) else { preconditionFailure("a waiting write came to nothing") }
                return answer
            }
        }
        if size > Self.inlineBytes { return .work(waiting) }
        return .of { () throws(Problem) in try body(false) ?? .work(waiting) }
    }

    private func run(
        _ operation: RouteOperation, _ options: WriteOptions, waits: Bool
    ) throws(Problem) -> HTTPAnswer? {
        do throws(FIBError) {
            if options.isDryRun {
                guard waits else { return nil }
                var draft = plane.draft()
                return .response(Self.dryRunAnswer(try draft.apply(operation), asOf: draft.start))
            }
            if options.acknowledgement != .hardware {
                return try run(operation, waits: waits).map { options.acknowledge(answer($0), $0.sequence, plane) }
            }
        } catch {
            throw Problem(error)
        }
        return try runForHardware(operation, options, waits: waits)
    }

    private func run(_ operation: RouteOperation, waits: Bool) throws(FIBError) -> WriteResult? {
        switch operation {
        case .write(let verb, let write): try plane.write(verb, write, waits: waits)
        case .delete(let namespace, let table, let selector):
            try plane.delete(namespace, table, selector, waits: waits)
        }
    }

    private func runForHardware(
        _ operation: RouteOperation, _ options: WriteOptions, waits: Bool
    ) throws(Problem) -> HTTPAnswer? {
        let ticket = try hardware.waits.reserve()
        do throws(FIBError) {
            if let result = try run(operation, waits: waits) { return hardware.answer(result, options, ticket) }
        } catch {
            hardware.waits.release(ticket)
            throw Problem(error)
        }
        hardware.waits.release(ticket)
        return nil
    }

    private func addAll(
        _ body: [UInt8], _ verb: RouteVerb, _ defaults: RouteDefaults, _ options: WriteOptions
    ) throws(Problem) -> HTTPAnswer {
        var operations: [TransactionOperation] = []
        var builder = RouteBuilder(plane, defaults)
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readArray { reader, index in
                    guard index < Self.arrayLimit else { throw Problem.tooManyRows }
                    operations.append(.route(.write(verb, try builder.write(try RouteInput(&reader)))))
                }
            }
        } catch {
            throw Problem(input: error)
        }
        return try transact(plane, hardware, operations, options) { "/\($0)" }
    }

    // MARK: PUT and DELETE of one route

    func put(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try place(call, &query)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: 1 << 20) { body in
            inlineOrWork(body.count) { (waits) throws(Problem) in
                let defaults = RouteDefaults(
                    namespace: place.namespace, table: place.table, family: place.prefix.family)
                let write: RouteWrite
                do {
                    var reader = JSONReader(body.span)
                    var input = try reader.read { reader in try RouteInput(&reader) }
                    try place.fill(&input)
                    write = try memory.write(input, defaults, condition)
                } catch {
                    throw Problem(input: error)
                }
                return try run(.write(.replace, write), options, waits: waits)
            }
        }
    }

    func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try place(call, &query)
        var selector = RouteSelector(prefix: place.prefix)
        selector.tos = place.tos ?? 0
        selector.metric = place.metric
        selector.hash = try query.take("h", "32 hexadecimal digits") { EntryHash(hexadecimal: $0) }
        selector.type = try query.take("type", "a route type") { RouteType(name: $0) }
        selector.protocol = try query.take("protocol", "a route protocol") { RouteProtocol(name: $0) }
        selector.scope = try query.take("scope", "a scope") { RouteScope(name: $0) }
        let gateway = try query.take("gateway", "an address") { try? IPAddress($0) }
        let device = try query.take("dev", "the name of a device") { Link.isName($0) ? $0 : nil }
        if gateway != nil || device != nil {
            selector.nextHops = [NextHop(gateway: gateway, device: device ?? "")]
        }
        selector.nextHopID = try query.number("nhid", in: 1...UInt32.max)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        if case .version(let version) = try call.request.deleteCondition() { selector.version = version }
        let operation = RouteOperation.delete(namespace: place.namespace, place.table, selector)
        return .answer(inlineOrWork(0) { (waits) throws(Problem) in try run(operation, options, waits: waits) })
    }
}

extension RouteHandlers.Place {
    /// Fills in what the path says; what the body says of it must agree.
    func fill(_ input: inout RouteInput) throws(Problem) {
        let destination = input.isDefault ? Prefix.default(prefix.family) : input.destination
        try agree("dst", destination, prefix)
        // What a user says of an IPv6 route; the kernel's own of metric 0 are not written.
        func written(_ metric: UInt32?) -> UInt32? {
            prefix.family == .inet6 && metric == 0 ? Route.defaultIPv6Metric : metric
        }
        try agree("metric", written(input.metric), written(metric))
        try agree("tos", input.tos, tos)
        try agree("table", input.table, table)
        try agree("namespace", input.namespace, namespace)
        input.destination = prefix
        input.isDefault = false
        input.table = table
        input.namespace = namespace
        input.metric = input.metric ?? metric
        input.tos = input.tos ?? tos
    }

    private func agree<Value: Equatable>(_ name: String, _ body: Value?, _ path: Value?) throws(Problem) {
        guard let body, let path, body != path else { return }
        throw .keyMismatch(name, "\(body)", "\(path)")
    }
}

extension Problem {
    static func keyMismatch(_ name: String, _ body: String, _ path: String) -> Problem {
        Problem(
            status: 422, reason: "key-mismatch",
            detail: "\(name) is \(body) in the body but \(path) in the path or query",
            errors: [Problem.Item(pointer: "/\(name)", detail: "must agree with the path and query")])
    }
}
