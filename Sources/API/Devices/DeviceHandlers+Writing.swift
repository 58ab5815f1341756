internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Hardware
internal import Routing

/// Creating, changing, restarting and ending simulated switches.
extension DeviceHandlers {
    func put(_ call: Call) throws(Problem) -> HTTPPlan { try write(call, creates: true) }

    /// A JSON merge patch (RFC 7396): what is not named stays.
    func patch(_ call: Call) throws(Problem) -> HTTPPlan { try write(call, creates: false) }

    /// - Parameter creates: whether what is not named gets its default, and a switch that isn't there is made.
    private func write(_ call: Call, creates: Bool) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.writeCondition()
        // `curl -X PUT` without a body creates a switch with its defaults.
        if call.request.hasBody { _ = try call.request.bodyKind() }
        let name = call.names[0]
        return .collect(limit: 64 << 10) { bytes in
            .work {
                .of { () throws(Problem) in
                    let input = try DeviceInput(bytes, name)
                    let write = try keeper.writeSwitch(
                        name, condition, creates: creates, isDryRun: options.isDryRun
                    ) { (present) throws(Problem) in
                        let settings = try input.applied(to: creates ? SwitchSettings() : present ?? SwitchSettings())
                        try check(settings.faults, instead: present?.faults)
                        return settings
                    }
                    return answer(write, options, location: "/v1/devices/\(name)")
                }
            }
        }
    }

    func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.deleteCondition()
        let name = call.names[0]
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let write = try keeper.removeSwitch(name, condition, isDryRun: options.isDryRun)
                    return answer(write, options, location: "")
                }
            })
    }

    func restart(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        guard try call.request.writeCondition() == .none else { throw Self.noCondition }
        let name = call.names[0]
        return .answer(
            .work {
                .of { () throws(Problem) in
                    _ = try keeper.findSwitch(name)
                    guard let stored = plane.keptDevices[name] else { throw Problem(Self.notFound(name)) }
                    if options.isDryRun {
                        return .response(
                            .dryRun(.unchanged, asOf: plane.log.head) { stored.appendEntry(to: &$0) })
                    }
                    let (member, device) = try keeper.restartSwitch(name)
                    let response = Self.answer(200, .simulated(member, stored), device.generation)
                    return options.acknowledge(response, device.generation, plane)
                }
            })
    }

    // MARK: Parts

    private func answer(_ write: SwitchWrite, _ options: WriteOptions, location: String) -> HTTPAnswer {
        if options.isDryRun {
            return .response(.dryRun(write.outcome, asOf: write.sequence) { write.stored.appendEntry(to: &$0) })
        }
        guard let member = write.member else {
            return options.acknowledge(.empty(204, sequence: write.sequence), write.sequence, plane)
        }
        let isNew = write.outcome == .created
        let response = Self.answer(isNew ? 201 : 200, .simulated(member, write.stored), write.sequence)
        return options.acknowledge(
            isNew ? response.with("Location", .text(location)) : response, write.sequence, plane)
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

    private static let noCondition = Problem(
        status: 422, reason: "bad-condition",
        detail: "a restart makes no other version of a device, so it takes no condition")
}
