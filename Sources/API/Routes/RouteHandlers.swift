internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Hardware
internal import JSON
internal import Routing
internal import Threads

/// `/v1/routes` and what is below it.
struct RouteHandlers: Sendable {
    let plane: ControlPlane
    let board: SwitchBoard
    /// Threads that apply what imports have read.
    let committing: WorkerPool
    let warn: @Sendable (String) -> Void
    let memory: RouteMemory
    let hardware: HardwareAnswers

    init(
        plane: ControlPlane, board: SwitchBoard, committing: WorkerPool, hardware: HardwareAnswers,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.plane = plane
        self.board = board
        self.hardware = hardware
        self.committing = committing
        self.warn = warn
        memory = RouteMemory(plane)
    }

    /// Of one array or object. Larger tables go in as NDJSON, which is streamed.
    static let bodyLimit = 32 << 20
    /// What is still decided on the thread that serves all connections; anything larger goes to a worker.
    static let inlineBytes = 16 << 10
    static let arrayLimit = 100_000

    var endpoints: [Endpoint] {
        [
            Endpoint(
                "/v1/routes", "Routes: list, add, import, flush",
                [(.get, list), (.post, add), (.delete, flush)]),
            Endpoint("/v1/routes/default", "The default route", [(.get, get), (.put, put), (.delete, delete)]),
            Endpoint("/v1/routes/{address}/{length}", "One route", [(.get, get), (.put, put), (.delete, delete)]),
            Endpoint(
                "/v1/routes/{address}/{length}/hardware/retry", "Have devices program a route once more",
                [(.post, retry)]),
        ]
    }

    // MARK: Which route a path names

    /// The route, or routes, that the path and query name.
    struct Place: Sendable {
        let prefix: Prefix
        var namespace: String
        var table: TableID
        var metric: UInt32?
        var tos: UInt8?
    }

    func place(_ call: Call, _ query: inout Query) throws(Problem) -> Place {
        let family = try query.take("family", "inet or inet6") { AddressFamily(name: $0) }
        let prefix =
            call.names.isEmpty
            ? .default(family ?? .inet) : try Self.prefix(call.names[0] + "/" + call.names[1], family)
        return Place(
            prefix: prefix,
            namespace: try query.namespace() ?? ControlPlane.defaultNamespace,
            table: try query.take("table", "the name or number of a table") { TableID(name: $0) } ?? .main,
            metric: try query.number("metric", in: 0...UInt32.max),
            tos: try query.take("tos", "a tos") { tosValue($0) })
    }

    private static func prefix(_ text: String, _ family: AddressFamily?) throws(Problem) -> Prefix {
        let prefix: Prefix
        do throws(AddressError) {
            prefix = try Prefix(text)
        } catch {
            throw Problem(
                status: error.code == .badAddress ? 400 : 422, reason: error.code.rawValue, detail: error.message,
                rule: error.code.rule)
        }
        guard family.map({ $0 == prefix.family }) ?? true else {
            throw Problem(
                FIBError(.einval, .familyMismatch, "\(prefix) is not of the family that the query names"))
        }
        return prefix
    }

    // MARK: Answers

    /// Where the route can be found again: its full key.
    static func location(_ table: TableIdentity, _ key: RouteKey) -> String {
        let prefix = key.prefix(table.family)
        var text = "/v1/routes/\(prefix.address)/\(prefix.length)?"
        if table.namespace != ControlPlane.defaultNamespace { text += "namespace=\(table.namespace)&" }
        text += "table=\(table.id.name)&metric=\(key.metric)"
        if key.tos != 0 { text += "&tos=\(key.tos)" }
        return text
    }

    func answer(_ result: WriteResult) -> HTTPResponse {
        if result.outcome == .deleted { return .empty(204, sequence: result.sequence) }
        var body: [UInt8] = []
        memory.appendRow(result.table, (result.key, result.stored), to: &body)
        body.append(UInt8(ascii: "\n"))
        let response = HTTPResponse.json(result.outcome == .created ? 201 : 200, body, sequence: result.sequence)
            .with(version: result.stored.version)
        return result.outcome == .created
            ? response.with("Location", .text(Self.location(result.table, result.key))) : response
    }

    static func dryRunAnswer(_ result: WriteResult, asOf head: ChangeSequence) -> HTTPResponse {
        .dryRun(result.outcome, asOf: head) { body in
            RouteEntry.append(result.table, result.key, result.stored.info, to: &body)
        }
    }
}
