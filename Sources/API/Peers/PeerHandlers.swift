internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import PathAttributes
internal import Routing

/// `/v1/peers`: what is known of the ways to hosts, and what may be sent to them.
struct PeerHandlers: Sendable {
    let plane: ControlPlane

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/peers", "What is known of the ways to hosts", [(.get, list), (.delete, flush)]),
            Endpoint("/v1/peers/{address}", "What is known of the way to one host", [(.get, get), (.delete, delete)]),
            Endpoint("/v1/peers/{address}/permits", "Whether a message may be sent to it", [(.post, permit)]),
        ]
    }

    // MARK: Lists

    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let isSummary = try query.flag("summary")
        let selection = try query.namespaces()
        let families = try query.takeList("family", "inet or inet6") { AddressFamily(name: $0) }?.sorted()
        let limit = try query.number("limit", in: 1...10_000)
        let after = try query.peerCursor()
        let isDurable = try query.flag("durable")
        try query.finish()
        if isSummary { return .answer(summaries(selection, families)) }
        try call.request.checkAcceptsList()
        let list = StreamedList(path: "/v1/peers", limit: limit, isNDJSON: call.request.acceptsNDJSON)
        return .answer(
            .work {
                let snapshot = plane.snapshot()
                var walk = PeerWalk(snapshot, families: families, in: selection.includes(namespace:))
                let held = isDurable || list.isNDJSON
                let base = HTTPResponse.json(200, [], sequence: snapshot.sequence)
                    .with("Fibd-Count", .number(UInt64(walk.count)))
                    .with(durable: held ? .max : plane.log.durable, below: snapshot.sequence)
                if let after { walk.skip(behind: after.address, in: after.namespace) }
                let response = list.response(PeerListRows(walk, plane), call.target, base)
                // A list as NDJSON is a replay of its own, and like one never ahead of the disk.
                return held ? plane.whenDurable(snapshot.sequence, .response(response)) : .response(response)
            })
    }

    /// How many there are and the generation, by namespace and family.
    private func summaries(_ selection: RouteSelection, _ families: [AddressFamily]?) -> HTTPAnswer {
        let head = plane.log.head
        var bytes: [UInt8] = []
        for summary in plane.peerSummaries where selection.includes(namespace: summary.namespace) {
            guard families?.contains(summary.family) ?? true else { continue }
            bytes.append(UInt8(ascii: bytes.isEmpty ? "[" : ","))
            bytes.appendASCII("{\"count\":\(summary.count),\"family\":\"\(summary.family.name)\"")
            bytes.appendASCII(",\"generation\":\(summary.generation),\"namespace\":\"\(summary.namespace)\"}")
        }
        bytes.appendASCII(bytes.isEmpty ? "[]\n" : "]\n")
        return .response(.json(200, bytes, sequence: head).with(durable: plane.log.durable, below: head))
    }

    /// As `ip route flush cache`.
    private func flush(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let selection = try query.namespaces()
        let families = try query.takeList("family", "inet or inet6") { AddressFamily(name: $0) }?.sorted()
        let isAll = try query.flag("all")
        let options = try WriteOptions(&query, call.request)
        try query.finish()
        try call.request.refuseCondition()
        guard isAll || selection.namespaces != nil || families != nil else {
            throw .badParameter("all", "say all=1 to forget what is known of all paths, or a namespace or family")
        }
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let (count, sequence, stored) = try Problem.of { () throws(FIBError) in
                        try plane.flushPeers(in: selection.namespaces, families, dryRun: options.isDryRun)
                    }
                    let start = options.isDryRun ? "{\"dry_run\":true,\"deleted\":" : "{\"deleted\":"
                    let body = Array("\(start)\(count),\"seq\":\(sequence.rawValue)}\n".utf8)
                    return options.acknowledge(.json(200, body, sequence: sequence), stored, plane)
                }
            })
    }

    // MARK: One of them

    private func get(_ call: Call) throws(Problem) -> HTTPPlan {
        let (namespace, isDurable) = try call.reading()
        let address = try call.peerAddress()
        let found = try Problem.of { () throws(FIBError) in try plane.peer(address, in: namespace) }
        guard let peer = found.peer else {
            let missing = Problem(ControlPlane.peerNotFound(address, namespace)).response
            return .answer(plane.answer(missing, asOf: found.sequence, isDurable: isDurable))
        }
        var bytes: [UInt8] = []
        peer.appendRow(generation: found.generation, now: plane.now, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        let response = HTTPResponse.json(200, bytes, sequence: found.sequence).with(version: peer.version)
        return .answer(plane.answer(response, asOf: found.sequence, isDurable: isDurable))
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        let target = try FilterAnswers.Target(call)
        let address = try call.peerAddress()
        let condition = try call.request.deleteCondition()
        return .answer(
            .work {
                .of { () throws(Problem) in
                    let present = try Problem.of { () throws(FIBError) in
                        try plane.peer(address, in: target.namespace).peer
                    }
                    let (sequence, stored) = try Problem.of { () throws(FIBError) in
                        try plane.forgetPeer(
                            address, in: target.namespace, condition: condition, dryRun: target.options.isDryRun)
                    }
                    if target.options.isDryRun {
                        return .response(.dryRun(.deleted, asOf: sequence) { present?.appendEntry(to: &$0) })
                    }
                    return target.options.acknowledge(.empty(204, sequence: sequence), stored, plane)
                }
            })
    }

    // MARK: Rates

    private static let permitFields = JSONFields("message")

    /// Whether a message may be sent to the host now; it counts as sent if so.
    private func permit(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespace = try query.namespace() ?? ControlPlane.defaultNamespace
        try query.finish()
        let address = try call.peerAddress()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let message = try FilterAnswers.reading(body) { try Self.message(&$0) }
                    let result = try Problem.of { () throws(FIBError) in
                        try plane.mayTell(address, message, in: namespace)
                    }
                    let limits = result.peer.stored.peer.limits
                    let text =
                        "{\"address\":\"\(address)\",\"allowed\":\(result.isAllowed),\"message\":\"\(message.rawValue)\","
                        + "\"rate_tokens\":\(limits.tokens),\"redirects\":\(limits.redirects)}\n"
                    return .response(.json(200, Array(text.utf8), sequence: result.sequence))
                }
            }
        }
    }

    private static func message(_ reader: inout JSONReader) throws -> RateLimits.Message {
        var message: RateLimits.Message?
        try reader.readObject(permitFields) { reader, _ in
            message = try reader.readName("error, icmp or redirect") { RateLimits.Message(rawValue: $0) }
        }
        guard let message else { throw Problem.missing("message", "error, icmp or redirect") }
        return message
    }
}

