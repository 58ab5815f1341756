internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import Platform
internal import Threads

/// The streams of listeners, and what is remembered of them.
extension EventHub {
    /// - Parameters:
    ///   - device: of a driver.
    ///   - delivered: what may have been sent to it before.
    func add(_ stored: StoredListener, _ device: Device?, delivered: ChangeSequence) {
        state.withLock { state in
            let session = ListenerSession(stored, delivered: delivered)
            session.device = device
            session.whenItNeedsCare = { [hook] in hook.withLock { $0.lookAfter }() }
            session.renew(MonotonicClock.nanoseconds)
            state.sessions[stored.id] = session
        }
    }

    /// Its registration is gone, and its stream ends. Wake the streams afterwards.
    ///
    /// - Returns: the device of a driver, which is of no more use.
    func remove(_ id: ChangeSequence, _ why: Problem) -> Device? {
        state.withLock { state in
            guard let session = state.sessions.removeValue(forKey: id) else { return nil }
            if let feed = session.feed { state.end(feed, why) }
            return session.device
        }
    }

    /// It is registered for something else by now. Wake the streams afterwards.
    ///
    /// - Returns: the device of a driver that is to program something else.
    func change(_ stored: StoredListener) -> Device? {
        state.withLock { state in
            guard let session = state.sessions[stored.id] else { return nil }
            session.version = stored.version
            session.leaseSeconds = stored.settings.leaseSeconds
            session.renew(MonotonicClock.nanoseconds)
            session.feed?.request.onOverflow = stored.settings.onOverflow
            let former = session.filter
            guard former != stored.settings.filter else { return nil }
            session.filter = stored.settings.filter
            // What it had belonged to another filter.
            (session.delivered, session.acknowledged, session.isDirty) = (.zero, .zero, false)
            if let feed = session.feed { state.refilter(feed, stored.settings.filter) }
            return former.selection == session.filter.selection ? nil : session.device
        }
    }

    func set(_ device: Device, for id: ChangeSequence) { state.withLock { $0.sessions[id]?.device = device } }

    /// The device of a driver that may have said something.
    func reportingDevice(of id: ChangeSequence) -> Device? {
        state.withLock { $0.sessions[id].flatMap { $0.hasReported ? $0.device : nil } }
    }

    /// Makes ready the stream of a listener; another one that it has open ends.
    func open(_ request: EventRequest, for id: ChangeSequence) throws(Problem) -> any EventSource {
        var request = request
        let acknowledged = state.withLock { $0.sessions[id]?.acknowledged ?? .zero }
        if request.cursorText == nil, request.replays, !request.insistsOnReplay, acknowledged > .zero {
            request.cursorText = "\(plane.epoch)-\(acknowledged.rawValue)-\(request.filter.digits)"
        }
        if request.insistsOnReplay { request.cursorText = nil }
        let source = try open(request, session: id)
        wakeStreams()
        return source
    }

    /// What is older than known is ignored. What a driver has processed, its device has.
    ///
    /// - Throws: 422 if it can't have received that yet.
    func acknowledge(_ id: ChangeSequence, _ sequence: ChangeSequence) throws(Problem) {
        let device = try state.withLock { (state) throws(Problem) -> Device? in
            guard let session = state.sessions[id] else { throw Self.notFound(id) }
            guard sequence <= max(session.delivered, session.acknowledged) else {
                throw Problem(
                    status: 422, reason: "not-delivered",
                    detail: "number \(sequence.rawValue) was not sent yet; the last that was is "
                        + "\(session.delivered.rawValue)")
            }
            session.renew(MonotonicClock.nanoseconds)
            guard sequence > session.acknowledged else { return nil }
            session.acknowledged = sequence
            session.isDirty = true
            session.whenItNeedsCare()
            return session.device
        }
        if let device { plane.noteProgress(of: device.line, upTo: sequence) }
    }

    /// The device of a driver, for reports; they are a sign of life.
    func device(of id: ChangeSequence) throws(Problem) -> Device {
        try state.withLock { (state) throws(Problem) in
            guard let session = state.sessions[id] else { throw Self.notFound(id) }
            guard let device = session.device else {
                throw Problem(
                    status: 422, code: "EOPNOTSUPP", reason: "no-driver",
                    detail: "listener \(id.rawValue) is an observer; only a driver programs hardware")
            }
            session.renew(MonotonicClock.nanoseconds)
            session.hasReported = true
            return device
        }
    }

    func count(_ reports: ListenerSession.ReportCounts, of id: ChangeSequence) {
        state.withLock { state in state.sessions[id]?.reports.add(reports) }
    }

    static func notFound(_ id: ChangeSequence) -> Problem {
        Problem(ControlPlane.listenerNotFound("\(id.rawValue)"))
    }

    // MARK: For the keeper

    /// Acknowledgements that aren't in the store yet; they count as stored from now on.
    func takeAcknowledgements() -> [(id: ChangeSequence, version: ChangeSequence, sequence: ChangeSequence)] {
        state.withLock { state in
            state.sessions.values.filter(\.isDirty).map { session in
                session.isDirty = false
                return (session.id, session.version, session.acknowledged)
            }
        }
    }

    func putBack(_ ids: [ChangeSequence]) {
        state.withLock { state in
            for id in ids { state.sessions[id]?.isDirty = true }
        }
    }

    /// Those whose lease is over.
    func expired(_ now: UInt64) -> [ChangeSequence] {
        state.withLock { state in
            state.sessions.values.filter { $0.leaseEnd.map { $0 <= now } ?? false }.map(\.id)
        }
    }

    /// Whether someone must look again soon.
    var hasDuties: Bool { state.withLock { $0.sessions.values.contains { $0.isDirty || $0.leaseEnd != nil } } }
}

extension ListenerSession.ReportCounts {
    fileprivate mutating func add(_ other: Self) {
        accepted += other.accepted
        unchanged += other.unchanged
        rejected += other.rejected
        stale += other.stale
    }
}

extension EventHub.State {
    /// Unless it was changed or removed since its filter was looked up.
    func session(_ id: ChangeSequence, for filter: EventFilter) throws(Problem) -> ListenerSession {
        // A stream without it would be no sign of life, and what it sends could not be acknowledged.
        guard let session = sessions[id] else { throw EventHub.notFound(id) }
        guard session.filter == filter else { throw .filterChanged }
        return session
    }

    /// The stream ends with an error, once it has sent what it had begun. Who calls it wakes the streams.
    mutating func end(_ feed: EventFeed, _ problem: Problem) {
        feed.leave(.ending(problem))
        feed.session?.feed = nil
        feed.session = nil
        touched.append(feed)
    }

    /// The stream begins anew, with another filter.
    fileprivate mutating func refilter(_ feed: EventFeed, _ filter: EventFilter) {
        switch feed.phase {
        // It has not said hello yet, so there is nothing to take back.
        case .hello, .awaiting: end(feed, .filterChanged)
        case .ending, .ended: return
        default:
            feed.leave(.refiltered(filter))
            touched.append(feed)
        }
    }
}

extension Problem {
    static let filterChanged = Problem(
        status: 409, code: "ESTALE", reason: "filter-changed",
        detail: "the listener is registered for something else by now; connect again")
    static let takenOver = Problem(
        status: 409, code: "EBUSY", reason: "taken-over",
        detail: "another connection has taken over this listener's stream")
    static let listenerRemoved = Problem(
        status: 404, code: "ENOENT", reason: "listener-removed", detail: "the listener was removed")
    static let leaseExpired = Problem(
        status: 404, code: "ENOENT", reason: "lease-expired",
        detail: "nothing was heard of the listener for as long as its lease; register it again")
}
