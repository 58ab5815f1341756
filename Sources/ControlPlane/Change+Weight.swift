internal import Addressing
internal import ChangeLog
internal import Routing
internal import TrafficControl

extension Change {
    /// What the log keeps alive with it, in bytes, by and large: what is large has to count, or a log of few bytes keeps
    /// gigabytes. What a record shares with the one before it weighs nothing.
    public var retainedBytes: Int {
        let record = MemoryLayout<Change>.stride
        switch object {
        case .route(let change): return record + change.extraBytes
        case .hardware(let change): return record + Self.objectBytes + change.extraBytes
        case .device(let change):
            return record + Self.objectBytes + change.devices.all.count * MemoryLayout<Device>.stride
        case .listener(let change): return record + Self.objectBytes + change.extraBytes
        case .object(let change):
            return record + Self.objectBytes + (change.old?.extraBytes ?? 0) + (change.new?.extraBytes ?? 0)
        case .traffic(let change): return record + Self.objectBytes + change.extraBytes
        case .status(let change): return record + Self.objectBytes + 2 * change.legs.count
        // What is known, and the peer.
        case .peer: return record + Self.objectBytes + 300
        case .operationEnd, .notice, .peerStorage: return record + Self.objectBytes
        }
    }

    /// Of an object that a record refers to, and nothing long in it.
    private static let objectBytes = 160
}

extension RouteChange {
    /// Infos are shared by the routes that agree in them; long lists of nexthops rarely are, and weigh.
    fileprivate var extraBytes: Int {
        let hops = max(1, old?.info.hopCount ?? 1) + max(1, new?.info.hopCount ?? 1) - 2
        return hops * MemoryLayout<NextHop>.stride + (best.isOfTwo ? 80 : 0)
    }
}

extension HardwareChange {
    fileprivate var extraBytes: Int {
        max(0, (new.hardware?.answers.count ?? 0) - 1) * MemoryLayout<HardwareStatus.Answer>.stride
    }
}

extension ListenerChange {
    /// Most of them say how far a listener has come, and share its filter.
    fileprivate var extraBytes: Int {
        let (before, after) = (old?.settings.filter.selection, new?.settings.filter.selection)
        return before == after ? 0 : (before?.bytes ?? 0) + (after?.bytes ?? 0)
    }
}

extension TrafficObjectChange {
    /// What was there before is shared with the change that made it.
    fileprivate var extraBytes: Int {
        switch new {
        case .filter(_, let filter): 500 + 16 * filter.content.actions.count
        case .chain, .action: 200
        case nil: 0
        }
    }
}

extension StoredObject {
    fileprivate var extraBytes: Int { (link?.addresses.count ?? 0) * MemoryLayout<LinkAddress>.stride }
}

extension RouteSelection {
    fileprivate var bytes: Int {
        ((namespaces?.count ?? 0) + (devices?.count ?? 0)) * (MemoryLayout<String>.stride + 64)
            + (within?.count ?? 0) * MemoryLayout<Prefix>.stride + (tables?.count ?? 0) * MemoryLayout<TableID>.stride
    }
}
