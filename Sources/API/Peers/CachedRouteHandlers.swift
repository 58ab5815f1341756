internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import PathAttributes
internal import Routing

/// `/v1/cached-routes`: ways that a client has looked up and keeps, as a socket does. They learn of news when they are asked, and make
/// no events.
struct CachedRouteHandlers: Sendable {
    let plane: ControlPlane

    var endpoints: [Endpoint] {
        [
            Endpoint("/v1/cached-routes", "Ways that were looked up and are kept", [(.get, list), (.post, add)]),
            Endpoint(
                "/v1/cached-routes/{id}", "One of them: check it, let go of it", [(.get, check), (.delete, delete)]),
            Endpoint("/v1/cached-routes/{id}/advice", "What who sends by it has noticed", [(.post, advise)]),
        ]
    }

    // MARK: Making

    /// A body has the members that a lookup's query has.
    private func add(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespace = try query.namespace()
        try query.finish()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let (wanted, options) = try Self.query(body, namespace)
                    let result = try Problem.of { () throws(FIBError) in
                        try plane.cacheRoute(wanted, in: options.namespace)
                    }
                    return .response(
                        answer(201, result).with("Location", .text("/v1/cached-routes/\(result.id)")))
                }
            }
        }
    }

    private static func query(
        _ body: [UInt8], _ namespace: String?
    ) throws(Problem) -> (LookupQuery, LookupHandlers.Options) {
        var items: [(name: String, value: String)] = []
        try FilterAnswers.reading(body) { reader in
            try reader.readObject { reader, name in items.append((name, try reader.readText())) }
        }
        if let namespace {
            if let named = items.first(where: { $0.name == "namespace" }), named.value != namespace {
                throw .keyMismatch("namespace", named.value, namespace)
            }
            items.removeAll { $0.name == "namespace" }
            items.append(("namespace", namespace))
        }
        do throws(Problem) {
            var query = Query(items: items)
            let options = try LookupHandlers.Options(ofPackets: &query)
            guard let destination = try query.address("dst") else {
                throw Problem.missing("dst", "the address that packets go to")
            }
            try query.finish()
            return (try options.query(destination), options)
        } catch {
            throw error.withinBody
        }
    }

    // MARK: Those that there are

    private func check(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        let id = try call.cachedRouteID()
        return .answer(
            .work {
                .of { () throws(Problem) in
                    .response(answer(200, try Problem.of { () throws(FIBError) in try plane.checkCachedRoute(id) }))
                }
            })
    }

    private static let adviceFields = JSONFields("advice")

    private func advise(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        let id = try call.cachedRouteID()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let advice = try FilterAnswers.reading(body) { try Self.advice(&$0) }
                    return .response(
                        answer(200, try Problem.of { () throws(FIBError) in try plane.advise(advice, id) }))
                }
            }
        }
    }

    private static func advice(_ reader: inout JSONReader) throws -> CachedRoute.Advice {
        var advice: CachedRoute.Advice?
        try reader.readObject(adviceFields) { reader, _ in
            advice = try reader.readName("negative or link-failure") { CachedRoute.Advice(rawValue: $0) }
        }
        guard let advice else { throw Problem.missing("advice", "negative or link-failure") }
        return advice
    }

    private func delete(_ call: Call) throws(Problem) -> HTTPPlan {
        try Query(call.target).finish()
        let id = try call.cachedRouteID()
        try Problem.of { () throws(FIBError) in try plane.removeCachedRoute(id) }
        return .answer(.response(.empty(204, sequence: plane.log.head)))
    }

    /// As they were found the last time: no check is made.
    private func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespace = try query.namespace()
        let limit = try query.number("limit", in: 1...10_000)
        let after: UInt64? = try query.number("after", in: 0...UInt64(Int64.max))
        try query.finish()
        try call.request.checkAcceptsList()
        let list = StreamedList(path: "/v1/cached-routes", limit: limit, isNDJSON: call.request.acceptsNDJSON)
        return .answer(
            .work {
                let (head, all) = (plane.log.head, plane.cachedRoutes(in: namespace))
                let rows = CachedRouteRows(all.drop { $0.id <= after ?? 0 }, now: plane.now)
                let base = HTTPResponse.json(200, [], sequence: head).with("Fibd-Count", .number(UInt64(all.count)))
                return .response(list.response(rows, call.target, base))
            })
    }

    private func answer(_ status: Int, _ result: CachedRouteResult) -> HTTPResponse {
        var bytes: [UInt8] = []
        bytes.append(result, now: plane.now)
        bytes.append(UInt8(ascii: "\n"))
        return .json(status, bytes, sequence: result.sequence)
    }
}

extension JSONReader {
    /// A text, or a number as one.
    fileprivate mutating func readText() throws -> String {
        try peek() == .number ? "\(try readUInt())" : try readString()
    }
}

extension Call {
    fileprivate func cachedRouteID() throws(Problem) -> UInt64 { try number(0, "an id", in: 1...UInt64(Int64.max)) }
}
