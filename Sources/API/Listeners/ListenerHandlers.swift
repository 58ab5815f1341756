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

    func find(_ call: Call) throws(Problem) -> StoredListener {
        try Problem.of { () throws(FIBError) in try plane.listener(call.names[0]) }
    }

    func answer(_ status: Int, _ stored: StoredListener, _ sequence: ChangeSequence) -> HTTPResponse {
        var bytes: [UInt8] = []
        hub.row(stored).append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return .json(status, bytes, sequence: sequence).with(version: stored.version)
    }
}
