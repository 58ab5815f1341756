internal import ChangeLog
internal import ControlPlane
internal import HTTPServer

extension HTTPRequest {
    /// `If-Match: "<version>"` and `If-None-Match: *` (RFC 9110, section 13.1).
    func writeCondition() throws(Problem) -> WriteCondition {
        let match = headers.first("If-Match")
        let noneMatch = headers.first("If-None-Match")
        switch (match, noneMatch) {
        case (nil, nil): return .none
        case (nil, "*"?): return .absent
        case (let tag?, nil):
            guard let version = Self.version(ofTag: tag) else { break }
            return .version(version)
        default: break
        }
        throw Problem(
            status: 400, reason: "bad-condition",
            detail: "of the conditions, If-Match: \"<version>\" and If-None-Match: * are understood, one at a time")
    }

    static func version(ofTag tag: String) -> ChangeSequence? {
        guard tag.count > 2, tag.first == "\"", tag.last == "\"", let number = UInt64(tag.dropFirst().dropLast()) else {
            return nil
        }
        return ChangeSequence(rawValue: number)
    }

    /// Whether the body is one JSON text or a line for each.
    enum BodyKind { case json, ndjson }

    /// Refuses bodies of other types: what `curl -d` and forms of web pages send by themselves is not JSON.
    func bodyKind(allowsNDJSON: Bool = false) throws(Problem) -> BodyKind {
        let fields = headers.all("Content-Type")
        let type = fields.count == 1 ? Self.mediaType(fields[0]) : nil
        if type == "application/json" { return .json }
        if type == "application/x-ndjson", allowsNDJSON { return .ndjson }
        throw Problem(
            status: 415, reason: "unsupported-media-type",
            detail: "the body must be application/json" + (allowsNDJSON ? " or application/x-ndjson" : "")
                + "; use curl --json")
    }

    /// Without parameters, in lower case; nil if the parameters ask for another character set than UTF-8.
    private static func mediaType(_ field: String) -> String? {
        let parts = field.split(separator: ";", omittingEmptySubsequences: false).map {
            $0.lowercased().filter { $0 != " " }
        }
        for parameter in parts.dropFirst() where parameter.hasPrefix("charset=") {
            guard parameter == "charset=utf-8" || parameter == "charset=\"utf-8\"" else { return nil }
        }
        return parts.first
    }

    /// Whether the client prefers a line for each object over an array.
    var acceptsNDJSON: Bool { accepted.contains("application/x-ndjson") }

    /// The media types of `Accept`, without their parameters, those with `q=0` left out.
    var accepted: [String] {
        headers.all("Accept").flatMap { $0.split(separator: ",") }.compactMap { range in
            let parts = range.lowercased().filter { $0 != " " }.split(separator: ";")
            if parts.dropFirst().contains(where: { $0 == "q=0" || $0.hasPrefix("q=0.0") }) { return nil }
            return parts.first.map(String.init)
        }
    }

    func checkAcceptsList() throws(Problem) {
        guard accepts("application/json", "application/x-ndjson") else {
            throw Problem(
                status: 406, reason: "not-acceptable",
                detail: "a list can be had as application/json or application/x-ndjson")
        }
    }

    /// Whether one of the types may be sent.
    func accepts(_ types: String...) -> Bool {
        let accepted = self.accepted
        return accepted.isEmpty
            || types.contains { type in
                accepted.contains { $0 == type || $0 == "*/*" || $0 == "\(type.prefix { $0 != "/" })/*" }
            }
    }
}
