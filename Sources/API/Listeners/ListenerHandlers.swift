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
        let options = try ListOptions(&query)
        let after: UInt64? = try query.number("after", in: 0...UInt64(Int64.max))
        try query.finish()
        return try options.plan(
            call, "/v1/listeners", plane,
            rows: { [plane] in
                let (listeners, head) = plane.listenersAsOf()
                return (listeners, head)
            },
            isLater: after.map { after in { $0.id.rawValue > after } },
            cursor: { "\($0.id.rawValue)" },
            append: { [hub] in hub.row($0).append(to: &$1) })
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let isDurable = try query.flag("durable")
        try query.finish()
        do throws(FIBError) {
            let found = try plane.listenerAsOf(call.names[0])
            let response = answer(200, found.listener, found.sequence)
            return .answer(plane.answer(response, asOf: found.sequence, isDurable: isDurable))
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
