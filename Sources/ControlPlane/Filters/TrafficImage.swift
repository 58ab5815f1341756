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

/// Walks the chains, filters and actions of a snapshot that are selected, in list order.
public struct TrafficWalk: Sendable {
    private let kinds: Set<ObjectKind>
    private let isWanted: @Sendable (BlockIdentity.Place) -> Bool
    private var namespaces: ArraySlice<Snapshot.Namespace>
    private var namespace = ""
    private var actions: ArraySlice<Image<UInt64, StoredAction>> = []
    private var chains: ArraySlice<TrafficImage.Chain> = []
    private var protos: ArraySlice<TrafficImage.Proto> = []
    private var proto: ProtoIdentity?
    private var actionCursor: ImageCursor<UInt64, StoredAction>?
    private var filterCursor: ImageCursor<UInt64, StoredFilter>?
    /// The chain of the latest filter.
    public private(set) var chain: StoredChain?

    /// - Parameters:
    ///   - kinds: of `ObjectKind.ofTraffic`.
    ///   - namespaces: nil for all.
    ///   - blocks: whose chains and filters are walked.
    public init(
        _ snapshot: Snapshot, _ kinds: Set<ObjectKind>, in namespaces: (String) -> Bool = { _ in true },
        blocks: @escaping @Sendable (BlockIdentity.Place) -> Bool = { _ in true }
    ) {
        self.kinds = kinds
        isWanted = blocks
        self.namespaces = snapshot.namespaces.filter { namespaces($0.name) && !$0.traffic.isEmpty }[...]
    }

    public mutating func next() -> TrafficObject? {
        while true {
            if let (_, action) = actionCursor?.next() { return .action(namespace: namespace, action) }
            if let (_, filter) = filterCursor?.next(), let proto { return .filter(proto, filter) }
            if let found = enterNext() { return found }
            if isAtEnd { return nil }
        }
    }

    private var isAtEnd: Bool {
        namespaces.isEmpty && actions.isEmpty && chains.isEmpty && protos.isEmpty && actionCursor == nil
            && filterCursor == nil
    }

    /// Goes on to what comes next; if that is a chain, gives it.
    private mutating func enterNext() -> TrafficObject? {
        (actionCursor, filterCursor) = (nil, nil)
        if let next = protos.popFirst() {
            proto = next.identity
            filterCursor = next.filters.cursor()
        } else if let next = actions.popFirst() {
            if kinds.contains(.action) { actionCursor = next.cursor() }
        } else if let next = chains.popFirst() {
            guard isWanted(next.stored.identity.block.place) else { return nil }
            chain = next.stored
            if kinds.contains(.filter) { protos = next.protos[...] }
            if kinds.contains(.chain) { return .chain(next.stored) }
        } else if let next = namespaces.popFirst() {
            namespace = next.name
            (actions, chains) = (next.traffic.actions[...], next.traffic.chains[...])
        }
        return nil
    }
}
