import JSON
import Testing

@testable import API

/// Reads bodies for tests of what they mean.
enum InputReading {
    static func read<Value>(_ text: String, _ body: (inout JSONReader) throws -> Value) throws -> Value {
        let bytes = Array(text.utf8)
        var reader = JSONReader(bytes.span)
        return try reader.read(body)
    }

    /// The reason, the rule and the place, as clients get them; empty if it is taken.
    static func refusal(_ text: String, _ body: (inout JSONReader) throws -> some Any) -> String {
        refusal(Array(text.utf8), body)
    }

    static func refusal(_ bytes: [UInt8], _ body: (inout JSONReader) throws -> some Any) -> String {
        var reader = JSONReader(bytes.span)
        do {
            _ = try reader.read(body)
            return ""
        } catch {
            let problem = Problem(input: error)
            return ([problem.reason, problem.rule].compactMap(\.self) + problem.errors.map(\.pointer)).joined(
                separator: " ")
        }
    }
}
