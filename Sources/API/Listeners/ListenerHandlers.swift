internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/listeners` and what is below it.
struct ListenerHandlers: Sendable {
    let plane: ControlPlane
    let hub: EventHub
    let keeper: ListenerKeeper
    let streams: EventHandlers

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/listeners", "Registered subscribers", [(.get, list), (.post, add)]),
            Endpoint(
                "/v1/listeners/{listener}", "One listener, and how it goes with it",
                [(.get, get), (.patch, patch), (.delete, delete)]),
            Endpoint("/v1/listeners/{listener}/events", "Its stream", [(.get, events)]),
            Endpoint("/v1/listeners/{listener}/acknowledged", "How far it has come", [(.put, acknowledge)]),
            Endpoint("/v1/listeners/{listener}/hardware", "What a driver has programmed", [(.post, report)]),
        ]
    }

    // MARK: Reading

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let limit: Int? = try query.number("limit", in: 1...10_000)
        let after: UInt64? = try query.number("after", in: 0...UInt64(Int64.max))
        let isDurable = try query.flag("durable")
        try query.finish()
        try call.request.checkAcceptsList()
        let isNDJSON = call.request.acceptsNDJSON
        return .answer(
            .work {
                let (all, head) = plane.listenersAsOf()
                let rest = all.filter { $0.id.rawValue > after ?? 0 }
                let rows = limit.map { Array(rest.prefix($0)) } ?? rest
                var bytes: [UInt8] = []
                for (index, stored) in rows.enumerated() {
                    if !isNDJSON { bytes.append(UInt8(ascii: index == 0 ? "[" : ",")) }
                    hub.row(stored).append(to: &bytes)
                    if isNDJSON { bytes.append(UInt8(ascii: "\n")) }
                }
                if !isNDJSON { bytes.appendASCII(rows.isEmpty ? "[]\n" : "]\n") }
                var response = HTTPResponse.json(200, bytes, sequence: head)
                    .with("Fibd-Count", .number(UInt64(all.count)))
                if isNDJSON { response = response.withType("application/x-ndjson") }
                if rows.count < rest.count, let last = rows.last {
                    response = response.with(
                        nextPageOf: "/v1/listeners", call.target, after: "\(last.id.rawValue)")
                }
                guard isDurable || isNDJSON else {
                    return .response(response.with(durable: plane.log.durable, below: head))
                }
                return plane.whenDurable(head, .response(response))
            })
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let isDurable = try query.flag("durable")
        try query.finish()
        do throws(FIBError) {
            let found = try plane.listenerAsOf(call.names[0])
            let response = answer(200, found.listener, found.sequence)
            return .answer(
                isDurable
                    ? plane.whenDurable(found.sequence, .response(response))
                    : .response(response.with(durable: plane.log.durable, below: found.sequence)))
        } catch {
            guard isDurable else { throw Problem(error) }
            // That there is none is to be durable too.
            return .answer(plane.whenDurable(plane.log.head, .response(Problem(error).response)))
        }
    }

    private func find(_ call: Call) throws(Problem) -> StoredListener {
        do throws(FIBError) {
            return try plane.listener(call.names[0])
        } catch {
            throw Problem(error)
        }
    }

    private func answer(_ status: Int, _ stored: StoredListener, _ sequence: ChangeSequence) -> HTTPResponse {
        var bytes: [UInt8] = []
        hub.row(stored).append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return .json(status, bytes, sequence: sequence).with(version: stored.version)
    }

    // MARK: Registering

    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        _ = try call.request.bodyKind()
        return write { (body) throws(Problem) in
            let settings = try ListenerInput(body).settings()
            let result = try plane.problem { (plane) throws(FIBError) in
                try plane.addListener(settings, dryRun: options.isDryRun)
            }
            if options.isDryRun { return .response(Self.dryRun(.created, result)) }
            // The number of the last change that it brought about.
            let sequence = hub.add(result.listener) ?? result.sequence
            keeper.wake()
            let response = answer(201, result.listener, sequence)
                .with("Location", .text("/v1/listeners/\(result.listener.id.rawValue)"))
            return options.acknowledge(response, sequence, plane)
        }
    }

    private func patch(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        let name = call.names[0]
        return write { (body) throws(Problem) in
            let input = try ListenerInput(body)
            let result = try plane.problem { (plane) throws(FIBError) in
                try plane.listener(name)
            }
            try input.check(against: result.settings)
            let changed = try plane.problem { (plane) throws(FIBError) in
                try plane.changeListener(result.id, condition: condition, dryRun: options.isDryRun) {
                    input.apply(to: &$0)
                }
            }
            if options.isDryRun {
                let outcome: WriteResult.Outcome = changed.listener == result ? .unchanged : .replaced
                return .response(Self.dryRun(outcome, changed))
            }
            hub.change(changed.listener)
            keeper.wake()
            return options.acknowledge(answer(200, changed.listener, changed.sequence), changed.sequence, plane)
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.deleteCondition()
        let stored = try find(call)
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let result = try plane.problem { (plane) throws(FIBError) in
                        try plane.removeListener(stored.id, condition: condition, dryRun: options.isDryRun)
                    }
                    if options.isDryRun { return .response(Self.dryRun(.deleted, result)) }
                    hub.remove(stored.id, .listenerRemoved)
                    return options.acknowledge(.empty(204, sequence: result.sequence), result.sequence, plane)
                }
            })
    }

    private func write(_ body: @escaping @Sendable ([UInt8]) throws(Problem) -> HTTPAnswer) -> HTTPPlan {
        .collect(limit: 64 << 10) { bytes in .work { .of { () throws(Problem) in try body(bytes) } } }
    }

    private static func dryRun(
        _ outcome: WriteResult.Outcome, _ result: ControlPlane.ListenerResult
    ) -> HTTPResponse {
        .dryRun(outcome, asOf: result.sequence) { result.listener.settings.appendEntry(to: &$0) }
    }

    // MARK: Its stream

    private func events(_ call: Call) throws(Problem) -> HTTPPlan {
        let stored = try find(call)
        return try streams.stream(
            call,
            { (query, request) throws(Problem) in
                try EventRequest(stored.settings, &query, request)
            }, { (request) throws(Problem) in try hub.open(request, for: stored.id) })
    }

    private func acknowledge(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        _ = try call.request.bodyKind()
        let stored = try find(call)
        return .collect(limit: 4_096) { body in
            .of { () throws(Problem) in
                let sequence = try Self.acknowledgement(body)
                if try hub.acknowledge(stored.id, sequence) { keeper.wake() }
                return .response(answer(200, stored, plane.log.head))
            }
        }
    }

    private static let acknowledgementFields = JSONFields("seq")

    private static func acknowledgement(_ body: [UInt8]) throws(Problem) -> ChangeSequence {
        var sequence: UInt64?
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(acknowledgementFields) { reader, _ in
                    sequence = try reader.readUInt(max: UInt64(Int64.max))
                }
            }
        } catch {
            throw Problem(input: error)
        }
        guard let sequence else {
            throw Problem(
                status: 422, reason: "bad-value", detail: "/seq: the number of the last change that was processed",
                errors: [Problem.Item(pointer: "/seq", detail: "the number of the last change that was processed")])
        }
        return ChangeSequence(rawValue: sequence)
    }

    // MARK: Reports

    private func report(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        let isNDJSON = try call.request.bodyKind(allowsNDJSON: true) == .ndjson
        let id = try find(call).id
        return .collect(limit: RouteHandlers.bodyLimit) { body in
            .work {
                .of { () throws(Problem) in
                    let device = try hub.device(of: id)
                    var batch = try ReportBatch(body, isNDJSON: isNDJSON)
                    let sequence = try plane.problem { (plane) throws(FIBError) in try batch.send(plane, device) }
                    hub.count(batch.counts, of: id)
                    // At once: there is nothing of it to be made durable.
                    return .response(.json(200, batch.json(sequence), sequence: sequence))
                }
            }
        }
    }
}

extension ControlPlane {
    /// What the core refuses, as a problem.
    func problem<Result>(_ body: (ControlPlane) throws(FIBError) -> Result) throws(Problem) -> Result {
        do throws(FIBError) {
            return try body(self)
        } catch {
            throw Problem(error)
        }
    }
}
