import ChangeLog
import TestSupport
import Testing

extension TestResponse {
    func json() throws -> JSONValue { try JSONValue(text) }

    /// The lines of an NDJSON body.
    func lines() throws -> [JSONValue] { try text.split(separator: "\n").map { try JSONValue(String($0)) } }

    /// The body of an error, which must be problem+json and speak of the status it comes with.
    func problem(_ location: SourceLocation = #_sourceLocation) throws -> JSONValue {
        #expect(header("Content-Type") == "application/problem+json", sourceLocation: location)
        #expect(header("Cache-Control") == "no-store", sourceLocation: location)
        let problem = try json()
        #expect(problem["status"]?.number == UInt64(status), "\(text)", sourceLocation: location)
        for name in ["type", "title", "detail", "code", "reason"] {
            #expect(problem[name]?.string?.isEmpty == false, "\(name) in \(text)", sourceLocation: location)
        }
        return problem
    }

    /// Status, code and reason of an error.
    func refusal(_ location: SourceLocation = #_sourceLocation) throws -> String {
        let problem = try problem(location)
        return "\(status) \(problem["code"]?.string ?? "") \(problem["reason"]?.string ?? "")"
    }
}

extension EventFrame {
    func json() throws -> JSONValue { try JSONValue(data) }
}

/// What stands between `start` and `end`.
func text(of text: String, between start: String, and end: String) -> String? {
    guard let opening = text.firstRange(of: start) else { return nil }
    let rest = text[opening.upperBound...]
    return rest.firstRange(of: end).map { String(rest[..<$0.lowerBound]) }
}

extension String {
    /// With all hashes replaced by `H`, for comparison with an expected text. That they are right is tested elsewhere.
    var withoutHashes: String {
        let parts = replacing("\"was\":\"", with: "\"h\":\"was-").split(
            separator: "\"h\":\"", omittingEmptySubsequences: false)
        return parts.first.map { first in
            parts.dropFirst().reduce(String(first)) { result, part in
                let isOld = part.hasPrefix("was-")
                return result + (isOld ? "\"was\":\"H" : "\"h\":\"H") + part.dropFirst(isOld ? 36 : 32)
            }
        } ?? self
    }
}

/// The entries of the rules that a namespace begins with, in the order of lists.
func startingRules(of namespace: String) -> [String] {
    [
        ("inet", 0, "local"), ("inet", 32_766, "main"), ("inet", 32_767, "default"), ("inet6", 0, "local"),
        ("inet6", 32_766, "main"),
    ].map { family, priority, table in
        #"{"family":"\#(family)","namespace":"\#(namespace)","priority":\#(priority),"protocol":"kernel","src":"all","#
            + #""table":"\#(table)"}"#
    }
}

/// The hash of an entry by its canonical bytes, as 32 hexadecimal digits.
func entryHash(_ canonical: String) -> EntryHash { EntryHash(of: Array(canonical.utf8).span) }

func hexadecimal(_ high: UInt64, _ low: UInt64) -> String {
    [high, low].map { word in
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
}

extension EntryHash {
    var text: String { hexadecimal(high, low) }
}

extension StateDigest {
    var text: String { hexadecimal(high, low) }
}

extension RunningServer {
    /// Count and digest of everything, and the number as of which they hold: equal before and after if nothing changed.
    func state() throws -> JSONValue {
        let sync = try follow("?until=sync&replay=none").frames(through: "sync")
        return try #require(sync.last).json()
    }

    /// Count and digest alone.
    func digest() throws -> String {
        let state = try state()
        return "\(state["count"]?.number ?? 0) \(state["digest"]?.string ?? "")"
    }

    /// The request is refused with that status, code and reason, and changes nothing.
    func expectRefusal(
        _ method: String, _ target: String, _ body: String?, _ expected: String,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try digest()
        let response = try request(method, target, body)
        #expect(try response.refusal(location) == expected, "\(response.text)", sourceLocation: location)
        #expect(try digest() == before, sourceLocation: location)
    }
}
