public import ChangeLog
public import TrafficControl

/// A chain, a filter or an action, as others are told of it.
public enum TrafficObject: Sendable {
    case chain(StoredChain)
    case filter(ProtoIdentity, StoredFilter)
    case action(namespace: String, StoredAction)

    public var kind: ObjectKind {
        switch self {
        case .chain: .chain
        case .filter: .filter
        case .action: .action
        }
    }

    public var version: ChangeSequence {
        switch self {
        case .chain(let chain): chain.version
        case .filter(_, let filter): filter.version
        case .action(_, let action): action.version
        }
    }

    public var hash: EntryHash {
        switch self {
        case .chain(let chain): chain.hash
        case .filter(_, let filter): filter.hash
        case .action(_, let action): action.hash
        }
    }

    public var namespace: String {
        switch self {
        case .chain(let chain): chain.identity.block.namespace
        case .filter(let proto, _): proto.chain.block.namespace
        case .action(let namespace, _): namespace
        }
    }

    var entry: TrafficEntry {
        switch self {
        case .chain(let chain): .chain(chain.identity, chain.template, isExplicit: chain.isExplicit)
        case .filter(let proto, let filter): .filter(proto, filter.content, handle: filter.handle)
        case .action(_, let action): .action(action.content, index: action.index, action.marks)
        }
    }
}

/// Such a one came, changed, or went.
public final class TrafficObjectChange: Sendable {
    public let namespace: String
    public let change: TrafficChange

    init(_ namespace: String, _ change: TrafficChange) {
        self.namespace = namespace
        self.change = change
    }

    public var old: TrafficObject? {
        switch change {
        case .chain(let old, _): old.map { .chain($0) }
        case .filter(let proto, let old, _): old.map { .filter(proto, $0) }
        case .action(_, let old, _): old.map { .action(namespace: namespace, $0) }
        }
    }

    public var new: TrafficObject? {
        switch change {
        case .chain(_, let new): new.map { .chain($0) }
        case .filter(let proto, _, let new): new.map { .filter(proto, $0) }
        case .action(_, _, let new): new.map { .action(namespace: namespace, $0) }
        }
    }

    var kind: ObjectKind {
        switch change {
        case .chain: .chain
        case .filter: .filter
        case .action: .action
        }
    }
}
