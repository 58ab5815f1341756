internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

extension RouteHandlers {
    // MARK: One route

    func get(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let place = try place(call, &query)
        let hash = try query.take("h", "32 hexadecimal digits") { EntryHash(hexadecimal: $0) }
        let wantsAll = try query.flag("all")
        let isDurable = try query.flag("durable")
        try query.finish()
        let few: Found
        do throws(FIBError) {
            few = try plane.routes(place.namespace, place.table, place.prefix, limit: Self.inlineRoutes + 1)
        } catch {
            throw Problem(error)
        }
        if few.routes.count <= Self.inlineRoutes {
            return .answer(
                durably(isDurable, few.sequence) { () throws(Problem) in try answer(place, hash, wantsAll, few) })
        }
        return .answer(
            .work {
                let all = all(place)
                return durably(isDurable, all.sequence) { () throws(Problem) in try answer(place, hash, wantsAll, all) }
            })
    }

    /// That there is no such route is as much an answer as the route is.
    private func durably(
        _ isDurable: Bool, _ sequence: ChangeSequence, _ response: () throws(Problem) -> HTTPResponse
    ) -> HTTPAnswer {
        let answer = HTTPAnswer.of { () throws(Problem) in .response(try response()) }
        return isDurable ? plane.whenDurable(sequence, answer) : answer
    }

    /// Routes of a prefix that are still looked at on the thread that serves all connections, under their namespace's
    /// lock. More are read from a snapshot.
    private static let inlineRoutes = 64

    private typealias Found = (table: TableIdentity?, routes: [PlacedRoute], sequence: ChangeSequence)

    private func all(_ place: Place) -> Found {
        let snapshot = plane.snapshot()
        var selection = RouteSelection()
        selection.namespaces = [place.namespace]
        selection.tables = [place.table]
        selection.destination = place.prefix
        var walk = RouteWalk(snapshot, selection)
        var found: Found = (nil, [], snapshot.sequence)
        while let (table, route) = walk.next() {
            found.table = table
            found.routes.append(route)
        }
        return found
    }

    /// With the full key, or if there is only one: the route. Otherwise the list of those that agree.
    private func answer(
        _ place: Place, _ hash: EntryHash?, _ wantsAll: Bool, _ found: Found
    ) throws(Problem) -> HTTPResponse {
        let (table, all, sequence) = found
        let metric = place.metric.map { metric in
            // As a deletion takes it; see `RouteTable.meant`.
            let isDefault = place.prefix.family == .inet6 && metric == 0 && !all.contains { $0.key.metric == 0 }
            return isDefault ? Route.defaultIPv6Metric : metric
        }
        let routes =
            place.metric == nil && place.tos == nil && hash == nil
            ? all
            : all.filter { route in
                (metric.map { $0 == route.key.metric } ?? true)
                    && (place.tos.map { $0 == route.key.tos } ?? (place.metric == nil || route.key.tos == 0))
                    && (hash.map { $0 == route.value.hash } ?? true)
            }
        var body: [UInt8] = []
        if let table, let first = routes.first, !wantsAll, routes.count == 1 || place.metric != nil {
            memory.appendRow(table, first, to: &body)
            body.append(UInt8(ascii: "\n"))
            return .json(200, body, sequence: sequence).with(version: first.value.version)
                .with(durable: plane.log.durable, below: sequence)
        }
        guard !routes.isEmpty || wantsAll else {
            throw Problem(
                FIBError(
                    .esrch, .routeNotFound,
                    "there is no such route to \(place.prefix) in table \(place.table.name) of \(place.namespace)"))
        }
        body.append(UInt8(ascii: "["))
        for (index, route) in routes.enumerated() {
            guard let table else { preconditionFailure("routes without a table") }
            if index > 0 { body.append(UInt8(ascii: ",")) }
            RouteEntry.appendRow(table, route, plane.presentContext, to: &body)
        }
        body.appendASCII("]\n")
        return .json(200, body, sequence: sequence).with("Fibd-Count", .number(UInt64(routes.count)))
            .with(durable: plane.log.durable, below: sequence)
    }

    // MARK: Lists

