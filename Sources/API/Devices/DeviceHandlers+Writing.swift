internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Hardware
internal import Routing

/// Creating, changing, restarting and ending simulated switches.
extension DeviceHandlers {
    func put(_ call: Call) throws(Problem) -> HTTPPlan {
        try write(call) { (input, options, isAbsent) throws(Problem) in
            let name = call.names[0]
            let member = board[name]
            if isAbsent, member != nil { throw Problem(Self.isThere(name)) }
            let settings = try input.applied(to: SwitchSettings())
            try check(settings.faults, instead: member?.status.settings.faults)
            if options.isDryRun {
                if member == nil { try Problem.of { () throws(FIBError) in try board.check(name) } }
                let outcome: WriteResult.Outcome =
                    member.map { $0.status.settings == settings ? .unchanged : .replaced } ?? .created
                return .response(dryRun(outcome, name, settings))
            }
            let (written, isNew) = try Problem.of { () throws(FIBError) in try keeper.putSwitch(name, settings) }
            let sequence = isNew ? written.status.generation ?? plane.log.head : plane.log.head
            let response = Self.answer(isNew ? 201 : 200, .simulated(written), sequence)
            return options.acknowledge(
                isNew ? response.with("Location", .text("/v1/devices/\(name)")) : response, sequence, plane)
        }
    }

    /// A JSON merge patch (RFC 7396): what is not named stays.
    func patch(_ call: Call) throws(Problem) -> HTTPPlan {
        try write(call) { (input, options, _) throws(Problem) in
            let name = call.names[0]
            let present = try find(name).status.settings
            // What can be told before anything else comes in between.
            let settings = try input.applied(to: present)
            try check(settings.faults, instead: present.faults)
            if options.isDryRun {
                return .response(dryRun(settings == present ? .unchanged : .replaced, name, settings))
            }
            let member = try keeper.changeSwitch(name) { (present) throws(Problem) in
                let settings = try input.applied(to: present)
                try check(settings.faults, instead: present.faults)
                return settings
            }
            let sequence = plane.log.head
            return options.acknowledge(Self.answer(200, .simulated(member), sequence), sequence, plane)
        }
    }

    func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        guard try call.request.deleteCondition() == .none else { throw Self.noVersion }
        let name = call.names[0]
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let settings = try find(name).status.settings
                    if options.isDryRun { return .response(dryRun(.deleted, name, settings)) }
                    guard let sequence = keeper.removeSwitch(name) else { throw Problem(Self.notFound(name)) }
                    return options.acknowledge(.empty(204, sequence: sequence), sequence, plane)
                }
            })
    }

    func restart(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        guard try call.request.writeCondition() == .none else { throw Self.noVersion }
        let name = call.names[0]
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let member = try find(name)
                    if options.isDryRun { return .response(dryRun(.unchanged, name, member.status.settings)) }
                    let device = try Problem.of { () throws(FIBError) in try member.restart() }
                    let response = Self.answer(200, .simulated(member), device.generation)
                    return options.acknowledge(response, device.generation, plane)
                }
            })
    }

    // MARK: Parts

    /// - Parameter body: gets what the client wrote, and whether there may be no such device yet.
    private func write(
        _ call: Call, _ body: @escaping @Sendable (DeviceInput, WriteOptions, Bool) throws(Problem) -> HTTPAnswer
    ) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        if case .version = condition { throw Self.noVersion }
        // `curl -X PUT` without a body creates a switch with its defaults.
        if call.request.hasBody { _ = try call.request.bodyKind() }
        let name = call.names[0]
        return .collect(limit: 64 << 10) { bytes in
            .work {
                .of { () throws(Problem) in try body(try DeviceInput(bytes, name), options, condition == .absent) }
            }
        }
    }

    /// Faults are for those who try things out.
    private func check(_ faults: SwitchSettings.Faults, instead present: SwitchSettings.Faults?) throws(Problem) {
        guard faults != present ?? .init(), faults != .init(), !board.simulatesFaults else { return }
        let detail =
            "faults can be set only if the server was started with --simulate-faults, which is off where it can be "
            + "reached by others"
        throw Problem(
            status: 403, code: "EPERM", reason: "faults-not-allowed", detail: detail,
            errors: [Problem.Item(pointer: "/faults", detail: detail)])
    }

    private func dryRun(_ outcome: WriteResult.Outcome, _ name: String, _ settings: SwitchSettings) -> HTTPResponse {
        .dryRun(outcome, asOf: plane.log.head) { settings.appendEntry(name: name, to: &$0) }
    }

    private static func isThere(_ name: String) -> FIBError {
        FIBError(.eexist, .versionMismatch, "there is a simulated switch '\(name)' already")
    }

    private static let noVersion = Problem(
        status: 422, reason: "bad-condition",
        detail: "a device is not kept in versions, so no condition can name one; If-None-Match: * is for PUT")
}
