internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// Registering, changing, ending.
extension ListenerHandlers {
    func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        _ = try call.request.bodyKind()
        return write { (body) throws(Problem) in
            let settings = try ListenerInput(body).settings()
            let result = try Problem.of { () throws(FIBError) in
                if !options.isDryRun { return try keeper.add(settings) }
                try keeper.checkDevice(settings)
                return try plane.addListener(settings, dryRun: true)
            }
            if options.isDryRun { return .response(Self.dryRun(.created, result)) }
            let response = answer(201, result.listener, result.sequence)
                .with("Location", .text("/v1/listeners/\(result.listener.id.rawValue)"))
            return options.acknowledge(response, result.sequence, plane)
        }
    }

    func patch(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        let name = call.names[0]
        return write { (body) throws(Problem) in
            let input = try ListenerInput(body)
            let present = try Problem.of { () throws(FIBError) in try plane.listener(name) }
            try input.check(against: present.settings)
            let edit: (inout ListenerSettings) -> Void = { input.apply(to: &$0) }
            let changed = try Problem.of { () throws(FIBError) in
                try options.isDryRun
                    ? plane.changeListener(present.id, condition: condition, dryRun: true, edit)
                    : keeper.change(present.id, condition, edit)
            }
            if options.isDryRun {
                let outcome: WriteResult.Outcome = changed.listener == present ? .unchanged : .replaced
                return .response(Self.dryRun(outcome, changed))
            }
            return options.acknowledge(answer(200, changed.listener, changed.sequence), changed.sequence, plane)
        }
    }

    func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.deleteCondition()
        let stored = try find(call)
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let result = try Problem.of { () throws(FIBError) in
                        try options.isDryRun
                            ? plane.removeListener(stored.id, condition: condition, dryRun: true)
                            : keeper.remove(stored.id, condition)
                    }
                    if options.isDryRun { return .response(Self.dryRun(.deleted, result)) }
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
}