    func list(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        var selection = try query.selection()
        try query.addListParts(to: &selection)
        selection.hardware = try query.hardware()
        let limit: Int? = try query.number("limit", in: 1...10_000)
        let after = try query.pageCursor()
        let isDurable = try query.flag("durable")
        try query.finish()
        try call.request.checkAcceptsList()
        let isNDJSON = call.request.acceptsNDJSON
        let wanted = selection
        return .answer(
            .work {
                let snapshot = plane.snapshot()
                let count = snapshot.summary(of: wanted).count
                var walk = RouteWalk(snapshot, wanted)
                if let after { walk.skip(to: after.namespace, after.family, after.table, behind: after.key) }
                let base = HTTPResponse.json(200, [], sequence: snapshot.sequence).with(
                    "Fibd-Count", .number(UInt64(count))
                )
                .with(durable: isDurable || isNDJSON ? .max : plane.log.durable, below: snapshot.sequence)
                let response =
                    limit.map { page(walk, snapshot.context, $0, isNDJSON, call.target, base) }
                    ?? RouteListing(walk, snapshot.context, isNDJSON).response(base)
                // A list as NDJSON is a replay of its own, and like one never ahead of the disk.
                guard isDurable || isNDJSON else { return .response(response) }
                return plane.whenDurable(snapshot.sequence, .response(response))
            })
    }

    private func page(
        _ walk: RouteWalk, _ context: RowContext, _ limit: Int, _ isNDJSON: Bool, _ target: HTTPTarget,
        _ base: HTTPResponse
    ) -> HTTPResponse {
        var walk = walk
        var rows: [(TableIdentity, PlacedRoute)] = []
        while rows.count < limit, let row = walk.next() { rows.append(row) }
        var bytes: [UInt8] = []
        for (index, row) in rows.enumerated() {
            if !isNDJSON { bytes.append(UInt8(ascii: index == 0 ? "[" : ",")) }
            RouteEntry.appendRow(row.0, row.1, context, to: &bytes)
            if isNDJSON { bytes.append(UInt8(ascii: "\n")) }
        }
        if !isNDJSON { bytes.appendASCII(rows.isEmpty ? "[]\n" : "]\n") }
        var response = base
        response.body = .bytes(bytes)
        if isNDJSON { response = response.withType("application/x-ndjson") }
        guard let last = rows.last, walk.next() != nil else { return response }
        return response.with(nextPageOf: "/v1/routes", target, after: PageCursor(last.0, last.1.key).text)
    }
}

extension HTTPResponse {
    func withType(_ type: HTTPFieldValue) -> HTTPResponse {
        var response = self
        response.headers.set("Content-Type", type)
        return response
    }
}

extension Query {
    fileprivate mutating func pageCursor() throws(Problem) -> PageCursor? {
        guard let text = try take("after") else { return nil }
        if let cursor = PageCursor(parsing: text) { return cursor }
        throw .badCursor(text)
    }

    /// `hw=pending|failed…` and `age=5s`: what hardware makes of a route, and for how long.
    fileprivate mutating func hardware() throws(Problem) -> HardwareSelection? {
        let states = try takeList("hw", "none, pending, offload, trap, offload+trap or failed") {
            HardwareState(name: $0)
        }
        let age = try take("age", "a time such as 500ms, 5s, 2m or 1h") { Self.milliseconds($0) }
        return states == nil && age == nil ? nil : HardwareSelection(states, age: age)
    }

    /// A whole number with a unit; without one, of seconds.
    private static func milliseconds(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: UInt64] = ["ms": 1, "s": 1_000, "": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        guard let number = UInt32(digits), let unit = units[text.dropFirst(digits.count)] else { return nil }
        return UInt64(number) * unit
    }

    /// The parts that only lists and flushes know.
    mutating func addListParts(to selection: inout RouteSelection) throws(Problem) {
        selection.destination = try prefix("dst", family: selection.onlyFamily)
        selection.covers = try prefix("covers", family: selection.onlyFamily)
        selection.types = try takeList("type", "a route type") { RouteType(name: $0) }
        selection.nextHopIDs = try takeList("nhid", "the id of a nexthop") { text in
            UInt32(text).flatMap { $0 != 0 && String($0) == text ? $0 : nil }
        }.map { Set($0) }
        selection.devices = try takeList("dev", "the name of a device") { Link.isName($0) ? $0 : nil }
    }
}

extension EntryHash {
    /// From 32 hexadecimal digits.
    init?(hexadecimal text: String) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16), text.first != "+", text.dropFirst(16).first != "+"
        else { return nil }
        self.init(high: high, low: low)
    }
}
