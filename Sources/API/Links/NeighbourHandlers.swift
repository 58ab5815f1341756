internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/neighbors` and what is below it.
struct NeighbourHandlers: Sendable {
    let answers: ObjectAnswers

    init(plane: ControlPlane) { answers = ObjectAnswers(plane: plane) }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/neighbors", "Neighbours", [(.get, list)]),
            Endpoint(
                "/v1/neighbors/{dev}/{address}", "One neighbour on a link",
                [(.get, get), (.put, put), (.delete, delete)]),
        ]
    }

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var filter = EventFilter()
        filter.kinds = [.neigh]
        filter.selection = try query.namespaces()
        filter.selection.families = try query.takeList("family", "inet or inet6") { AddressFamily(name: $0) }?.sorted()
        let devices = try query.takeList("dev", "the name of a link") { Link.isName($0) ? $0 : nil }
        let states = try query.takeList("state", "a state such as REACHABLE") { NeighbourState(name: $0) }
        let wanted = filter
        return try answers.list(call, &query, "/v1/neighbors", of: .neigh) { snapshot in
            wanted.objects(of: snapshot).filter { object in
                guard let neighbour = object.neighbour else { return false }
                return (devices?.contains(neighbour.device) ?? true) && (states?.contains(neighbour.state) ?? true)
            }
        }
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let (device, address) = try Self.names(call)
        return try answers.get(
            .neighbour(device, address), in: namespace, isDurable: isDurable,
            missing: FIBError(
                .enoent, .neighbourNotFound, "there is no neighbour \(address) on '\(device)' in \(namespace)"))
    }

    private static func names(_ call: Call) throws(Problem) -> (String, IPAddress) {
        let device = try deviceName(call.names[0])
        do throws(AddressError) {
            return (device, try IPAddress(call.names[1]))
        } catch {
            throw Problem(status: 400, reason: error.code.rawValue, detail: error.message)
        }
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespace = try query.namespace() ?? ControlPlane.defaultNamespace
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let (device, address) = try Self.names(call)
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let neighbour = try Self.neighbour(body, device, address, namespace)
                    let operation = ObjectOperation(namespace, .putNeighbour(neighbour), condition: condition)
                    return try answers.change(
                        operation, options, location: { _ in Self.location(device, address, namespace) })
                }
            }
        }
    }

    private static func neighbour(
        _ body: [UInt8], _ device: String, _ address: IPAddress, _ namespace: String
    ) throws(Problem) -> Neighbour {
        do {
            var reader = JSONReader(body.span)
            let input = try reader.read { reader in try NeighbourInput(&reader) }
            if let named = input.namespace, named != namespace {
                throw FIBError(
                    .einval, .neighbourInvalid,
                    "the namespace is '\(named)' in the body but '\(namespace)' in the query")
            }
            return try input.neighbour(device, address)
        } catch {
            throw Problem(input: error)
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespace = try query.namespace() ?? ControlPlane.defaultNamespace
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let (device, address) = try Self.names(call)
        let operation = ObjectOperation(
            namespace, .removeNeighbour(device: device, address), existence: .present,
            condition: try call.request.deleteCondition())
        return .answer(
            .work { .of { () throws(Problem) in try answers.change(operation, options, location: { _ in "" }) } })
    }

    private static func location(_ device: String, _ address: IPAddress, _ namespace: String) -> String {
        "/v1/neighbors/\(HTTPTarget.encoded(device))/\(HTTPTarget.encoded("\(address)"))"
            + (namespace == ControlPlane.defaultNamespace ? "" : "?namespace=\(namespace)")
    }
}
