internal import ControlPlane
internal import HTTPServer
internal import JSON

/// A registration, or changes to one, as a client wrote it; nil where it said nothing.
struct ListenerInput: Sendable {
    private(set) var name: String?
    private(set) var role: ListenerSettings.Role?
    private(set) var filter: EventFilter?
    private(set) var onOverflow: ListenerSettings.Overflow?
    /// The inner nil: none, by the word `null`.
    private(set) var lease: Int??
    /// Whether the filter names a view.
    private var hasView = false

    private static let fields = JSONFields("name", "role", "filter", "on_overflow", "lease")
    private static let filterFields = JSONFields(
        "kinds", "namespace", "family", "table", "within", "protocol", "view", "hw_flags")
    static let longestLease = 86_400

    init(_ body: [UInt8]) throws(Problem) {
        do {
            var reader = JSONReader(body.span)
            try reader.read { reader in
                try reader.readObject(Self.fields) { reader, index in
                    switch Self.fields.names[index] {
                    case "name": name = try reader.readString()
                    case "role": role = try Self.word(&reader, "observer or driver")
                    case "filter": filter = try readFilter(&reader)
                    case "on_overflow": onOverflow = try Self.word(&reader, "reset or close")
                    default:
                        lease =
                            try reader.readNull()
                            ? .some(nil) : Int(try reader.readInt(in: 1...Int64(Self.longestLease)))
                    }
                }
            }
        } catch {
            throw Problem(input: error)
        }
    }

    /// What a new listener is registered for.
    func settings() throws(Problem) -> ListenerSettings {
        guard let name else { throw Self.invalid("/name", "a listener needs a name") }
        let role = role ?? .observer
        var filter = filter ?? EventFilter()
        // What a device programs.
        if role == .driver, !hasView { filter.view = .best }
        return ListenerSettings(
            name: name, role: role, filter: filter, onOverflow: onOverflow ?? .reset,
            leaseSeconds: lease ?? (role == .driver ? 60 : nil))
    }

    /// A JSON merge patch (RFC 7396), but for what a listener is for good.
    func check(against present: ListenerSettings) throws(Problem) {
        if let name, name != present.name {
            throw Self.invalid("/name", "the name can't be changed; register another listener")
        }
        if let role, role != present.role {
            throw Self.invalid("/role", "the role can't be changed; register another listener")
        }
    }

    func apply(to settings: inout ListenerSettings) {
        if var filter {
            if settings.role == .driver, !hasView { filter.view = .best }
            settings.filter = filter
        }
        if let onOverflow { settings.onOverflow = onOverflow }
        if let lease { settings.leaseSeconds = lease }
    }

    // MARK: Reading

    /// The keys of a stream's query, with lists as arrays.
    private mutating func readFilter(_ reader: inout JSONReader) throws -> EventFilter {
        var items: [(name: String, value: String)] = []
        try reader.readObject(Self.filterFields) { reader, index in
            let name = Self.filterFields.names[index]
            if try reader.peek() == .array, !Self.singleFields.contains(name) {
                let count = items.count
                try reader.readArray { reader, _ in items.append((name, try Self.scalar(name, &reader))) }
                // As in a query: what came to nothing is not taken for a wish to be told everything.
                if items.count == count { throw Self.refusal("an empty list; leave it out to be told of all") }
            } else {
                items.append((name, try Self.scalar(name, &reader)))
            }
            if name == "view" { hasView = true }
        }
        var query = Query(items: items)
        do throws(Problem) {
            return try EventFilter(&query)
        } catch {
            throw error.withinBody
        }
    }

    private static let singleFields = ["view", "hw_flags"]
    private static let numberFields = ["family", "table", "protocol", "hw_flags"]

    private static func scalar(_ name: String, _ reader: inout JSONReader) throws -> String {
        if numberFields.contains(name), try reader.peek() == .number {
            return String(try reader.readUInt(max: UInt64(UInt32.max)))
        }
        let text = try reader.readString()
        // Lists are arrays here, and no name has one.
        if text.contains(",") { throw refusal("'\(text)' has a comma; lists are arrays") }
        return text
    }

    private static func refusal(_ detail: String) -> Problem {
        Problem(status: 422, reason: "bad-value", detail: detail)
    }

    private static func word<Word: RawRepresentable<String>>(
        _ reader: inout JSONReader, _ expected: String
    ) throws -> Word {
        let text = try reader.readString()
        guard let word = Word(rawValue: text) else {
            throw Problem(status: 422, reason: "bad-value", detail: "'\(text)' is not \(expected)")
        }
        return word
    }

    private static func invalid(_ pointer: String, _ detail: String) -> Problem {
        Problem(
            status: 422, reason: "bad-value", detail: "\(pointer): \(detail)",
            errors: [Problem.Item(pointer: pointer, detail: detail)])
    }
}
