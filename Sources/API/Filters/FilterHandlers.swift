internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import TrafficControl

/// The filters of a block.
struct FilterHandlers: Sendable {
    let answers: FilterAnswers
    let hardware: HardwareAnswers

    init(plane: ControlPlane, hardware: HardwareAnswers) {
        answers = FilterAnswers(plane: plane)
        self.hardware = hardware
    }

    var endpoints: [Endpoint] {
        [
            Endpoint(
                "/v1/blocks/{block}/filters", "Its filters: list, add, flush a chain of them",
                [(.get, list), (.post, add), (.delete, flush)]),
            Endpoint(
                "/v1/blocks/{block}/chains/{chain}/filters/{pref}", "All filters of one priority",
                [(.delete, deleteProto)]),
            Endpoint(
                "/v1/blocks/{block}/chains/{chain}/filters/{pref}/{handle}", "One filter",
                [(.get, get), (.put, put), (.delete, delete)]),
            Endpoint(
                "/v1/blocks/{block}/classify", "What becomes of a packet, and why", [(.post, classify)]),
        ]
    }

    // MARK: Reading

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        return try TrafficList(call, &query, .filter).plan(call, answers.plane)
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let (place, selector) = (try call.block(), try call.filter())
        return answers.get(isDurable) { plane throws(FIBError) in
            try plane.filter(selector, of: place, in: namespace)
        }
    }

    // MARK: Writing

    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let verb =
            try query.take("mode", "add, replace or change") { FilterWrite.Verb(rawValue: $0) } ?? .add
        let stopsOnError = try query.flag("stop_on_error")
        let target = try FilterAnswers.Target(call, &query)
        try query.finish()
        let place = try call.block()
        let condition = try call.request.writeCondition()
        let job = FilterJob(namespace: target.namespace, place: place, verb: verb, condition: condition)
        if try call.request.bodyKind(allowsNDJSON: true) == .ndjson {
            try call.request.refuseCondition()
            return .consume(FilterImport(answers.plane, job, target.options, stopsOnError: stopsOnError))
        }
        return .collect(limit: RouteHandlers.bodyLimit) { body in
            let isArray = body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0a && $0 != 0x0d } == UInt8(ascii: "[")
            guard isArray else {
                return .work {
                    .of { () throws(Problem) in
                        let operation = try FilterAnswers.reading(body) { try job.operation(FilterInput(&$0)) }
                        return try answers.change(operation, target.options) { target.location(Self.path($0)) }
                    }
                }
            }
            if condition != .none { return .response(Problem.conditionOnMany.response) }
            return .work { .of { () throws(Problem) in try addAll(body, job, target.options) } }
        }
    }

    /// All or none. What `tc -json filter show` prints is an array, with a bare object before the filters of each priority (R4-110).
    private func addAll(_ body: [UInt8], _ job: FilterJob, _ options: WriteOptions) throws(Problem) -> HTTPAnswer {
        var operations: [TransactionOperation] = []
        var places: [Int] = []
        try FilterAnswers.reading(body) { reader in
            try reader.readArray { reader, index in
                guard operations.count < RouteHandlers.arrayLimit else { throw Problem.tooManyRows }
                let input = try FilterInput(&reader)
                if input.isBare { return }
                operations.append(.traffic(try job.operation(input)))
                places.append(index)
            }
        }
        let all = places
        return try transact(answers.plane, hardware, operations, options) { "/\(all[$0])" }
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let (place, selector) = (try call.block(), try call.filter())
        let condition = try call.request.writeCondition()
        let job = FilterJob(namespace: target.namespace, place: place, verb: .replace, condition: condition)
        return try answers.collecting(
            call, { reader in try job.operation(FilterInput(&reader), at: selector) }, target.options,
            location: { target.location(Self.path($0)) })
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        var selector = try call.filter()
        let condition = try call.request.deleteCondition()
        if condition != .none {
            selector.check = { (filter) throws(FIBError) in try condition.check(filter.version, "the filter") }
        }
        let operation = TrafficOperation(target.namespace, .removeFilters(try call.block(), selector))
        return .answer(.work { .of { () throws(Problem) in try answers.change(operation, target.options) } })
    }

    private func deleteProto(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        try call.request.refuseCondition()
        var selector = FilterSelector()
        selector.chain = try call.chain(1)
        selector.priority = try call.number(2, "a priority", in: 1...UInt16.max)
        let operation = TrafficOperation(target.namespace, .removeFilters(try call.block(), selector))
        return .answer(.work { .of { () throws(Problem) in try answers.remove(operation, target.options) } })
    }

    /// As `tc filter del`: of one chain, chain 0 if none is said, and of that all, or one priority.
    private func flush(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var selector = FilterSelector()
        selector.chain = try query.number("chain", in: 0...UInt32.max) ?? 0
        selector.priority = try query.number("pref", in: 1...65_535)
        selector.protocol = try query.take("protocol", "the type of a frame") { EtherType(name: $0) }
        selector.kind = try query.take("kind")
        selector.handle = try query.number("handle", in: 1...UInt32.max)
        let target = try FilterAnswers.Target(call, &query)
        try query.finish()
        try call.request.refuseCondition()
        let operation = TrafficOperation(target.namespace, .removeFilters(try call.block(), selector))
        return .answer(.work { .of { () throws(Problem) in try answers.remove(operation, target.options) } })
    }

    static func path(_ result: TrafficResult) -> String {
        guard case .filter(let proto, let filter) = result.object else { return "" }
        let block = HTTPTarget.encoded(proto.chain.block.place.description)
        return "/v1/blocks/\(block)/chains/\(proto.chain.index)/filters/\(proto.priority)/\(filter.handle)"
    }
}

/// What a request that writes filters says of all of them.
struct FilterJob: Sendable {
    let namespace: String
    let place: BlockIdentity.Place
    let verb: FilterWrite.Verb
    var condition = WriteCondition.none

    /// - Parameter path: the filter that the path names, which what the body says must agree with.
    func operation(_ input: FilterInput, at path: FilterSelector? = nil) throws -> TrafficOperation {
        if let named = input.namespace, named != namespace {
            throw Problem.keyMismatch("namespace", named, namespace)
        }
        try input.check(place)
        var write = input.write
        write.verb = verb
        if let path {
            // Chain 0 is what a body has that doesn't say.
            if write.chain != 0, write.chain != path.chain {
                throw Problem.keyMismatch("chain", "\(write.chain)", "\(path.chain)")
            }
            try Self.agree(write.priority, path.priority, "pref")
            try Self.agree(write.handle, path.handle, "handle")
            (write.chain, write.priority, write.handle) = (path.chain, path.priority, path.handle)
        }
        let condition = condition
        if condition != .none {
            write.check = { (present) throws(FIBError) in try condition.check(present?.version, "the filter") }
        }
        return TrafficOperation(namespace, .writeFilter(place, write))
    }

    private static func agree<Number: Equatable>(_ body: Number?, _ path: Number?, _ name: String) throws {
        guard let body, let path, body != path else { return }
        throw Problem.keyMismatch(name, "\(body)", "\(path)")
    }
}

extension Call {
    /// The filter that the path of one names.
    fileprivate func filter() throws(Problem) -> FilterSelector {
        var selector = FilterSelector()
        selector.chain = try chain(1)
        selector.priority = try number(2, "a priority", in: 1...UInt16.max)
        selector.handle = try number(3, "a handle", in: 1...UInt32.max)
        return selector
    }
}
