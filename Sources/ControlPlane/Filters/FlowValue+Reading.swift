public import JSON
public import TrafficControl

extension FlowValue {
    /// Whatever it is, but for null. Numbers are whole and not negative: no key of a packet is otherwise.
    public init(_ reader: inout JSONReader) throws {
        let start = reader.offset
        switch try reader.peek() {
        case .number: self = .number(try reader.readUInt())
        case .string: self = .text(try reader.readString())
        case .bool: self = .bool(try reader.readBool())
        case .object: self = .object(try Self.members(&reader))
        case .array:
            var elements: [FlowValue] = []
            try reader.readArray { reader, _ in elements.append(try FlowValue(&reader)) }
            self = .list(elements)
        case .null:
            throw JSONError(
                .type(expected: "a value"), offset: start, "expected a value, found null; leave out what isn't meant")
        }
    }

    public static func members(_ reader: inout JSONReader) throws -> [String: FlowValue] {
        var members: [String: FlowValue] = [:]
        try reader.readObject { reader, name in members[name] = try FlowValue(&reader) }
        return members
    }
}
