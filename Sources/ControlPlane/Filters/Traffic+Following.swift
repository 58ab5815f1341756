internal import Routing
internal import TrafficControl

extension Traffic {
    /// Has the blocks that qdiscs and blocks, as objects, say there are. Within the exclusive gate.
    func follow(from old: StoredObject?, to new: StoredObject?) {
        guard let object = new ?? old else { return }
        switch object.value {
        case .block(let place):
            if new == nil {
                removeBlock(place)
            } else {
                addBlock(BlockIdentity(namespace: object.namespace, place))
            }
        case .qdisc(let qdisc):
            for direction in qdisc.kind.directions {
                guard let block = block(qdisc.place(direction)) else { continue }
                if new == nil {
                    block.unbind(qdisc.device, direction)
                } else {
                    block.bind(Binding(qdisc.device, direction))
                }
                // Who makes a qdisc has asked before.
                try? update(block)
            }
        case .link(let link): setOffloaded(link.name, new?.link?.isOffloaded ?? true)
        default: return
        }
    }
}

extension Namespace {
    /// Whether hardware looks at its links, as changes say that were just made. Within the exclusive gate.
    func follow(linksOf changes: [Change]) {
        for change in changes {
            guard case .object(let object) = change.object, object.object.kind == .link, object.object.namespace == name
            else { continue }
            traffic.follow(from: object.old, to: object.new)
        }
    }
}
