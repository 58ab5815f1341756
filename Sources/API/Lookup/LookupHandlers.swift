internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// `/v1/lookup`: where packets go, as `ip route get` says it.
struct LookupHandlers: Sendable {
    let plane: ControlPlane

    var endpoints: [Endpoint] {
        [Endpoint("/v1/lookup", "Where packets go", [(.get, one), (.post, many), (.query, many)])]
    }

    /// What all lookups of a request have in common.
    struct Options: Sendable {
        let namespace: String
        let source: IPAddress?
        /// All that is asked for but for the addresses.
        private let packet: LookupQuery
        private let saysProtocol: Bool
        private(set) var wantsRoute = false
        private(set) var explains = false

        /// Of packets alone, and nothing of the answer.
        init(ofPackets query: inout Query) throws(Problem) {
            namespace = try query.namespace() ?? ControlPlane.defaultNamespace
            source = try query.address("src")
            let ipProtocol = try query.take("ipproto", "an IP protocol") { IPProtocol(name: $0) }
            saysProtocol = ipProtocol != nil
            packet = try query.packet(ipProtocol)
        }

        init(_ query: inout Query) throws(Problem) {
            try self.init(ofPackets: &query)
            wantsRoute = try query.flag("fibmatch")
            explains = try query.flag("explain")
            if wantsRoute, explains {
                throw Problem(
                    FIBError(
                        .einval, .unsupported,
                        "fibmatch answers with the route alone; leave it out to have it explained"))
            }
        }

        func query(_ destination: IPAddress) throws(Problem) -> LookupQuery {
            if let source, source.family != destination.family {
                throw Problem(
                    FIBError(.einval, .familyMismatch, "src \(source) is not of the family of \(destination)"))
            }
            var query = packet
            query.destination = destination
            query.source = source
            // What the kernel assumes of an IPv4 packet of which that isn't said (`inet_rtm_getroute`).
            if !saysProtocol, destination.family == .inet { query.ipProtocol = IPProtocol.udp.rawValue }
            return query
        }
    }

    private func one(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let options = try Options(&query)
        guard let destination = try query.address("dst") else {
            throw .badParameter("dst", "missing: the address that packets go to")
        }
        try query.finish()
        let wanted = try options.query(destination)
        // On the thread that serves all connections only where it takes no time.
        if plane.lacksIndexes(options.namespace) {
            return .answer(.work { .of { () throws(Problem) in try answer(wanted, options) } })
        }
        return .answer(try answer(wanted, options))
    }

    private func answer(_ query: LookupQuery, _ options: Options) throws(Problem) -> HTTPAnswer {
        let view = try view(options)
        var body: [UInt8] = []
        append(query, options, view, nil, to: &body)
        body.append(UInt8(ascii: "\n"))
        return .response(
            .json(200, body, sequence: view.sequence).with(durable: plane.log.durable, below: view.sequence))
    }

    func view(_ options: Options) throws(Problem) -> Forwarding {
        try Problem.of { () throws(FIBError) in try plane.forwarding(options.namespace) }
    }

    /// - Parameter entries: writes routes, where there may be many.
    func append(
        _ query: LookupQuery, _ options: Options, _ view: Forwarding, _ entries: EntryWriter?, to bytes: inout [UInt8]
    ) {
        let answer = LookupAnswer(view, query, explains: options.explains)
        guard options.wantsRoute, case .route(let found) = answer.result,
            let (table, route) = view.route(of: found, to: query.destination)
        else { return answer.append(to: &bytes) }
        guard let entries else { return RouteEntry.appendRow(table, route, plane.presentContext, to: &bytes) }
        entries.use(plane.presentContext)
        entries.append(table, route.key, route.value, as: ListedForm(), to: &bytes)
    }
}

extension Query {
    /// What a lookup says of packets beside their addresses. One without `iif` is of packets made here, by root, as `ip route
    /// get` has it.
    fileprivate mutating func packet(_ ipProtocol: IPProtocol?) throws(Problem) -> LookupQuery {
        var packet = LookupQuery(destination: IPAddress(inet: 0))
        packet.input = try take("iif", "the name of a link") { Link.isName($0) ? $0 : nil }
        packet.device = try take("oif", "the name of a link") { Link.isName($0) ? $0 : nil }
        packet.tos = try take("tos", "a tos") { tosValue($0) } ?? 0
        packet.mark =
            try take("mark", "a mark such as 16 or 0x10") { text in
                markValue(text).flatMap { $0.mask == nil ? $0.mark : nil }
            } ?? 0
        packet.tunnel = try number("tun_id", in: 0...UInt64.max) ?? 0
        packet.user = try number("uid", in: 0...UInt32.max) ?? (packet.input == nil ? 0 : nil)
        packet.ipProtocol = ipProtocol?.rawValue ?? 0
        packet.sourcePort = try number("sport", in: 0...UInt16.max) ?? 0
        packet.destinationPort = try number("dport", in: 0...UInt16.max) ?? 0
        return packet
    }

    mutating func address(_ name: String) throws(Problem) -> IPAddress? {
        guard let text = try take(name) else { return nil }
        do throws(AddressError) {
            return try IPAddress(text)
        } catch {
            throw .badParameter(name, error.message)
        }
    }
}
