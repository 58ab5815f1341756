internal import ChangeLog
internal import Routing
internal import TrafficControl

/// Chains, filters and actions.
extension RecordWriter {
    mutating func append(_ change: TrafficObjectChange) {
        append(byte: TrafficForm(change.kind).rawValue)
        switch change.change {
        case .chain(let old, let new):
            guard let identity = (new ?? old)?.identity else { preconditionFailure("a change of nothing") }
            append(identity.block)
            append(UInt64(identity.index))
            if let old { append(old) }
            if let new { append(new) }
        case .filter(let proto, let old, let new):
            append(proto)
            if let old { append(old) }
            if let new { append(new) }
        case .action(let action, let old, let new):
            append(known: change.namespace)
            append(known: action.kind)
            append(UInt64(action.index))
            if let old { append(old) }
            if let new { append(new) }
        }
    }

    /// As a change that makes it.
    mutating func append(_ row: TrafficObject) {
        append(byte: TrafficForm(row.kind).rawValue)
        switch row {
        case .chain(let chain):
            append(chain.identity.block)
            append(UInt64(chain.identity.index))
            append(chain)
        case .filter(let proto, let filter):
            append(proto)
            append(filter)
        case .action(let namespace, let action):
            append(known: namespace)
            append(known: action.content.kind)
            append(UInt64(action.index))
            append(action)
        }
    }

    private mutating func append(_ block: BlockIdentity) {
        append(known: block.namespace)
        append(block.place)
    }

    mutating func append(_ place: BlockIdentity.Place) {
        switch place {
        case .shared(let number):
            append(byte: 0)
            append(UInt64(number))
        case .ingress(let device):
            append(byte: 1)
            append(known: device)
        case .egress(let device):
            append(byte: 2)
            append(known: device)
        }
    }

    private mutating func append(_ proto: ProtoIdentity) {
        let number = protos.number(of: proto)
        append(UInt64(number))
        guard number == 0 else { return }
        append(proto.chain.block)
        append(UInt64(proto.chain.index))
        append(UInt64(proto.priority))
        append(UInt64(proto.protocol.rawValue))
        append(known: proto.kind)
    }

    private mutating func append(_ chain: StoredChain) {
        append(chain.version.rawValue)
        append(chain.hash)
        append(byte: (chain.isExplicit ? 1 : 0) | (chain.template == nil ? 0 : 2))
        guard let template = chain.template else { return }
        append(known: template.kind)
        append(UInt64(template.protocol.rawValue))
        append(text: TrafficText.options(template.options, [], classID: 0, kind: template.kind))
    }

    private mutating func append(_ filter: StoredFilter) {
        append(UInt64(filter.handle))
        append(filter.version.rawValue)
        append(filter.hash)
        // Mostly close together.
        append(filter.version.rawValue - filter.place.born.rawValue)
        append(filter.place.born.rawValue - filter.place.group.rawValue)
        append(byte: filter.content.flags.rawValue)
        append(UInt64(filter.content.classID))
        append(text: filter.content.text)
        append(UInt64(filter.content.actions.count))
        for action in filter.content.actions {
            append(known: action.kind)
            append(UInt64(action.index))
        }
    }

    private mutating func append(_ action: StoredAction) {
        let target = action.presentTarget
        append(action.version.rawValue)
        append(action.hash)
        append(
            byte: (action.isOwn ? 1 : 0) | (target == nil ? 0 : 2)
                | (action.marks.flags.contains(.skipHW) ? 4 : 0) | (action.marks.flags.contains(.skipSW) ? 8 : 0)
                | (action.marks.hasOneCounter ? 16 : 0) | (action.marks.cookie.isEmpty ? 0 : 32))
        if !action.marks.cookie.isEmpty {
            append(UInt64(action.marks.cookie.count))
            for byte in action.marks.cookie { append(byte: byte) }
        }
        if let target {
            append(target.block)
            append(UInt64(target.index))
        }
        switch action.content {
        case .gact(let gact):
            append(gact.control)
            append(byte: gact.random == nil ? 0 : 1)
            if let random = gact.random {
                append(known: random.form.rawValue)
                append(random.control)
                append(UInt64(random.value))
            }
        case .mirred(let mirred):
            append(known: mirred.mode.rawValue)
            append(known: mirred.direction.rawValue)
            append(known: mirred.device)
            append(mirred.control)
        }
    }

    private mutating func append(_ verdict: Verdict) {
        append(known: verdict.name)
        switch verdict {
        case .jump(let place): append(UInt64(place))
        case .goto(let chain): append(UInt64(chain))
        default: break
        }
    }
}

/// What follows in a record.
enum TrafficForm: UInt8 {
    case chain = 0
    case filter = 1
    case action = 2

    init(_ kind: ObjectKind) { self = kind == .chain ? .chain : kind == .filter ? .filter : .action }
}
