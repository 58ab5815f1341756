import ServiceSupport
import Testing

/// A case of the kernel's tc-testing (tools/testing/selftests/tc-testing/tc-tests), asked of the interface: what `tc` does there is a
/// request here, its exit code a status with the errno as `code`, and a pattern of what it prints, parts of rows that are shown.
struct TdcCase: Sendable, CustomTestStringConvertible {
    /// The one of tc-testing.
    let id: String
    /// What it is about, in our words.
    let name: String
    let setUp: [TdcRequest]
    let request: TdcRequest
    /// The status, and of a refusal the code as well.
    let expected: String
    let shown: [TdcRows]

    init(
        _ id: String, _ name: String, after setUp: [TdcRequest] = [], _ request: TdcRequest, _ expected: String,
        _ shown: TdcRows...
    ) {
        (self.id, self.name, self.setUp, self.request, self.expected) = (id, name, setUp, request, expected)
        self.shown = shown
    }

    var testDescription: String { "\(id): \(name)" }

    /// - Parameter first: what has to be there for all cases of a file.
    func run(after first: [TdcRequest]) {
        let service = LocalService()
        for request in first + setUp {
            let reply = request.call(service)
            #expect((200...204).contains(reply.status), "\(request): \(reply.status) \(reply.body)")
        }
        let reply = request.call(service)
        #expect(reply.outcome == expected, "\(request): \(reply.status) \(reply.body)")
        for rows in shown {
            let all = service.call("GET", rows.path, "", ("Accept", rows.type))
            let lines = all.status == 200 ? all.body.split(separator: "\n") : []
            let count = lines.count { line in rows.parts.allSatisfy { line.contains($0) } }
            #expect(count == rows.count, "\(rows.parts) in \(all.body)")
        }
    }
}

struct TdcRequest: Sendable, CustomStringConvertible {
    let method: String
    let target: String
    var body = ""
    var type = "application/json"

    static func get(_ target: String) -> TdcRequest { TdcRequest(method: "GET", target: target) }
    static func put(_ target: String, _ body: String) -> TdcRequest {
        TdcRequest(method: "PUT", target: target, body: body)
    }
    static func post(_ target: String, _ body: String) -> TdcRequest {
        TdcRequest(method: "POST", target: target, body: body)
    }
    static func delete(_ target: String) -> TdcRequest { TdcRequest(method: "DELETE", target: target) }

    /// What is one message of several actions to the kernel is a transaction here.
    static func transaction(_ operation: String, _ values: [String], kind: String = "action") -> TdcRequest {
        let steps = values.map { #"{"op":"\#(operation)","kind":"\#(kind)","value":\#($0)}"# }
        return post("/v1/transactions", #"{"operations":[\#(steps.joined(separator: ","))]}"#)
    }

    /// One object a line.
    static func lines(_ target: String, _ objects: [String]) -> TdcRequest {
        let body = objects.map { "\($0)\n" }.joined()
        return TdcRequest(method: "POST", target: target, body: body, type: "application/x-ndjson")
    }

    static func link(_ name: String) -> TdcRequest { put("/v1/links/\(name)", #"{"operstate":"UP"}"#) }

    static func qdisc(_ kind: String, on device: String) -> TdcRequest {
        post("/v1/links/\(device)/qdiscs", #"{"kind":"\#(kind)"}"#)
    }

    func call(_ service: LocalService) -> LocalService.Reply {
        service.call(method, target, body, ("Content-Type", type))
    }

    var description: String { "\(method) \(target) \(body.prefix(500))" }
}

/// How many rows that `GET path` shows have all these parts.
struct TdcRows: Sendable {
    let path: String
    let count: Int
    let parts: [String]
    /// Lists as one row a line; a single object is a row by itself.
    let type: String

    /// Of a list.
    init(_ count: Int, of path: String, _ parts: String...) {
        (self.path, self.count, self.parts, type) = (path, count, parts, "application/x-ndjson")
    }

    /// Whether the object at that path is there, and has all these parts.
    init(_ isThere: Bool, at path: String, _ parts: String...) {
        (self.path, count, self.parts, type) = (path, isThere ? 1 : 0, parts, "application/json")
    }
}

extension LocalService.Reply {
    /// The status; of a problem with its code.
    var outcome: String {
        guard status >= 400, let name = body.firstRange(of: #""code":""#) else { return "\(status)" }
        return "\(status) \(body[name.upperBound...].prefix { $0 != "\"" })"
    }
}
