internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import TrafficControl

/// `/v1/qdiscs`, and those of a link.
struct QdiscHandlers: Sendable {
    let answers: FilterAnswers
    private let objects: ObjectAnswers

    init(plane: ControlPlane) {
        answers = FilterAnswers(plane: plane)
        objects = ObjectAnswers(plane: plane)
    }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/qdiscs", "Qdiscs that have filters", [(.get, list)]),
            Endpoint("/v1/links/{dev}/qdiscs", "Those of one link: list, add", [(.get, listOfLink), (.post, add)]),
            Endpoint(
                "/v1/links/{dev}/qdiscs/{kind}", "One of them",
                [(.get, get), (.put, put), (.delete, delete)]),
        ]
    }

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        return try list(call, &query, "/v1/qdiscs", device: try query.device())
    }

    private func listOfLink(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let device = try deviceName(call.names[0])
        return try list(call, &query, "/v1/links/\(HTTPTarget.encoded(device))/qdiscs", device: device)
    }

    private func list(
        _ call: Call, _ query: inout Query, _ path: String, device: String?
    ) throws(Problem) -> HTTPPlan {
        var filter = EventFilter()
        filter.kinds = [.qdisc]
        filter.selection = try query.namespaces()
        let wanted = filter
        return try objects.list(call, &query, path, of: .qdisc) { snapshot in
            wanted.objects(of: snapshot).filter { device == nil || $0.qdisc?.device == device }
        }
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let (device, kind) = (try deviceName(call.names[0]), try Self.kind(call))
        let missing = FIBError(.enoent, .qdiscNotFound, "'\(device)' has no qdisc of \(kind.rawValue)", rule: "R4-05")
        let (found, sequence) = try Problem.of { () throws(FIBError) in
            try answers.plane.object(.qdisc(device), in: namespace)
        }
        guard let found, found.qdisc?.kind == kind else { throw Problem(missing) }
        return .answer(
            answers.plane.answer(objects.answer(200, found, sequence), asOf: sequence, isDurable: isDurable))
    }

    private static func kind(_ call: Call) throws(Problem) -> Qdisc.Kind {
        if let kind = Qdisc.Kind(rawValue: call.names[1]) { return kind }
        throw Problem(
            FIBError(
                .enoent, .kindUnknown,
                "there is no kind of qdisc '\(call.names[1])' with filters, but ingress and clsact"
            ))
    }

    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        try write(call, kind: nil)
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        try write(call, kind: try Self.kind(call))
    }

    private func write(_ call: Call, kind: Qdisc.Kind?) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let device = try deviceName(call.names[0])
        let condition = try call.request.writeCondition()
        return try answers.collecting(
            call,
            { reader in
                let input = try QdiscInput(&reader)
                try target.agree(input.namespace)
                let qdisc = try input.qdisc(device, kind)
                return TrafficOperation(
                    target.namespace, .addQdisc(qdisc, replaces: kind != nil), condition: condition)
            }, target.options,
            location: { result in
                target.location(
                    "/v1/links/\(HTTPTarget.encoded(device))/qdiscs/\(result.qdisc?.qdisc?.kind.rawValue ?? "")")
            })
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let (device, kind) = (try deviceName(call.names[0]), try Self.kind(call))
        let operation = TrafficOperation(
            target.namespace, .removeQdisc(device: device, kind), condition: try call.request.deleteCondition())
        return .answer(.work { .of { () throws(Problem) in try answers.change(operation, target.options) } })
    }
}

extension Query {
    mutating func device() throws(Problem) -> String? {
        try take("dev", "the name of a link") { Link.isName($0) ? $0 : nil }
    }
}
