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
    ///
    /// - Parameter seed: one that was made without the lock, if there was time for it.
    mutating func enter(_ filter: EventFilter, _ seed: EventClass?, _ hub: EventHub) -> EventClass? {
        clock += 1
        if usableClass(filter, hub.plane) == nil {
            if classes[filter] == nil, classes.count >= hub.maximumFilters, !evictOne() { return nil }
            if let passed = classes[filter] {
                if !passed.isLost { passed.lose() }
                replaced.append(passed)
            }
            classes[filter] = attach(seed) ?? attach(hub.makeClass(filter))
        }
        guard let group = classes[filter] else { return nil }
        group.feeds += 1
        group.lastUse = clock
        return group
    }

    private func attach(_ group: EventClass?) -> EventClass? { group.flatMap { reader.attach($0) ? $0 : nil } }

    mutating func exit(_ group: EventClass) { group.feeds -= 1 }

    /// Takes in what has come, for who waits; whether there is more than may be done at once.
    func readOn() -> Bool {
        // Where no class selects anything, nobody is woken to ask for the rest.
        for _ in 0..<4 {
            guard reader.waitingCount > 0, reader.advance() else { return false }
        }
        return reader.waitingCount > 0
    }

    func noteIfBehind(_ feed: EventFeed) {
        guard !feed.isWaiting, let position = feed.position else { return }
        reader.note(behind: position, feed.request.filter.lanes)
    }

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
        reader.detach(unused)
        classes[unused.filter] = nil
        return true
    }

    /// Lets go of frames that the log has passed: a client that is so far behind starts anew.
    mutating func overflowThoseBehind(_ log: Log<Change>) {
        guard reader.takeIsBehind() else { return }
        for feed in feeds.values where !feed.isWaiting {
            guard let position = feed.position else { continue }
            let lanes = feed.request.filter.lanes
            if position >= log.floor(of: lanes) {
                reader.note(behind: position, lanes)
            } else {
                feed.leave(.overflowed)
                feed.stream?.schedule()
            }
        }
    }
}
