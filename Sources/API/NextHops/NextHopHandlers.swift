internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// `/v1/nexthops` and what is below it.
struct NextHopHandlers: Sendable {
    let plane: ControlPlane
    let answers: ObjectAnswers
    let hardware: HardwareAnswers

    init(plane: ControlPlane, hardware: HardwareAnswers) {
        self.plane = plane
        self.hardware = hardware
        answers = ObjectAnswers(plane: plane)
    }

    var endpoints: [Endpoint] {
        [
            Endpoint(
                "/v1/nexthops", "Nexthops and groups of them: list, add, flush",
                [(.get, list), (.post, add), (.delete, flush)]),
            Endpoint("/v1/nexthops/{id}", "One nexthop", [(.get, get), (.put, put), (.delete, delete)]),
        ]
    }

    // MARK: Reading

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var filter = EventFilter()
        filter.kinds = [.nexthop]
        filter.selection = try query.namespaces()
        let (wanted, selector) = (filter, try query.nextHopSelector())
        return try answers.list(call, &query, "/v1/nexthops", of: .nexthop) { snapshot in
            wanted.objects(of: snapshot).filter(selector.agrees(with:))
        }
    }

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let (id, namespace) = (try Self.id(call), try query.namespace() ?? ControlPlane.defaultNamespace)
        let isDurable = try query.flag("durable")
        try query.finish()
        let missing = FIBError(.enoent, .nextHopNotFound, "there is no nexthop \(id) in \(namespace)")
        return try answers.get(.nextHop(id), in: namespace, isDurable: isDurable, missing: missing)
    }

    // MARK: Writing

    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let (verb, namespace) = (try query.objectVerb(), try query.namespace())
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        return try answers.add(call, options, hardware, location: Self.location) { reader, condition in
            try NextHopObjectInput(&reader).operation(verb, namespace, condition)
        }
    }

    private func put(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let (id, namespace) = (try Self.id(call), try query.namespace() ?? ControlPlane.defaultNamespace)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        return try answers.put(call, options, location: Self.location) { reader, condition in
            try NextHopObjectInput(&reader).operation(at: id, in: namespace, condition)
        }
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let (id, namespace) = (try Self.id(call), try query.namespace() ?? ControlPlane.defaultNamespace)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        let condition = try call.request.deleteCondition()
        return answers.delete(ObjectOperation(namespace, .removeNextHop(id), condition: condition), options)
    }

    /// As `ip nexthop flush`, but that it says what.
    private func flush(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespaces = try query.namespaces().namespaces
        let selector = try query.nextHopSelector()
        let all = try query.flag("all")
        let expected: Int? = try query.number("expect", in: 0...Int.max)
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        guard selector != NextHopSelector() || all else {
            throw Problem(
                status: 400, reason: "flush-unbounded",
                detail: "say which nexthops go: dev, protocol, family, groups, blackhole or member; or all=1")
        }
        return answers.flush(options) { [plane] () throws(FIBError) in
            try plane.flushNextHops(selector, in: namespaces, expected: expected, dryRun: options.isDryRun)
        }
    }

    // MARK: Parts

    private static func id(_ call: Call) throws(Problem) -> UInt32 {
        let text = call.names[0]
        if let id = UInt32(text), String(id) == text, id != 0 { return id }
        throw Problem(
            status: 400, reason: "bad-path", detail: "'\(text)' is no id of a nexthop: a number from 1 to \(UInt32.max)"
        )
    }

    private static func location(_ object: StoredObject) -> String {
        guard let id = object.nextHop?.id else { return "" }
        let isDefault = object.namespace == ControlPlane.defaultNamespace
        return "/v1/nexthops/\(id)" + (isDefault ? "" : "?namespace=\(object.namespace)")
    }
}

extension Query {
    /// What it says of nexthops, as `ip nexthop list` names it.
    fileprivate mutating func nextHopSelector() throws(Problem) -> NextHopSelector {
        var selector = NextHopSelector()
        selector.family = try take("family", "inet or inet6") { AddressFamily(name: $0) }
        selector.device = try take("dev", "the name of a link") { Link.isName($0) ? $0 : nil }
        selector.protocol = try take("protocol", "the name or number of a route protocol") { RouteProtocol(name: $0) }
        selector.isGroup = try optionalFlag("groups")
        selector.isBlackhole = try optionalFlag("blackhole")
        selector.member = try number("member", in: 1...UInt32.max)
        return selector
    }
}
