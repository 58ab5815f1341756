internal import Routing

/// A filter as a request says it.
public struct FilterWrite: Sendable {
    public enum Verb: String, CaseIterable, Sendable {
        /// It must not be there.
        case add
        /// Made if it isn't there.
        case replace
        /// It must be there.
        case change

        var isCreating: Bool { self != .change }
    }

    public var verb = Verb.add
    public var chain: UInt32 = 0
    /// Nil for one that is found (R4-40).
    public var priority: UInt16?
    public var `protocol`: EtherType?
    public var kind: String?
    /// Nil for the first that is free.
    public var handle: UInt32?
    /// What is under `options`, but for what all kinds have; nil if nothing is said.
    public var options: [String: FlowValue]?
    public var flags: FilterFlags = []
    public var classID: UInt32 = 0
    public var actions: [ActionDraft] = []

    public init() {}
}

/// What a request for a filter came to.
public struct FilterResult: Sendable {
    public let proto: ProtoIdentity
    public let old: StoredFilter?
    public let new: StoredFilter
}

/// Kinds of filters by name.
public struct ClassifierKinds: Sendable {
    private let types: [String: any Classifier.Type]

    /// Those that there are.
    public init(_ types: [any Classifier.Type] = [Flower.self, Matchall.self]) {
        self.types = Dictionary(uniqueKeysWithValues: types.map { ($0.kind, $0) })
    }

    subscript(kind: String) -> (any Classifier.Type)? { types[kind] }
}
