internal import Bytes

/// An object that is written as its members come, which must be in the order of their names (RFC 8785): for answers of which there
/// are many. Names are of letters, digits and `_`.
public struct SortedMembers {
    private var last: StaticString?

    public init() {}

    /// The name; its value is for the caller to write.
    public mutating func add(_ name: StaticString, to bytes: inout [UInt8]) {
        assert(last.map { $0.description < name.description } ?? true, "\(name) after \(String(describing: last))")
        bytes.append(literal: last == nil ? "{\"" : ",\"")
        bytes.append(literal: name)
        bytes.append(literal: "\":")
        last = name
    }

    /// A value without characters that JSON escapes.
    public mutating func add(_ name: StaticString, plain value: String, to bytes: inout [UInt8]) {
        add(name, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func add(_ name: StaticString, text value: String, to bytes: inout [UInt8]) {
        add(name, to: &bytes)
        bytes.appendJSON(string: value)
    }

    public mutating func add(_ name: StaticString, number value: UInt64, to bytes: inout [UInt8]) {
        add(name, to: &bytes)
        bytes.appendDecimal(value)
    }

    public mutating func add(_ name: StaticString, _ value: Bool, to bytes: inout [UInt8]) {
        add(name, to: &bytes)
        bytes.append(literal: value ? "true" : "false")
    }

    public func end(_ bytes: inout [UInt8]) {
        if last == nil { bytes.append(UInt8(ascii: "{")) }
        bytes.append(UInt8(ascii: "}"))
    }
}
