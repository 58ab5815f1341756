internal import ChangeLog
internal import ControlPlane
internal import HTTPServer

extension HTTPRequest {
    /// `If-Match: "<version>"` and `If-None-Match: *` (RFC 9110, section 13.1).
    func writeCondition() throws(Problem) -> WriteCondition {
        if headers.first("If-Match") == nil, headers.first("If-None-Match") == nil { return .none }
        let match = headers.all("If-Match")
        let noneMatch = headers.all("If-None-Match")
        if match.isEmpty, noneMatch == ["*"] { return .absent }
        if match.count == 1, noneMatch.isEmpty || noneMatch == ["*"], let version = Self.version(ofTag: match[0]) {
            if noneMatch.isEmpty { return .version(version) }
            throw Problem(
                status: 422, reason: "bad-condition",
                detail: "nothing can be at version \(version.rawValue) and not be there: give one condition")
        }
        throw Problem(
            status: 400, reason: "bad-condition",
            detail: "of the conditions, If-Match: \"<version>\" and If-None-Match: * are understood, each once")
    }

    /// The version that a deletion asks for. That there be nothing to delete is no condition for one.
    func deleteCondition() throws(Problem) -> WriteCondition {
        let condition = try writeCondition()
        guard condition == .absent else { return condition }
        throw Problem(
            status: 400, reason: "bad-condition", detail: "If-None-Match: * can't be met by a DELETE; use If-Match")
    }

    /// For requests about many objects, of which a condition would not say which one it means.
    func refuseCondition() throws(Problem) {
        guard try writeCondition() == .none else { throw .conditionOnMany }
    }

    /// A version as an entity tag, or without its quotes, which shells like to eat. No sign and no leading zeros.
    static func version(ofTag tag: String) -> ChangeSequence? {
        let isQuoted = tag.count > 2 && tag.first == "\"" && tag.last == "\""
        let text = isQuoted ? String(tag.dropFirst().dropLast()) : tag
        guard let number = UInt64(text), String(number) == text else { return nil }
        return ChangeSequence(rawValue: number)
    }

    /// Whether the body is one JSON text or a line for each.
    enum BodyKind { case json, ndjson }

    /// Refuses bodies of other types: what `curl -d` and forms of web pages send by themselves is not JSON.
    func bodyKind(allowsNDJSON: Bool = false) throws(Problem) -> BodyKind {
        let type = headers.only("Content-Type").flatMap(Self.mediaType)
        if type == "application/json" { return .json }
        if type == "application/x-ndjson", allowsNDJSON { return .ndjson }
        throw Problem(
            status: 415, reason: "unsupported-media-type",
            detail: "the body must be application/json" + (allowsNDJSON ? " or application/x-ndjson" : "")
                + "; use curl --json")
    }

    /// Without parameters, in lower case; nil if the parameters ask for another character set than UTF-8.
    private static func mediaType(_ field: String) -> String? {
        // What nearly all clients send, and need not be taken apart.
        if field == "application/json" || field == "application/x-ndjson" { return field }
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

    /// Whether the client asks for gzip by its name, which `*` doesn't.
    var acceptsGzip: Bool { !Set(wanted(by: "Accept-Encoding")).isDisjoint(with: ["gzip", "x-gzip"]) }

    /// The media types of `Accept`.
    var accepted: [String] { wanted(by: "Accept") }

    /// The elements of a field (RFC 9110, section 12.4), without their parameters, those with a weight of 0 left out.
    private func wanted(by field: String) -> [String] {
        headers.all(field).flatMap { $0.split(separator: ",") }.compactMap { element in
            let parts = element.lowercased().filter { $0 != " " }.split(separator: ";")
            let isRefused = parts.dropFirst().contains { parameter in
                parameter.hasPrefix("q=0") && parameter.dropFirst(3).allSatisfy { $0 == "0" || $0 == "." }
            }
            return isRefused ? nil : parts.first.map(String.init)
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

extension Problem {
    static let conditionOnMany = Problem(
        status: 422, reason: "bad-condition",
        detail: "If-Match and If-None-Match are for one object; in a transaction, an operation has if_match")
}
