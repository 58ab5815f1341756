internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/links` and what is below it.
struct LinkHandlers: Sendable {
    let answers: ObjectAnswers

    init(plane: ControlPlane) { answers = ObjectAnswers(plane: plane) }

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/links", "Links", [(.get, list)]),
            Endpoint("/v1/links/{dev}", "One link and its addresses", [(.get, get), (.put, put), (.delete, delete)]),
            Endpoint("/v1/links/{dev}/carrier", "Whether there is someone at its other end", [(.put, setCarrier)]),
        ]
    }

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var filter = EventFilter()
        filter.kinds = [.link]
        filter.selection = try query.namespaces()
        let wanted = filter
        return try answers.list(call, &query, "/v1/links", of: .link) { wanted.objects(of: $0) }
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let name = try deviceName(call.names[0])
        return try answers.get(
            .link(name), in: namespace, isDurable: isDurable,
            missing: FIBError(.enoent, .linkNotFound, "there is no link '\(name)' in \(namespace)"))
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try Target(call)
        let condition = try call.request.writeCondition()
        // `curl -X PUT` without a body creates one with its defaults.
        if call.request.hasBody { _ = try call.request.bodyKind() }
        return .collect(limit: 1 << 20) { body in
            .work {
                .of { () throws(Problem) in
                    var edit = LinkEdit(name: target.name)
                    if !body.isEmpty { edit = try Self.edit(body, target) }
                    let operation = ObjectOperation(target.namespace, .putLink(edit), condition: condition)
                    return try answers.change(operation, target.options, location: { _ in target.location })
                }
            }
        }
    }

    private static func edit(_ body: [UInt8], _ target: Target) throws(Problem) -> LinkEdit {
        do {
            var reader = JSONReader(body.span)
            let input = try reader.read { reader in try LinkInput(&reader) }
            try target.agree(input.namespace)
            return try input.edit(target.name)
        } catch {
            throw Problem(input: error)
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try Target(call)
        let condition = try call.request.deleteCondition()
        let operation = ObjectOperation(
            target.namespace, .removeLink(target.name), existence: .present, condition: condition)
        return .answer(
            .work {
                .of { () throws(Problem) in try changePresent(operation, target) }
            })
    }

    /// What the path names must be there; else it is 404 (RFC 9110, section 15.5.5), whatever the kernel calls it.
    private func changePresent(_ operation: ObjectOperation, _ target: Target) throws(Problem) -> HTTPAnswer {
        do throws(Problem) {
            return try answers.change(operation, target.options, location: { _ in target.location })
        } catch {
            var problem = error
            if problem.reason == FIBError.Reason.linkNotFound.rawValue { problem.status = 404 }
            throw problem
        }
    }

    private static let carrierFields = JSONFields("carrier")

    private func setCarrier(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try Target(call)
        let condition = try call.request.writeCondition()
        _ = try call.request.bodyKind()
        return .collect(limit: 4_096) { body in
            .work {
                .of { () throws(Problem) in
                    let operation = ObjectOperation(
                        target.namespace, .setCarrier(target.name, try Self.carrier(body)), existence: .present,
                        condition: condition)
                    return try changePresent(operation, target)
                }
            }
        }
    }

    private static func carrier(_ body: [UInt8]) throws(Problem) -> Bool {
        var carrier: Bool?
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(carrierFields) { reader, _ in carrier = try reader.readBool() }
            }
        } catch {
            throw Problem(input: error)
        }
        guard let carrier else { throw Problem.missing("carrier", "carrier is true or false") }
        return carrier
    }

    /// Which link a path means, and how.
    private struct Target: Sendable {
        let name: String
        let namespace: String
        let options: WriteOptions

        init(_ call: Call) throws(Problem) {
            var query = Query(call.target)
            namespace = try query.namespace() ?? ControlPlane.defaultNamespace
            options = try WriteOptions(&query, call.request)
            try query.finish()
            name = try deviceName(call.names[0])
        }

        var location: String {
            "/v1/links/\(HTTPTarget.encoded(name))"
                + (namespace == ControlPlane.defaultNamespace ? "" : "?namespace=\(namespace)")
        }

        func agree(_ body: String?) throws(FIBError) {
            guard let body, body != namespace else { return }
            throw FIBError(
                .einval, .linkInvalid, "the namespace is '\(body)' in the body but '\(namespace)' in the query")
        }
    }
}

/// A segment of a path that names a link.
func deviceName(_ text: String) throws(Problem) -> String {
    if Link.isName(text) { return text }
    throw Problem(
        FIBError(
            .einval, .linkInvalid, "'\(text)' can't name a link: use 1 to 15 bytes without white space, '/' and ':'"))
}

extension Query {
    mutating func namespaces() throws(Problem) -> RouteSelection {
        var selection = RouteSelection()
        selection.namespaces = try takeList("namespace", "the name of a namespace") { name in
            ControlPlane.isValidNamespaceName(name) ? name : nil
        }?.sorted()
        return selection
    }
}
