/// The members of an object, in whatever order they come: for rows of which there are few. What is written by the million has
/// templates.
public struct JSONMembers {
    private var members: [(name: String, text: [UInt8])] = []

    public init() {}

    public mutating func add(_ name: String, _ append: (inout [UInt8]) -> Void) {
        var text: [UInt8] = []
        append(&text)
        members.append((name, text))
    }
    public mutating func add(_ name: String, text value: String) { add(name) { $0.appendJSON(string: value) } }
    public mutating func add(_ name: String, number value: UInt64) { add(name) { $0.appendDecimal(value) } }
    public mutating func add(_ name: String, _ value: Bool) { add(name) { $0.appendASCII(value ? "true" : "false") } }

    /// As RFC 8785 has them: sorted, no white space.
    public func append(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in members.sorted(by: { $0.name < $1.name }).enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.appendJSON(string: member.name)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: member.text)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
