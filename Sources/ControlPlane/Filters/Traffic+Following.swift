internal import Routing
internal import TrafficControl

extension Traffic {
    /// Has the links and blocks that objects say there are. Within the exclusive gate.
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
        case .link(let link): setLink(link.name, isOffloaded: new?.link?.isOffloaded)
        default: return
        }
    }
}
