public import Routing

/// Kinds of filters by name.
public struct ClassifierKinds: Sendable {
    private let types: [String: any Classifier.Type]

    /// Those that there are.
    public init(_ types: [any Classifier.Type] = [Flower.self, Matchall.self]) {
        self.types = Dictionary(uniqueKeysWithValues: types.map { ($0.kind, $0) })
    }

    subscript(kind: String) -> (any Classifier.Type)? { types[kind] }

    /// What filters of a kind compare. Throws ENOENT for a kind that there isn't, EINVAL for what it doesn't understand.
    public func options(
        _ kind: String, _ values: FlowMembers, _ protocol: EtherType
    ) throws(FIBError) -> any FilterOptions {
        guard let type = types[kind] else {
            throw FIBError(.enoent, .kindUnknown, "there is no kind of filter '\(kind)'", rule: "R4-24")
        }
        return try type.options(values, `protocol`)
    }

    /// What a template says. Throws EOPNOTSUPP for a kind that has none (R4-16), and as `options` does.
    public func template(
        _ kind: String, _ values: FlowMembers, _ protocol: EtherType
    ) throws(FIBError) -> ChainTemplate {
        if let type = types[kind], !type.hasTemplates {
            throw FIBError(.eopnotsupp, .unsupported, "filters of \(kind) have no templates", rule: "R4-16")
        }
        return ChainTemplate(kind, `protocol`, try options(kind, values, `protocol`))
    }
}
