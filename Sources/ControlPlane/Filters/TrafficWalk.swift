internal import ChangeLog
internal import Routing
public import TrafficControl

/// Which chains, filters and actions are meant: whole chains, priorities and kinds of actions, so that those of a list are counted
/// without being looked at. Nil stands for any.
public struct TrafficSelection: Sendable {
    /// Of `ObjectKind.ofTraffic`.
    public var kinds: Set<ObjectKind>
    /// Of chains and filters.
    public var place: BlockIdentity.Place?
    /// Of filters.
    public var chain: UInt32?
    public var priority: UInt16?
    public var `protocol`: EtherType?
    public var classifier: String?
    public var actionKind: String?

    public init(_ kinds: Set<ObjectKind>) { self.kinds = kinds }

    fileprivate func includes(_ chain: StoredChain) -> Bool {
        place ?? chain.identity.block.place == chain.identity.block.place
    }

    /// Of a chain that is included.
    fileprivate func includes(_ proto: ProtoIdentity) -> Bool {
        kinds.contains(.filter) && (chain ?? proto.chain.index) == proto.chain.index
            && (priority ?? proto.priority) == proto.priority && (`protocol` ?? proto.protocol) == proto.protocol
            && (classifier ?? proto.kind) == proto.kind
    }

    fileprivate func includes(actionKind kind: String) -> Bool {
        kinds.contains(.action) && (actionKind ?? kind) == kind
    }
}

/// Walks the chains, filters and actions of a snapshot that are selected, in list order.
public struct TrafficWalk: Sendable {
    private let selection: TrafficSelection
    private var namespaces: ArraySlice<Snapshot.Namespace>
    private var namespace = ""
    /// By the places of their kinds among all.
    private var actions: ArraySlice<Image<UInt64, StoredAction>> = []
    private var chains: ArraySlice<TrafficImage.Chain> = []
    private var protos: ArraySlice<TrafficImage.Proto> = []
    private var proto: ProtoIdentity?
    private var actionCursor: ImageCursor<UInt64, StoredAction>?
    private var filterCursor: ImageCursor<UInt64, StoredFilter>?
    /// The chain of the latest filter.
    public private(set) var chain: StoredChain?

    /// - Parameter namespaces: those that are meant.
    public init(
        _ snapshot: Snapshot, _ selection: TrafficSelection, in namespaces: (String) -> Bool = { _ in true }
    ) {
        self.selection = selection
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
            enter(next, from: 0)
        } else if let next = actions.first {
            let kind = ActionContent.kinds[actions.startIndex]
            actions.removeFirst()
            enter(next, of: kind, from: 0)
        } else if let next = chains.popFirst() {
            guard enter(next), selection.kinds.contains(.chain) else { return nil }
            return .chain(next.stored)
        } else if let next = namespaces.popFirst() {
            enter(next)
        }
        return nil
    }

    private mutating func enter(_ next: Snapshot.Namespace) {
        namespace = next.name
        (actions, chains) = (next.traffic.actions[...], next.traffic.chains[...])
    }

    private mutating func enter(_ next: Image<UInt64, StoredAction>, of kind: String, from index: UInt64) {
        if selection.includes(actionKind: kind) { actionCursor = next.cursor(from: index) }
    }

    /// False if the chain isn't meant.
    private mutating func enter(_ next: TrafficImage.Chain) -> Bool {
        guard selection.includes(next.stored) else { return false }
        chain = next.stored
        protos = next.protos[...]
        return true
    }

    private mutating func enter(_ next: TrafficImage.Proto, from handle: UInt64) {
        guard selection.includes(next.identity) else { return }
        proto = next.identity
        filterCursor = next.filters.cursor(from: handle)
    }

    // MARK: Lists

    /// How many there are. O(chains + priorities); of one that hasn't begun.
    public var count: Int { namespaces.reduce(0) { $0 + count(of: $1.traffic) } }

    private func count(of image: TrafficImage) -> Int {
        let actions = zip(ActionContent.kinds, image.actions).filter { selection.includes(actionKind: $0.0) }
        return image.chains.filter { selection.includes($0.stored) }.reduce(actions.reduce(0) { $0 + $1.1.count }) {
            count, chain in
            let filters = chain.protos.filter { selection.includes($0.identity) }.reduce(0) { $0 + $1.filters.count }
            return count + filters + (selection.kinds.contains(.chain) ? 1 : 0)
        }
    }

    /// Goes on behind a place, which need not be there any more. O(chains + priorities + log n); of one that hasn't begun.
    public mutating func skip(behind key: TrafficKey) {
        while let next = namespaces.first, next.name < key.namespace { namespaces.removeFirst() }
        guard let next = namespaces.first, next.name == key.namespace else { return }
        namespaces.removeFirst()
        enter(next)
        guard let block = key.block else { return skip(actionsUpTo: key) }
        actions = []
        while let first = chains.first, first.place < (block, key.chain) { chains.removeFirst() }
        guard let first = chains.first, first.place == (block, key.chain) else { return }
        chains.removeFirst()
        guard enter(first) else { return }
        while let first = protos.first, first.identity.priority < key.priority { protos.removeFirst() }
        guard let first = protos.first, first.identity.priority == key.priority else { return }
        protos.removeFirst()
        enter(first, from: UInt64(key.handle) + 1)
    }

    private mutating func skip(actionsUpTo key: TrafficKey) {
        while actions.startIndex < key.chain, !actions.isEmpty { actions.removeFirst() }
        guard let image = actions.first, actions.startIndex == key.chain else { return }
        let kind = ActionContent.kinds[actions.startIndex]
        actions.removeFirst()
        enter(image, of: kind, from: UInt64(key.handle) + 1)
    }
}

extension TrafficImage.Chain {
    var place: (BlockIdentity.Place, UInt64) { (stored.identity.block.place, stored.version.rawValue) }
}