/// Peers that are listed.
private struct PeerListRows: ListRows {
    private var walk: PeerWalk
    private let plane: ControlPlane
    private let now: UInt64
    /// Of the namespace and family of the latest.
    private var generation: (namespace: String, family: AddressFamily, value: UInt64)?
    private var last: PeerEntry?

    init(_ walk: PeerWalk, _ plane: ControlPlane) {
        self.walk = walk
        self.plane = plane
        now = plane.now
    }

    mutating func appendNext(to bytes: inout [UInt8]) -> Bool {
        guard let peer = walk.next() else { return false }
        last = peer
        let family = peer.address.family
        if generation?.namespace != peer.namespace || generation?.family != family {
            let value = try? plane.peer(peer.address, in: peer.namespace).generation
            generation = (peer.namespace, family, value ?? 0)
        }
        peer.appendRow(generation: generation?.value ?? 0, now: now, to: &bytes)
        return true
    }

    var cursor: String? { last.map { "\($0.namespace)/\($0.address)" } }
}

extension Call {
    fileprivate func peerAddress() throws(Problem) -> IPAddress {
        do throws(AddressError) {
            return try IPAddress(names[0])
        } catch {
            throw Problem(status: 400, reason: error.code.rawValue, detail: error.message)
        }
    }
}

extension Query {
    /// Where a page ended: a namespace and an address.
    fileprivate mutating func peerCursor() throws(Problem) -> (namespace: String, address: IPAddress)? {
        guard let text = try take("after") else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, ControlPlane.isValidNamespaceName(parts[0]), let address = try? IPAddress(parts[1]) {
            return (parts[0], address)
        }
        throw .badCursor(text)
    }
}
