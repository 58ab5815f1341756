public import JSON
internal import Routing
public import TrafficControl

extension FlowValue {
    /// Whatever it is, but for null. Numbers are whole and not negative: no key of a packet is otherwise.
    public init(_ reader: inout JSONReader) throws {
        let start = reader.offset
        switch try reader.peek() {
        case .number: self = .number(try reader.readUInt())
        case .string: self = .text(try reader.readString())
        case .bool: self = .bool(try reader.readBool())
        case .object: self = .object(try FlowMembers(&reader))
        case .array:
            var elements: [FlowValue] = []
            try reader.readArray { reader, _ in elements.append(try FlowValue(&reader)) }
            self = .list(elements)
        case .null:
            throw JSONError(
                .type(expected: "a value"), offset: start, "expected a value, found null; leave out what isn't meant")
        }
    }
}

extension FlowMembers {
    public init(_ reader: inout JSONReader) throws {
        self.init()
        try reader.readObject { reader, name in try add(name, &reader) }
    }

    /// Reads the value of one more.
    public mutating func add(_ name: String, _ reader: inout JSONReader) throws {
        // Nothing that `tc` knows has nearly as many.
        guard count < 256 else { throw FIBError(.einval, .filterInvalid, "there are more than 256 members") }
        self[name] = try FlowValue(&reader)
    }
}
