internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON

extension HTTPResponse {
    static func json(_ status: Int, _ body: [UInt8], sequence: ChangeSequence? = nil) -> HTTPResponse {
        var fields = HTTPResponseHeaders()
        fields.add("Content-Type", "application/json")
        fields.add("Cache-Control", "no-store")
        if let sequence { fields.add("Fibd-Seq", .number(sequence.rawValue)) }
        return HTTPResponse(status: status, headers: fields, body: .bytes(body))
    }

    /// What a write to one object would have come to; `appendEntry` writes what would be there, or would be gone.
    static func dryRun(
        _ outcome: WriteResult.Outcome, asOf head: ChangeSequence, _ appendEntry: (inout [UInt8]) -> Void
    ) -> HTTPResponse {
        var body: [UInt8] = []
        body.appendASCII("{\"dry_run\":true,\"outcome\":\"\(outcome)\",\"entry\":")
        appendEntry(&body)
        body.appendASCII("}\n")
        return .json(200, body, sequence: head)
    }

    static func empty(_ status: Int, sequence: ChangeSequence? = nil) -> HTTPResponse {
        var fields = HTTPResponseHeaders()
        fields.add("Cache-Control", "no-store")
        if let sequence { fields.add("Fibd-Seq", .number(sequence.rawValue)) }
        return HTTPResponse(status: status, headers: fields)
    }

    static func text(_ status: Int, _ text: String, type: HTTPFieldValue = "text/plain; charset=utf-8") -> HTTPResponse
    {
        var fields = HTTPResponseHeaders()
        fields.add("Content-Type", type)
        fields.add("Cache-Control", "no-store")
        return HTTPResponse(status: status, headers: fields, body: .bytes(Array(text.utf8)))
    }

    /// Consuming, so that a chain of these adds to one header instead of copying it each time.
    consuming func with(_ name: StaticString, _ value: HTTPFieldValue) -> HTTPResponse {
        var response = self
        response.headers.add(name, value)
        return response
    }

    /// Where the next page is: the same request with another `after`.
    consuming func with(nextPageOf path: String, _ target: HTTPTarget, after cursor: String) -> HTTPResponse {
        let items = target.items.filter { $0.name != "after" } + [("after", cursor)]
        let query = items.map { "\($0.name)=\(HTTPTarget.encoded($0.value))" }.joined(separator: "&")
        return with("Link", .text("<\(path)?\(query)>; rel=\"next\""))
    }

    /// The version of the one object that the answer is about (RFC 9110, section 8.8.3).
    consuming func with(version: ChangeSequence) -> HTTPResponse {
        with("ETag", .tag(version.rawValue))
    }
}

/// What many writes came to.
struct Tally {
    struct Rejection {
        let line: Int
        let problem: Problem
    }
    /// Rejections that are told one by one; of more, only the number.
    static let toldRejections = 100

    var accepted = 0
    var created = 0
    var replaced = 0
    var deleted = 0
    var unchanged = 0
    var rejectedCount = 0
    var rejected: [Rejection] = []
    /// Number of the last change; if there was none, the head.
    var sequence = ChangeSequence.zero

    mutating func reject(line: Int, _ problem: Problem) {
        rejectedCount += 1
        if rejected.count < Self.toldRejections { rejected.append(Rejection(line: line, problem: problem)) }
    }

    func json(isDryRun: Bool = false, transaction: ChangeSequence? = nil, hardware: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendASCII(isDryRun ? "{\"dry_run\":true,\"accepted\":" : "{\"accepted\":")
        bytes.appendDecimal(accepted)
        for (name, number) in [
            ("created", created), ("replaced", replaced), ("deleted", deleted), ("unchanged", unchanged),
        ] {
            bytes.appendASCII(",\"\(name)\":")
            bytes.appendDecimal(number)
        }
        bytes.appendASCII(",\"rejected_count\":")
        bytes.appendDecimal(rejectedCount)
        bytes.appendASCII(",\"rejected\":")
        bytes.append(rejected)
        bytes.append(contentsOf: hardware)
        if let transaction { bytes.appendASCII(",\"tx\":\(transaction.rawValue)") }
        bytes.appendASCII(",\"seq\":\(sequence.rawValue)}\n")
        return bytes
    }
}

extension [UInt8] {
    mutating func append(_ rejections: [Tally.Rejection]) {
        append(UInt8(ascii: "["))
        for (index, rejection) in rejections.enumerated() {
            appendASCII(index > 0 ? ",{\"line\":" : "{\"line\":")
            appendDecimal(rejection.line)
            for (name, value) in [
                ("code", rejection.problem.code), ("reason", rejection.problem.reason),
                ("detail", rejection.problem.detail),
            ] {
                appendASCII(",\"\(name)\":")
                appendJSON(string: value)
            }
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "]"))
    }
}
