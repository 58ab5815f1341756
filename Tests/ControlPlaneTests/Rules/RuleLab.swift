import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane

/// A control plane with rules, tables that each lead over a link of their own, and what lookups come to.
struct RuleLab {
    let plane: ControlPlane

    init(_ plane: ControlPlane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))) { self.plane = plane }

    static func fields(_ family: AddressFamily = .inet, _ fill: (inout RuleFields) -> Void) -> RuleFields {
        var fields = RuleFields()
        fields.family = family
        fill(&fields)
        return fields
    }

    /// The rule as it is kept.
    @discardableResult
    func add(
        _ priority: UInt32?, _ family: AddressFamily = .inet, verb: RouteVerb = .add,
        _ fill: (inout RuleFields) throws -> Void = { _ in }
    ) throws -> PlacedRule {
        var fields = RuleFields()
        fields.family = family
        fields.priority = priority
        try fill(&fields)
        return try #require(try plane.change(ObjectOperation("default", .writeRule(verb, fields))).object.rule)
    }

    /// One that asks a table.
    @discardableResult
    func add(_ priority: UInt32?, table: UInt32) throws -> PlacedRule {
        try add(priority) { $0.table = TableID(rawValue: table) }
    }

    @discardableResult
    func remove(_ family: AddressFamily = .inet, _ fill: (inout RuleFields) throws -> Void) throws -> PlacedRule {
        var fields = RuleFields()
        fields.family = family
        try fill(&fields)
        let operation = ObjectOperation("default", .removeRule(RuleSelector(fields)))
        return try #require(try plane.change(operation).object.rule)
    }

    /// The errno and reason of what is refused; nil if it isn't.
    func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            let error = error as? FIBError
            return "\(error?.errno.rawValue ?? "?") \(error?.reason.rawValue ?? "?") \(error?.rule ?? "")"
        }
    }

    /// Priorities and what they lead to, in the order in which they are asked.
    func rules(_ family: AddressFamily = .inet) -> [String] {
        let all = plane.snapshot().namespaces.flatMap { $0.objects.all(.rule) }.compactMap(\.rule?.rule)
        return all.filter { $0.family == family }.map { rule in
            "\(rule.priority) \(rule.table?.name ?? "\(rule.action)")"
        }
    }

    /// A route in a table of its own that leads over the link `name`.
    func addRoute(_ prefix: String, _ name: String, table: UInt32, type: RouteType = .unicast) throws {
        let prefix = try Prefix(prefix)
        var fields = RouteInfo.Fields()
        fields.type = type
        if type == .unicast { fields.nextHops = [NextHop(device: name)] }
        let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
        let identity = try plane.table("default", prefix.family, TableID(rawValue: table))
        _ = try plane.write(.add, RouteWrite(identity, route, EntryWriter()))
    }

    /// The link that a packet leaves by; what refuses it; or `nothing`.
    func get(_ destination: String, _ fill: (inout LookupQuery) throws -> Void = { _ in }) throws -> String {
        var query = LookupQuery(destination: try IPAddress(destination))
        try fill(&query)
        var trace: LookupTrace?
        switch try plane.forwarding("default").lookup(query, &trace) {
        case .nothing: return "nothing"
        case .refused(let found): return found.info.type.name
        case .refusedByRule(let rule): return "rule \(rule.action)"
        case .route(let found): return try #require(found.hop).device
        }
    }
}
