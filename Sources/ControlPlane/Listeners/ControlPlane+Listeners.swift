public import ChangeLog
public import Routing
internal import Threads

extension LockRank {
    /// Which listeners are registered. Inside the gate, outside the log.
    static let listeners = LockRank(25, "listeners")
}

extension ControlPlane {
    /// A registration, and the number of the change; the head if nothing changed.
    public struct ListenerResult: Sendable {
        public let listener: StoredListener
        public var sequence: ChangeSequence
    }

    /// In the order in which they were registered.
    public var presentListeners: [StoredListener] { listeners.withLock { $0 } }

    /// All of them as of one number.
    public func listenersAsOf() -> (listeners: [StoredListener], sequence: ChangeSequence) {
        listeners.withLock { ($0, log.head) }
    }

    /// By the number that is its id, or by name.
    public func listener(_ idOrName: String) throws(FIBError) -> StoredListener {
        try listenerAsOf(idOrName).listener
    }

    /// The same, with the head.
    public func listenerAsOf(_ idOrName: String) throws(FIBError) -> ListenerResult {
        let (all, head) = listenersAsOf()
        let found = all.first { idOrName == String($0.id.rawValue) || idOrName == $0.settings.name }
        guard let found else { throw Self.listenerNotFound(idOrName) }
        return ListenerResult(listener: found, sequence: head)
    }

    public static func listenerNotFound(_ name: String) -> FIBError {
        FIBError(.enoent, .listenerNotFound, "there is no listener '\(name)'; register it with POST /v1/listeners")
    }

    /// Registers a listener. Changes of listeners don't wait for the disk: see `awaitRoom`.
    ///
    /// - Throws: EINVAL for a name that can't be one, EEXIST for one that is taken, ENOBUFS if there are too many.
    public func addListener(_ settings: ListenerSettings, dryRun: Bool = false) throws(FIBError) -> ListenerResult {
        guard Self.isValidNamespaceName(settings.name), settings.name.contains(where: { !$0.isNumber }) else {
            throw FIBError(
                .einval, .listenerNameInvalid,
                "'\(settings.name)' can't name a listener: use 1 to 63 letters, digits, '.', '_' and '-', not beginning "
                    + "with '.' or '-', and not digits alone, which are ids")
        }
        return try changeListeners(dryRun) { (all, sequence) throws(FIBError) in
            if let other = all.first(where: { $0.settings.name == settings.name }) {
                throw FIBError(
                    .eexist, .listenerExists,
                    "the name '\(settings.name)' is taken by listener \(other.id.rawValue); change it with PATCH, or "
                        + "remove it first")
            }
            guard all.count < limits.listeners else {
                throw FIBError(.enobufs, .tooManyListeners, "\(limits.listeners) listeners is the limit")
            }
            return (nil, StoredListener(id: sequence, settings: settings, version: sequence, acknowledged: .zero))
        }
    }

    /// Changes what a listener is registered for. With another filter, its place in the log means nothing any more.
    public func changeListener(
        _ id: ChangeSequence, condition: WriteCondition = .none, dryRun: Bool = false,
        _ edit: (inout ListenerSettings) -> Void
    ) throws(FIBError) -> ListenerResult {
        try changeListeners(dryRun) { (all, sequence) throws(FIBError) in
            let old = try Self.find(id, in: all, condition)
            var new = old
            edit(&new.settings)
            if new.settings == old.settings { return (old, old) }
            if new.settings.filter != old.settings.filter { new.acknowledged = .zero }
            new.version = sequence
            return (old, new)
        }
    }

    public func removeListener(
        _ id: ChangeSequence, condition: WriteCondition = .none, dryRun: Bool = false
    ) throws(FIBError) -> ListenerResult {
        try changeListeners(dryRun) { (all, _) throws(FIBError) in (try Self.find(id, in: all, condition), nil) }
    }

    /// Remembers how far listeners have come, of those that are still there and registered for the same. False, and nothing has
    /// happened, if that can't be stored at the moment.
    @discardableResult
    public func acknowledge(
        _ places: [(id: ChangeSequence, version: ChangeSequence, sequence: ChangeSequence)]
    ) -> Bool {
        guard (try? admit(.none)) == true else { return false }
        gate.withShared {
            listeners.withLock { all in
                for place in places {
                    guard let index = all.firstIndex(where: { $0.id == place.id && $0.version == place.version }),
                        all[index].acknowledged < place.sequence,
                        hasNews(
                            after: all[index].acknowledged, upTo: place.sequence, all[index].settings.filter.lanes)
                    else { continue }
                    let old = all[index]
                    all[index].acknowledged = place.sequence
                    append(ListenerChange(old: old, new: all[index]), .replace)
                }
            }
        }
        committed()
        return true
    }

    /// Whether anything lies between that is not itself a change of a listener. Without that, every acknowledgement would give
    /// the next heartbeat a number to acknowledge, for ever. Looks at 128 records at most.
    private func hasNews(after position: ChangeSequence, upTo end: ChangeSequence, _ lanes: LogLanes) -> Bool {
        guard let run = log.read(after: position, lanes) else { return true }
        let between = run.prefix { $0.sequence <= end }
        // There may be more than a run has.
        if between.count == run.count, run.end < end { return true }
        return between.contains { if case .listener = $0.object { false } else { true } }
    }

    // MARK: Within the gate

    private func changeListeners(
        _ dryRun: Bool,
        _ decide: ([StoredListener], ChangeSequence) throws(FIBError) -> (old: StoredListener?, new: StoredListener?)
    ) throws(FIBError) -> ListenerResult {
        if !dryRun, try !admit(.none) { throw Journal.busy }
        let result = try gate.withExclusive { () throws(FIBError) in
            try listeners.withLock { (all) throws(FIBError) in
                let (old, new) = try decide(all, log.upcoming)
                guard let shown = new ?? old else { preconditionFailure("a change of no listener") }
                if dryRun || old == new { return ListenerResult(listener: shown, sequence: log.head) }
                all.removeAll { $0.id == old?.id }
                if let new { all.insert(new, at: all.firstIndex { $0.id > new.id } ?? all.endIndex) }
                let sequence = append(
                    ListenerChange(old: old, new: new), old == nil ? .add : new == nil ? .delete : .replace)
                return ListenerResult(listener: shown, sequence: sequence)
            }
        }
        if !dryRun { committed() }
        return result
    }

    @discardableResult
    private func append(_ change: ListenerChange, _ operation: ChangeOperation) -> ChangeSequence {
        log.append { sequence in
            Change(sequence: sequence, operation: operation, object: .listener(change), batch: nil)
        }
    }

    private static func find(
        _ id: ChangeSequence, in all: [StoredListener], _ condition: WriteCondition
    ) throws(FIBError) -> StoredListener {
        guard let found = all.first(where: { $0.id == id }) else { throw listenerNotFound("\(id.rawValue)") }
        switch condition {
        case .none: return found
        case .absent:
            throw FIBError(
                .eexist, .versionMismatch,
                "listener '\(found.settings.name)' exists at version \(found.version.rawValue)")
        case .version(let wanted):
            guard found.version != wanted else { return found }
            throw FIBError(
                .estale, .versionMismatch,
                "listener '\(found.settings.name)' is at version \(found.version.rawValue), not \(wanted.rawValue)")
        }
    }
}
