internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Routing

/// What holds for rules that don't say.
struct RuleDefaults: Sendable {
    let namespace: String?
    let family: AddressFamily?

    func operation(
        _ verb: RouteVerb, _ input: RuleInput, _ condition: WriteCondition
    ) throws(FIBError) -> ObjectOperation {
        var fields = input.fields
        fields.family = fields.family ?? family
        return ObjectOperation(
            input.namespace ?? namespace ?? ControlPlane.defaultNamespace, .writeRule(verb, fields),
            condition: condition)
    }
}

extension RuleHandlers {
    /// Which rule a path and a query name.
    struct Place: Sendable {
        let namespace: String
        let selector: RuleSelector

        /// With all that a query may say of a rule.
        init(_ call: Call, _ query: inout Query) throws(Problem) {
            namespace = try query.namespace() ?? ControlPlane.defaultNamespace
            var selector = RuleSelector(try query.ruleFields(but: "priority"))
            selector.fields.priority = try Self.priority(call)
            selector.fields.family = selector.fields.resolvedFamily
            selector.hash = try query.take("h", "32 hexadecimal digits") { EntryHash(hexadecimal: $0) }
            self.selector = selector
        }

        /// With what a place to write to needs.
        init(priorityOf call: Call, _ query: inout Query) throws(Problem) {
            namespace = try query.namespace() ?? ControlPlane.defaultNamespace
            var fields = RuleFields()
            fields.priority = try Self.priority(call)
            fields.family = try query.take("family", "inet or inet6") { AddressFamily(name: $0) }
            selector = RuleSelector(fields)
        }

        private static func priority(_ call: Call) throws(Problem) -> UInt32 {
            let text = call.names[0]
            guard let priority = UInt32(text), String(priority) == text else {
                throw Problem(
                    status: 400, reason: "bad-path",
                    detail: "'\(text)' is no priority: a number from 0 to \(UInt32.max)")
            }
            return priority
        }

        var notFound: FIBError {
            let fields = selector.fields
            return FIBError(
                .enoent, .ruleNotFound,
                "there is no such \(fields.resolvedFamily.name) rule of priority \(fields.priority ?? 0) in \(namespace)"
            )
        }

        /// A write of what the body says, with which the path must agree.
        func operation(_ input: RuleInput, _ condition: WriteCondition) throws -> ObjectOperation {
            var fields = input.fields
            try agree("priority", fields.priority, selector.fields.priority)
            try agree("family", fields.family, selector.fields.family)
            try agree("namespace", input.namespace, namespace)
            fields.priority = selector.fields.priority
            fields.family = fields.family ?? selector.fields.family
            return ObjectOperation(namespace, .writeRule(.replace, fields), condition: condition)
        }

        private func agree<Value: Equatable>(_ name: String, _ body: Value?, _ path: Value?) throws(Problem) {
            guard let body, let path, body != path else { return }
            throw .keyMismatch(name, "\(body)", "\(path)")
        }
    }
}

extension Query {
    /// What it says of rules, as `ip rule` names it.
    ///
    /// - Parameter excluded: a parameter that isn't taken here.
    mutating func ruleFields(but excluded: String? = nil) throws(Problem) -> RuleFields {
        var fields = RuleFields()
        fields.family = try take("family", "inet or inet6") { AddressFamily(name: $0) }
        if excluded != "priority" { fields.priority = try number("priority", in: 0...UInt32.max) }
        fields.table = try take("table", "the name or number of a table") { TableID(name: $0) }
        fields.target = try number("goto", in: 0...UInt32.max)
        fields.action = try take("action", "nop, unreachable, prohibit or blackhole") { ruleActions[$0] }
        fields.protocol = try take("protocol", "the name or number of a route protocol") { RouteProtocol(name: $0) }
        fields.source = try prefix("src", family: fields.family)
        fields.destination = try prefix("dst", family: fields.family)
        fields.tos = try take("tos", "a tos") { tosValue($0) }
        fields.input = try take("iif", "the name of a link") { Link.isName($0) ? $0 : nil }
        fields.output = try take("oif", "the name of a link") { Link.isName($0) ? $0 : nil }
        if let (mark, mask) = try take("fwmark", "a mark such as 0x10 or 0x10/0xff", { markValue($0) }) {
            (fields.mark, fields.markMask) = (mark, mask)
        }
        return fields
    }
}
