internal import ChangeLog
internal import ControlPlane
internal import HTTPServer

extension EventHub.State {
    /// The class of a filter, if there is one that the log still reaches.
    func usableClass(_ filter: EventFilter, _ plane: ControlPlane) -> EventClass? {
        guard let group = classes[filter], !group.isLost, group.position >= plane.log.floor(of: filter.lanes) else {
            return nil
        }
        return group
    }

    /// Nil if there are too many filters, all in use.
    mutating func enter(_ filter: EventFilter, orMake make: () -> EventClass, _ hub: EventHub) -> EventClass? {
        clock += 1
        if usableClass(filter, hub.plane) == nil {
            if classes[filter] == nil, classes.count >= hub.maximumFilters, !evictOne() { return nil }
            if let passed = classes[filter] { replaced.append(passed) }
            classes[filter] = make()
        }
        guard let group = classes[filter] else { return nil }
        group.feeds += 1
        group.lastUse = clock
        return group
    }

    mutating func exit(_ group: EventClass) { group.feeds -= 1 }

    mutating func awaitIfNeeded(_ feed: EventFeed) {
        guard case .awaiting = feed.phase, !feed.awaitsDurable else { return }
        feed.awaitsDurable = true
        awaiting.append(feed)
    }

    mutating func wakeAwaiting(_ durable: ChangeSequence) {
        guard !awaiting.isEmpty else { return }
        awaiting.removeAll { feed in
            if case .awaiting(let sequence, _) = feed.phase, sequence > durable { return false }
            feed.awaitsDurable = false
            feed.stream?.schedule()
            return true
        }
    }

    private mutating func evictOne() -> Bool {
        let unused = classes.values.filter { $0.feeds == 0 }.min { $0.lastUse < $1.lastUse }
        guard let unused else { return false }
        classes[unused.filter] = nil
        return true
    }

    /// Lets go of frames that the log has passed, when it has moved: a client that is so far behind starts anew.
    mutating func overflowThoseBehind(_ log: Log<Change>) {
        let floors = (main: log.floor(of: .main), all: log.floor(of: .all))
        // Either may move while the other one is far ahead.
        guard floors != lastFloors else { return }
        lastFloors = floors
        for feed in feeds.values {
            let floor = feed.request.filter.lanes == .main ? floors.main : floors.all
            guard let position = feed.position, position < floor, !feed.isWaiting else { continue }
            feed.leave(.overflowed)
            feed.stream?.schedule()
        }
    }
}
