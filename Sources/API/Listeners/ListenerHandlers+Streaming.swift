internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// What a listener does itself: follow, acknowledge, report.
extension ListenerHandlers {
    func events(_ call: Call) throws(Problem) -> HTTPPlan {
        let stored = try find(call)
        return try streams.stream(
            call,
            { (query, request) throws(Problem) in
                try EventRequest(stored.settings, &query, request)
            },
            { (request) throws(Problem) in
                // Who wants everything anew has kept nothing, and programs anew.
                if stored.settings.role == .driver, request.insistsOnReplay { keeper.restart(stored.id) }
                return try hub.open(request, for: stored.id)
            })
    }

    func acknowledge(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        _ = try call.request.bodyKind()
        let stored = try find(call)
        return .collect(limit: 4_096) { body in
            .of { () throws(Problem) in
                let sequence = try Self.acknowledgement(body)
                try hub.acknowledge(stored.id, sequence)
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

    func report(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        let isNDJSON = try call.request.bodyKind(allowsNDJSON: true) == .ndjson
        let id = try find(call).id
        return .collect(limit: RouteHandlers.bodyLimit) { body in
            .work {
                .of { () throws(Problem) in
                    let device = try hub.device(of: id)
                    var batch = try ReportBatch(body, isNDJSON: isNDJSON)
                    let sequence = try send(&batch, device, of: id)
                    hub.count(batch.counts, of: id)
                    // At once: there is nothing of it to be made durable.
                    return .response(.json(200, batch.json(sequence), sequence: sequence))
                }
            }
        }
    }

    private func send(
        _ batch: inout ReportBatch, _ device: Device, of id: ChangeSequence
    ) throws(Problem) -> ChangeSequence {
        do throws(FIBError) {
            return try batch.send(plane, device)
        } catch {
            // Its registration has ended since it was looked up, or it begins anew.
            throw error.reason == .deviceGone ? EventHub.notFound(id) : Problem(error)
        }
    }
}
