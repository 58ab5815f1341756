internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import Threads
internal import TrafficControl

/// A list of chains, filters or actions: what a request wants of them.
struct TrafficList: Sendable {
    private let namespace: String
    /// All but the block, whose name may be that of a link which shares one.
    private var selection: TrafficSelection
    /// Of chains and filters.
    private let place: BlockIdentity.Place?
    private let path: String
    private let limit: Int?
    private let after: TrafficCursor?
    private let isDurable: Bool
    /// Of filters.
    private var isTerse = false

    init(_ call: Call, _ query: inout Query, _ kind: ObjectKind) throws(Problem) {
        selection = TrafficSelection([kind])
        path = call.request.path
        namespace = try query.namespace() ?? ControlPlane.defaultNamespace
        place = kind == .action ? nil : try call.block()
        if kind == .action, !call.names.isEmpty { selection.actionKind = try call.actionKind() }
        if kind == .filter {
            selection.chain = try query.number("chain", in: 0...UInt32.max)
            selection.priority = try query.number("pref", in: 1...65_535)
            selection.protocol = try query.take("protocol", "the type of a frame") { EtherType(name: $0) }
            selection.classifier = try query.take("kind")
            isTerse = try query.flag("terse")
        }
        limit = try query.number("limit", in: 1...10_000)
        after = try query.trafficCursor()
        isDurable = try query.flag("durable")
        try query.finish()
    }

    func plan(_ call: Call, _ plane: ControlPlane) throws(Problem) -> HTTPPlan {
        try call.request.checkAcceptsList()
        let isNDJSON = call.request.acceptsNDJSON
        return .answer(
            .work { .of { () throws(Problem) in try answer(plane, isNDJSON, call.target) } })
    }

    private func answer(_ plane: ControlPlane, _ isNDJSON: Bool, _ target: HTTPTarget) throws(Problem) -> HTTPAnswer {
        var selection = selection
        selection.place = try Problem.of { () throws(FIBError) in try place(on: plane) }
        let snapshot = plane.snapshot()
        let rows = TrafficWalk(snapshot, selection) { $0 == namespace }
        let base = HTTPResponse.json(200, [], sequence: snapshot.sequence)
            .with("Fibd-Count", .number(UInt64(rows.count)))
            .with(durable: isDurable || isNDJSON ? .max : plane.log.durable, below: snapshot.sequence)
        let response = response(rows, plane, isNDJSON, target, base)
        // A list as NDJSON is a replay of its own, and like one never ahead of the disk.
        guard isDurable || isNDJSON else { return .response(response) }
        return plane.whenDurable(snapshot.sequence, .response(response))
    }

    /// The block whose chains and filters it is about.
    private func place(on plane: ControlPlane) throws(FIBError) -> BlockIdentity.Place? {
        guard let place else {
            _ = try plane.object(.namespace, in: namespace)
            return nil
        }
        return try plane.block(place, in: namespace)
    }

    private func response(
        _ rows: TrafficWalk, _ plane: ControlPlane, _ isNDJSON: Bool, _ target: HTTPTarget, _ base: HTTPResponse
    ) -> HTTPResponse {
        var rows = rows
        if let after { rows.skip(behind: after.key) }
        var written = plane.trafficRows(of: namespace)
        written.isTerse = isTerse
        return StreamedList(path: path, limit: limit, isNDJSON: isNDJSON)
            .response(TrafficListRows(rows, written), target, base)
    }
}

/// Those that are listed, with how they are written.
private struct TrafficListRows: ListRows {
    private var rows: TrafficWalk
    private let written: TrafficRows
    private var last: TrafficKey?

    init(_ rows: TrafficWalk, _ written: TrafficRows) {
        self.rows = rows
        self.written = written
    }

    mutating func appendNext(to bytes: inout [UInt8]) -> Bool {
        guard let object = rows.next() else { return false }
        last = TrafficKey(object, chain: rows.chain)
        written.append(object, to: &bytes)
        return true
    }

    var cursor: String? { last.map { TrafficCursor($0).text } }
}

/// Where a page ends: the place of its last row, which need not be there any more when the next page is asked for.
struct TrafficCursor {
    let key: TrafficKey

    init(_ key: TrafficKey) { self.key = key }

    var text: String {
        "\(key.namespace)/\(key.block?.description ?? "")/\(key.chain)/\(key.priority)/\(key.handle)"
    }

    init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, ControlPlane.isValidNamespaceName(parts[0]), let chain = UInt64(parts[2]),
            let priority = UInt16(parts[3]), let handle = UInt32(parts[4])
        else { return nil }
        let block = BlockName(text: parts[1])
        guard parts[1].isEmpty || block != nil else { return nil }
        key = TrafficKey(parts[0], block?.place, chain: chain, priority: priority, handle: handle)
    }
}

extension Query {
    fileprivate mutating func trafficCursor() throws(Problem) -> TrafficCursor? {
        guard let text = try take("after") else { return nil }
        if let cursor = TrafficCursor(parsing: text) { return cursor }
        throw .badCursor(text)
    }
}
