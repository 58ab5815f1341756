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
        let limit: Int? = try query.number("limit", in: 1...10_000)
        let after = try query.take("after", "a cursor of a Link field") { name in
            ControlPlane.isValidNamespaceName(name) ? name : nil
        }
        let isDurable = try query.flag("durable")
        try query.finish()
        try call.request.checkAcceptsList()
        let isNDJSON = call.request.acceptsNDJSON
        return .answer(
            .work {
                let snapshot = plane.snapshot()
                let head = snapshot.sequence
                let all = DeviceRow.all(board, snapshot)
                let rest = after.map { after in all.filter { $0.name > after } } ?? all
                let rows = limit.map { Array(rest.prefix($0)) } ?? rest
                var response = HTTPResponse.json(200, Self.text(rows, isNDJSON), sequence: head)
                    .with("Fibd-Count", .number(UInt64(all.count)))
                if isNDJSON { response = response.withType("application/x-ndjson") }
                if rows.count < rest.count, let last = rows.last {
                    response = response.with(nextPageOf: "/v1/devices", call.target, after: last.name)
                }
                guard isDurable || isNDJSON else {
                    return .response(response.with(durable: plane.log.durable, below: head))
                }
                return plane.whenDurable(head, .response(response))
            })
    }

    private static func text(_ rows: [DeviceRow], _ isNDJSON: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        if !isNDJSON { bytes.append(UInt8(ascii: "[")) }
        for (index, row) in rows.enumerated() {
            if index > 0, !isNDJSON { bytes.append(UInt8(ascii: ",")) }
            row.append(to: &bytes)
            if isNDJSON { bytes.append(UInt8(ascii: "\n")) }
        }
        if !isNDJSON { bytes.appendASCII("]\n") }
        return bytes
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
