internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing

/// An error as clients get it: `application/problem+json` (RFC 9457).
struct Problem: Error, Sendable {
    struct Item: Sendable {
        /// JSON Pointer into the body (RFC 6901), or the name of a query parameter behind a `?`.
        let pointer: String
        let detail: String
    }

    var status: Int
    /// The errno name that the kernel would give.
    var code: String
    /// Our stable name.
    var reason: String
    var detail: String
    var rule: String?
    var errors: [Item] = []
    /// The number of a change that was made all the same.
    var sequence: ChangeSequence?
    /// Of a write: what became of it, if that isn't said by the status.
    var outcome: String?
    var retryAfterSeconds: Int?
    /// Further header fields, such as `Allow`.
    var headers: [(StaticString, HTTPFieldValue)] = []

    init(
        status: Int, code: String = "EINVAL", reason: String, detail: String, rule: String? = nil,
        errors: [Item] = [], retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.reason = reason
        self.detail = detail
        self.rule = rule
        self.errors = errors
        self.retryAfterSeconds = retryAfterSeconds
    }

    func append(to bytes: inout [UInt8]) {
        func member(_ name: String, _ value: String) {
            bytes.appendASCII(",\"\(name)\":")
            bytes.appendJSON(string: value)
        }
        bytes.appendASCII("{\"type\":")
        bytes.appendJSON(string: "urn:fibd:problem:\(reason)")
        member("title", HTTPStatus.title(status))
        bytes.appendASCII(",\"status\":\(status)")
        member("detail", detail)
        member("code", code)
        member("reason", reason)
        if let rule { member("rule", rule) }
        if let outcome { member("outcome", outcome) }
        if let sequence { bytes.appendASCII(",\"seq\":\(sequence.rawValue)") }
        if !errors.isEmpty {
            bytes.appendASCII(",\"errors\":[")
            for (index, item) in errors.enumerated() {
                bytes.appendASCII(index > 0 ? ",{\"pointer\":" : "{\"pointer\":")
                bytes.appendJSON(string: item.pointer)
                member("detail", item.detail)
                bytes.append(UInt8(ascii: "}"))
            }
            bytes.append(UInt8(ascii: "]"))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    var response: HTTPResponse {
        var body: [UInt8] = []
        append(to: &body)
        body.append(UInt8(ascii: "\n"))
        var fields = HTTPResponseHeaders()
        fields.add("Content-Type", "application/problem+json")
        fields.add("Cache-Control", "no-store")
        if let retryAfterSeconds { fields.add("Retry-After", .number(UInt64(retryAfterSeconds))) }
        for (name, value) in headers { fields.add(name, value) }
        return HTTPResponse(status: status, headers: fields, body: .bytes(body))
    }
}

extension Problem {
    static let overflow = Problem(
        status: 503, code: "ENOBUFS", reason: "overflow",
        detail: "this stream was too slow for the retained log; connect again for a replay")

    static let draining = Problem(
        status: 503, code: "ESHUTDOWN", reason: "draining", detail: "the server is stopping; connect again later")

    static func storeFailed(_ why: String) -> Problem {
        Problem(
            status: 503, code: "EIO", reason: "store-failed",
            detail: "the store has failed, and the server stops: \(why)")
    }

    static func tooManyFilters(_ limit: Int) -> Problem {
        Problem(
            status: 503, code: "EBUSY", reason: "too-many-filters",
            detail: "streams with \(limit) different filters are open, which is the limit; use one of these filters",
            retryAfterSeconds: 10)
    }

    static func notFound(_ path: String) -> Problem {
        Problem(
            status: 404, code: "ENOENT", reason: "no-such-resource",
            detail: "there is nothing at \(path); GET /v1 lists the resources")
    }

    static func badParameter(_ name: String, _ detail: String) -> Problem {
        Problem(
            status: 400, reason: "bad-parameter", detail: "\(name): \(detail)",
            errors: [Item(pointer: "?\(name)", detail: detail)])
    }

    /// A refusal of the core, as HTTP says it: the one place where statuses are decided for it (appendix C of the rules).
    init(_ error: FIBError) {
        self.init(
            status: HTTPStatus.of(error), code: error.errno.rawValue, reason: error.reason.rawValue,
            detail: error.message, rule: error.rule)
        if status == 503 { retryAfterSeconds = 1 }
    }
}

enum HTTPStatus {
    static func of(_ error: FIBError) -> Int {
        // A condition of the request that doesn't hold is 412, whatever the kernel would call it (RFC 9110, 15.5.13).
        if error.reason == .versionMismatch { return 412 }
        // What a path names and isn't there, whatever the kernel calls it (RFC 9110, 15.5.5).
        if error.reason == .chainNotFound || error.reason == .blockNotFound { return 404 }
        // Within a transaction, to wait doesn't help.
        if error.reason == .nextHopBusy { return 409 }
        return switch error.errno {
        case .eexist, .estale: 409
        case .enoent, .esrch: 404
        case .einval, .eopnotsupp, .enodev, .enetunreach, .ehostunreach, .enetdown, .eacces: 422
        case .eperm: 423
        case .enobufs, .enospc: 507
        case .ebusy: 503
        }
    }

    static func title(_ status: Int) -> String { titles[status] ?? "Error" }

    private static let titles: [Int: String] = [
        400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
        408: "Request Timeout", 409: "Conflict", 412: "Precondition Failed", 413: "Content Too Large",
        415: "Unsupported Media Type", 421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked",
        429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
        501: "Not Implemented", 503: "Service Unavailable", 507: "Insufficient Storage",
    ]
}

extension Problem {
    /// What the core refuses, as a problem.
    static func of<Result>(_ body: () throws(FIBError) -> Result) throws(Problem) -> Result {
        do throws(FIBError) {
            return try body()
        } catch {
            throw Problem(error)
        }
    }
}
