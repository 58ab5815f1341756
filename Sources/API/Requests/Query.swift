internal import Addressing
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// The query of a request, read strictly: a handler takes what it knows, and what is left over is an error.
struct Query {
    private let items: [(name: String, value: String)]
    /// What was asked for. Empty if there are no items, none of which can be left over: most requests have no query, and
    /// reading that costs nothing.
    private var known: [String] = []

    init(_ target: HTTPTarget) { items = target.items }

    init(items: [(name: String, value: String)]) { self.items = items }

    /// The value of a parameter that may be given once.
    mutating func take(_ name: String) throws(Problem) -> String? {
        if items.isEmpty { return nil }
        let values = values(name)
        guard values.count <= 1 else { throw .badParameter(name, "given \(values.count) times; give it once") }
        return values.first
    }

    /// The values of a parameter that takes a list, by commas or by repetition; nil if it isn't given.
    mutating func takeList(_ name: String) throws(Problem) -> [String]? {
        if items.isEmpty { return nil }
        let values = values(name)
        if values.isEmpty { return nil }
        let list = values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        if list.contains("") { throw .badParameter(name, "an empty value") }
        return list
    }

    private mutating func values(_ name: String) -> [String] {
        known.append(name)
        var values: [String] = []
        for item in items where item.name == name { values.append(item.value) }
        return values
    }

    mutating func take<Value>(
        _ name: String, _ expected: @autoclosure () -> String, _ parse: (String) -> Value?
    ) throws(Problem) -> Value? {
        guard let text = try take(name) else { return nil }
        guard let value = parse(text) else { throw .badParameter(name, "'\(text)' is not \(expected())") }
        return value
    }

    mutating func takeList<Value: Hashable>(
        _ name: String, _ expected: String, _ parse: (String) -> Value?
    ) throws(Problem) -> [Value]? {
        guard let texts = try takeList(name) else { return nil }
        var values: [Value] = []
        for text in texts {
            guard let value = parse(text) else { throw .badParameter(name, "'\(text)' is not \(expected)") }
            if !values.contains(value) { values.append(value) }
        }
        return values
    }

    /// The one namespace that the request is about, or that rows are in which don't say.
    mutating func namespace() throws(Problem) -> String? {
        try take("namespace", "the name of a namespace") { ControlPlane.isValidNamespaceName($0) ? $0 : nil }
    }

    /// `1` or `0` (also `true` and `false`); false if it isn't given.
    mutating func flag(_ name: String) throws(Problem) -> Bool {
        try optionalFlag(name) ?? false
    }

    /// The same; nil if it isn't given.
    mutating func optionalFlag(_ name: String) throws(Problem) -> Bool? {
        try take(name, "0 or 1") { ["1": true, "true": true, "0": false, "false": false][$0] }
    }

    mutating func number<Number: FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Number>
    ) throws(Problem) -> Number? {
        try take(name, "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            guard let number = Number(text), String(number) == text, range.contains(number) else { return nil }
            return number
        }
    }

    /// Refuses what no one took.
    func finish() throws(Problem) {
        for item in items where !known.contains(item.name) {
            let known = Set(known).sorted().joined(separator: ", ")
            throw .badParameter(
                item.name, "unknown parameter" + (known.isEmpty ? "; none is known here" : "; known here: \(known)"))
        }
    }
}

extension Query {
    mutating func prefix(_ name: String, family: AddressFamily?) throws(Problem) -> Prefix? {
        guard let text = try take(name) else { return nil }
        return try Self.prefix(text, name, family: family)
    }

    mutating func prefixes(_ name: String, family: AddressFamily?) throws(Problem) -> [Prefix]? {
        guard let texts = try takeList(name) else { return nil }
        var prefixes: [Prefix] = []
        for text in texts { prefixes.append(try Self.prefix(text, name, family: family)) }
        return prefixes
    }

    private static func prefix(_ text: String, _ name: String, family: AddressFamily?) throws(Problem) -> Prefix {
        // IPv4 unless another family is asked for, as everywhere.
        if text == "default" { return .default(family ?? .inet) }
        do throws(AddressError) {
            return try Prefix(text)
        } catch {
            var problem = Problem.badParameter(name, error.message)
            // As in paths and bodies: what can be read, but is no prefix.
            if error.code == .prefixHasHostBits {
                problem.status = 422
                problem.reason = error.code.rawValue
                problem.rule = error.code.rule
            }
            throw problem
        }
    }

    /// The parts of a selection that listings, flushes and streams share.
    mutating func selection() throws(Problem) -> RouteSelection {
        var selection = RouteSelection()
        selection.namespaces = try takeList("namespace", "the name of a namespace") { name in
            ControlPlane.isValidNamespaceName(name) ? name : nil
        }?.sorted()
        selection.families = try takeList("family", "inet or inet6") { AddressFamily(name: $0) }?.sorted()
        selection.tables = try takeList("table", "the name or number of a table") { TableID(name: $0) }?.sorted()
        selection.within = try prefixes("within", family: selection.onlyFamily).map { RouteSelection.outermost($0) }
        selection.protocols = try takeList("protocol", "the name or number of a route protocol") {
            RouteProtocol(name: $0)
        }?.sorted { $0.rawValue < $1.rawValue }
        return selection
    }
}

extension RouteSelection {
    var onlyFamily: AddressFamily? { families?.count == 1 ? families?.first : nil }
}

extension Call {
    /// What the query of a `GET` of one object says, and nothing else.
    func reading() throws(Problem) -> (namespace: String, isDurable: Bool) {
        var query = Query(target)
        let namespace = try query.namespace() ?? ControlPlane.defaultNamespace
        let isDurable = try query.flag("durable")
        try query.finish()
        return (namespace, isDurable)
    }
}
