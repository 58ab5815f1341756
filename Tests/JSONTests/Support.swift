import JSON
import Testing

/// Every shape that the tests read: known fields and any others, through all doors of the reader.
enum Document {
    /// Reads a text by skipping its one value. Nil if it is well-formed.
    static func error(
        _ text: [UInt8], maximumDepth: Int = 32, lineFeedEnds: Bool = false, acceptsNUL: Bool = true
    ) -> JSONLocatedError? {
        var reader = JSONReader(
            text.span, maximumDepth: maximumDepth, lineFeedEnds: lineFeedEnds, acceptsNUL: acceptsNUL)
        do {
            try reader.read { reader throws in try reader.skipValue() }
            return nil
        } catch {
            return error
        }
    }

    /// Reads a text by asking for each value as what it is. Nil if it is well-formed.
    static func errorOfReading(_ text: [UInt8]) -> JSONLocatedError? {
        var reader = JSONReader(text.span)
        do {
            try reader.read { reader throws in try readAny(&reader) }
            return nil
        } catch {
            return error
        }
    }

    static func readAny(_ reader: inout JSONReader) throws {
        switch try reader.peek() {
        case .object: try reader.readObject { (reader: inout JSONReader, _: String) in try readAny(&reader) }
        case .array: try reader.readArray { reader, _ in try readAny(&reader) }
        case .string:
            var copy = reader
            let string = try reader.readString()
            try copy.readText { #expect($0.count == string.utf8.count) }
        case .number: try reader.skipValue()
        case .bool: _ = try reader.readBool()
        case .null: #expect(try reader.readNull())
        }
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension JSONLocatedError {
    /// The kind of a `JSONError`, nil for a foreign error.
    var kind: JSONError.Kind? { (underlying as? JSONError)?.kind }
}
