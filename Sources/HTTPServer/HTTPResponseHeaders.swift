/// The header fields of a response in the order in which they were added.
///
/// Their names stand in the program, and so can no text from a client become one.
public struct HTTPResponseHeaders: Sendable {
    private(set) var fields: [(name: StaticString, value: HTTPFieldValue)] = []

    public init() {}

    /// A text that can't be sent is left out.
    public mutating func add(_ name: StaticString, _ value: HTTPFieldValue) {
        guard value.isSendable else { return }
        // Most headers are allocated once.
        if fields.isEmpty { fields.reserveCapacity(6) }
        fields.append((name, value))
    }

    /// Puts a field in the place of those of the same name.
    public mutating func set(_ name: StaticString, _ value: HTTPFieldValue) {
        fields.removeAll { HTTPHeaders.isSame($0.name.description, name.description) }
        add(name, value)
    }

    /// The value of the first field of that name, whose case doesn't matter.
    public func first(_ name: String) -> String? {
        fields.first { HTTPHeaders.isSame($0.name.description, name) }?.value.description
    }
}
