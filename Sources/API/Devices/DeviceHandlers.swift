internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Hardware
internal import JSON
internal import Routing

/// `/v1/devices` and what is below it: simulated switches, and the devices of drivers.
struct DeviceHandlers: Sendable {
    let plane: ControlPlane
    let board: SwitchBoard
    let keeper: ListenerKeeper

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/devices", "Devices that program routes", [(.get, list)]),
            Endpoint(
                "/v1/devices/{device}", "One device; of a simulated switch, what it is set to",
                [(.get, get), (.put, put), (.patch, patch), (.delete, delete)]),
            Endpoint("/v1/devices/{device}/restart", "Have a simulated switch begin anew", [(.post, restart)]),
        ]
    }

    // MARK: Reading

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try ListOptions(&query)
        let after = try query.take("after", "a cursor of a Link field") { name in
            ControlPlane.isValidNamespaceName(name) ? name : nil
        }
        try query.finish()
        return try options.plan(
            call, "/v1/devices", plane,
            rows: { [plane, board] in
                let snapshot = plane.snapshot()
                return (DeviceRow.all(board, snapshot), snapshot.sequence)
            },
            isLater: after.map { after in { $0.name > after } },
            cursor: { $0.name },
            append: { $0.append(to: &$1) })
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let isDurable = try query.flag("durable")
        try query.finish()
        let name = call.names[0]
        return .answer(
            .work {
                let snapshot = plane.snapshot()
                let head = snapshot.sequence
                let answer = HTTPAnswer.of { () throws(Problem) in
                    guard let row = DeviceRow.all(board, snapshot).first(where: { $0.name == name }) else {
                        throw Problem(Self.notFound(name))
                    }
                    let response = Self.answer(200, row, head)
                    return .response(isDurable ? response : response.with(durable: plane.log.durable, below: head))
                }
                return isDurable ? plane.whenDurable(head, answer) : answer
            })
    }

    // MARK: Answers

    static func answer(_ status: Int, _ row: DeviceRow, _ sequence: ChangeSequence) -> HTTPResponse {
        var bytes: [UInt8] = []
        row.append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        let response = HTTPResponse.json(status, bytes, sequence: sequence)
        return row.version.map { response.with(version: $0) } ?? response
    }

    static func notFound(_ name: String) -> FIBError {
        FIBError(
            .enoent, .deviceNotFound,
            "there is no device '\(name)'; create a simulated switch with PUT /v1/devices/\(name)")
    }

}
