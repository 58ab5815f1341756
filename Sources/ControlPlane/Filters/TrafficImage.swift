internal import ChangeLog
public import TrafficControl

/// The chains, filters and actions of one namespace as of one number. It never changes.
public struct TrafficImage: Sendable {
    struct Chain: Sendable {
        let stored: StoredChain
        /// Ascending by priority.
        let protos: [Proto]
    }

    typealias Proto = (identity: ProtoIdentity, filters: Image<UInt64, StoredFilter>)

    /// By kind, in the order of their names.
    let actions: [Image<UInt64, StoredAction>]
    /// By block, of each in the order in which they came.
    let chains: [Chain]

    /// Of who has no business with filters.
    static let empty = TrafficImage()

    private init() { (actions, chains) = ([], []) }

    /// With the gate held exclusively. O(protos).
    init(_ traffic: Traffic) {
        actions = ActionContent.kinds.map { traffic.actions[$0]?.image ?? Image() }
        chains = traffic.allBlocks.flatMap { block in
            block.image.map { Chain(stored: $0.chain, protos: $0.protos) }
        }
    }

    var isEmpty: Bool { chains.isEmpty && actions.allSatisfy(\.isEmpty) }

    /// Count and digest of those of a kind.
    func summary(of kind: ObjectKind) -> Summary {
        switch kind {
        case .action: actions.reduce(into: Summary()) { $0 += $1.summary }
        case .chain: chains.reduce(into: Summary()) { $0.add($1.stored.hash) }
        case .filter:
            chains.reduce(into: Summary()) { sum, chain in for proto in chain.protos { sum += proto.filters.summary } }
        default: Summary()
        }
    }
}

/// Where a chain, a filter or an action stands in lists: by namespace; actions before the rest, by kind and index; then by block,
/// chains in the order in which they came, each before its filters, and these by priority and handle.
public struct TrafficKey: Comparable, Sendable {
    public let namespace: String
    /// Nil of actions.
    public let block: BlockIdentity.Place?
    /// Of chains and filters, the version of the chain; of actions, their kind among the others.
    public let chain: UInt64
    /// Zero of a chain itself.
    public let priority: UInt16
    /// Or index.
    public let handle: UInt32

    /// As one was.
    public init(
        _ namespace: String, _ block: BlockIdentity.Place?, chain: UInt64, priority: UInt16, handle: UInt32
    ) {
        self.namespace = namespace
        self.block = block
        self.chain = chain
        self.priority = priority
        self.handle = handle
    }

    public init(_ object: TrafficObject, chain: StoredChain?) {
        namespace = object.namespace
        switch object {
        case .chain(let chain):
            block = chain.identity.block.place
            (self.chain, priority, handle) = (chain.version.rawValue, 0, 0)
        case .filter(let proto, let filter):
            block = proto.chain.block.place
            self.chain = chain?.version.rawValue ?? 0
            (priority, handle) = (proto.priority, filter.handle)
        case .action(_, let action):
            block = nil
            self.chain = UInt64(ActionContent.kinds.firstIndex(of: action.content.kind) ?? 0)
            (priority, handle) = (0, action.index)
        }
    }

    public static func < (a: Self, b: Self) -> Bool {
        if a.namespace != b.namespace { return a.namespace < b.namespace }
        if a.block != b.block {
            guard let first = a.block, let second = b.block else { return a.block == nil }
            return first < second
        }
        return (a.chain, a.priority, a.handle) < (b.chain, b.priority, b.handle)
    }
}
