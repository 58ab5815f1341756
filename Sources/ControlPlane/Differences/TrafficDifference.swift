internal import ChangeLog
internal import Routing
internal import TrafficControl

/// What is different between the actions, chains and filters of two snapshots, as a filter of events sees it, in list
/// order.
struct TrafficDifference: Sendable {
    private typealias Pair<Item> = (old: Item?, new: Item?)
    private typealias Actions = ImageDifference<UInt64, StoredAction>
    private typealias Filters = ImageDifference<UInt64, StoredFilter>

    private let kinds: Set<ObjectKind>
    private var namespaces: ArraySlice<Pair<Snapshot.Namespace>>
    private var namespace = ""
    private var actions: ArraySlice<Actions> = []
    private var chains: ArraySlice<Pair<TrafficImage.Chain>> = []
    private var protos: ArraySlice<Pair<TrafficImage.Proto>> = []
    /// Of the priority that is being looked at.
    private var proto: (old: ProtoIdentity?, new: ProtoIdentity?) = (nil, nil)
    private var filters: Filters?

    init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter) {
        let kinds = Set(ObjectKind.ofTraffic.filter(filter.selects(_:)))
        func namespaces(_ snapshot: Snapshot) -> [Snapshot.Namespace] {
            let included = snapshot.namespaces.filter { filter.selection.includes(namespace: $0.name) }
            return kinds.isEmpty ? [] : included.filter { !$0.traffic.isEmpty }
        }
        self.kinds = kinds
        self.namespaces = pairs(namespaces(old), namespaces(new)) { $0.name < $1.name }[...]
    }

    var isAtEnd: Bool {
        namespaces.isEmpty && actions.isEmpty && chains.isEmpty && protos.isEmpty && filters == nil
    }

    /// The next difference; nil if `steps` are used up, or none is left.
    mutating func next(steps: inout Int) -> SelectedChange? {
        while steps > 0, !isAtEnd {
            if let change = nextAction(steps: &steps) ?? nextFilter(steps: &steps) { return change }
            guard actions.isEmpty, filters == nil, steps > 0 else { continue }
            steps -= 1
            if let change = enterNext() { return change }
        }
        return nil
    }

    private mutating func nextAction(steps: inout Int) -> SelectedChange? {
        while !actions.isEmpty, steps > 0 {
            let first = actions.startIndex
            if let (_, old, new) = actions[first].next(steps: &steps) {
                let entry = { (action: StoredAction) in TrafficObject.action(namespace: namespace, action) }
                if let change = Self.change(from: old.map(entry), to: new.map(entry)) { return change }
            } else if actions[first].isAtEnd {
                actions.removeFirst()
            }
        }
        return nil
    }

    private mutating func nextFilter(steps: inout Int) -> SelectedChange? {
        while let (_, old, new) = filters?.next(steps: &steps) {
            let before = old.flatMap { filter in proto.old.map { TrafficObject.filter($0, filter) } }
            let after = new.flatMap { filter in proto.new.map { TrafficObject.filter($0, filter) } }
            if let change = Self.change(from: before, to: after) { return change }
        }
        if filters?.isAtEnd ?? false { filters = nil }
        return nil
    }

    /// Goes on to what comes next; if that is a chain, tells what became of it.
    private mutating func enterNext() -> SelectedChange? {
        if let next = protos.popFirst() {
            let (old, new) = (next.old?.filters ?? Image(), next.new?.filters ?? Image())
            if old.isIdentical(to: new) { return nil }
            proto = (next.old?.identity, next.new?.identity)
            filters = ImageDifference(from: old, to: new)
        } else if let next = chains.popFirst() {
            if kinds.contains(.filter) {
                protos =
                    pairs(next.old?.protos ?? [], next.new?.protos ?? []) {
                        $0.identity.priority < $1.identity.priority
                    }[...]
            }
            guard kinds.contains(.chain) else { return nil }
            return Self.change(
                from: next.old.map { .chain($0.stored) }, to: next.new.map { .chain($0.stored) })
        } else if let next = namespaces.popFirst() {
            enter(next.old?.traffic ?? .empty, next.new?.traffic ?? .empty, (next.new ?? next.old)?.name ?? "")
        }
        return nil
    }

    /// A chain that went and came back is another one, at another place, behind the old one.
    private mutating func enter(_ old: TrafficImage, _ new: TrafficImage, _ name: String) {
        namespace = name
        if kinds.contains(.action) {
            actions =
                ActionContent.kinds.indices.map { kind in
                    ImageDifference(
                        from: old.actions.isEmpty ? Image() : old.actions[kind],
                        to: new.actions.isEmpty ? Image() : new.actions[kind])
                }[...]
        }
        chains = pairs(old.chains, new.chains) { $0.place < $1.place }[...]
    }

    private static func change(from old: TrafficObject?, to new: TrafficObject?) -> SelectedChange? {
        if let old, let new, old.version == new.version { return nil }
        let operation: ChangeOperation = old == nil ? .add : new == nil ? .delete : .replace
        return SelectedChange(operation: operation, old: old.map { .traffic($0) }, new: new.map { .traffic($0) })
    }
}
