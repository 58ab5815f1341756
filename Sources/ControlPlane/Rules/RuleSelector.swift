public import ChangeLog
public import Routing

/// Which rules are meant.
public struct RuleSelector: Sendable {
    public var fields: RuleFields
    /// Of the entry.
    public var hash: EntryHash?
    /// Rules that someone else put there, and that only go if they are asked for.
    public var spared: RouteProtocol?

    public init(_ fields: RuleFields) { self.fields = fields }

    public func agrees(with object: StoredObject) -> Bool {
        guard let rule = object.rule?.rule else { return false }
        return fields.agrees(with: rule) && (hash.map { $0 == object.hash } ?? true) && rule.protocol != spared
    }
}
