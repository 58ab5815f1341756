public import ChangeLog
public import Routing
internal import Threads
internal import TrafficControl

extension ControlPlane {
    public static let defaultNamespace = "default"

    /// What a namespace may be called: as the kernel's tools name them, 1 to 63 letters, digits, `.`, `_` and `-`, not
    /// beginning with a dot or a dash.
    public static func isValidNamespaceName(_ name: String) -> Bool {
        guard (1...63).contains(name.utf8.count), let first = name.utf8.first else { return false }
        let isPlain: (UInt8) -> Bool = { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isPlain(first)
            && name.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    public struct NamespaceResult: Sendable {
        public let outcome: WriteResult.Outcome
        public let stored: StoredObject
        /// The number of the change; if nothing changed, the head.
        public let sequence: ChangeSequence
    }

    public func storedNamespace(_ name: String) throws(FIBError) -> (stored: StoredObject, sequence: ChangeSequence) {
        try namespace(name).state.withLock { (state) throws(FIBError) in (try state.own(), log.head) }
    }

    /// Creates the namespace or changes its settings. `update` gets the present settings, or nil where there is none.
    public func putNamespace(
        _ name: String, condition: WriteCondition = .none, dryRun: Bool = false,
        _ update: (NamespaceSettings?) throws(FIBError) -> NamespaceSettings
    ) throws(FIBError) -> NamespaceResult {
        guard Self.isValidNamespaceName(name) else {
            throw FIBError(
                .einval, .namespaceNameInvalid,
                "'\(name)' can't name a namespace: use 1 to 63 letters, digits, '.', '_' and '-', "
                    + "not beginning with '.' or '-'")
        }
        if !dryRun { _ = try admit(.ofWorker) }
        let result = try gate.withExclusive { () throws(FIBError) in
            guard let namespace = try? self.namespace(name) else {
                return try create(name, condition, dryRun, try update(nil))
            }
            let result = try namespace.state.withLock { (state) throws(FIBError) in
                try self.change(name, &state, condition, dryRun, try update(state.settings))
            }
            if !dryRun, let settings = result.stored.settings { namespace.paths.set(settings.paths.limits) }
            return result
        }
        if !dryRun, result.outcome != .unchanged { committed() }
        return result
    }

    private func create(
        _ name: String, _ condition: WriteCondition, _ dryRun: Bool, _ settings: NamespaceSettings
    ) throws(FIBError) -> NamespaceResult {
        if case .version(let wanted) = condition {
            throw FIBError(.estale, .versionMismatch, "'\(name)' is not there, so not at version \(wanted.rawValue)")
        }
        guard namespaces.withLock({ $0.count }) < limits.namespaces else {
            throw FIBError(.enobufs, .tooManyNamespaces, "\(limits.namespaces) namespaces is the limit")
        }
        let stored = StoredObject(.namespace(settings), in: name, version: log.upcoming)
        if dryRun { return NamespaceResult(outcome: .created, stored: stored, sequence: log.head) }
        insert(name, stored)
        return NamespaceResult(outcome: .created, stored: stored, sequence: log.head)
    }

    /// Under the exclusive gate: the namespace, and with it the rules that it begins with, in one transaction.
    private func insert(_ name: String, _ stored: StoredObject) {
        let objects = [stored] + StoredObject.defaultRules(of: name, from: stored.version.next)
        log.append(contentsOf: Change.additions(of: objects))
        callsOfNamespaces.withLock { $0 += 1 }
        let namespace = Namespace(name: name, stored: stored, trafficGround)
        namespace.trafficLink.connect(log)
        for device in filterDevices.withLock({ $0.sorted { $0.key < $1.key }.map(\.value) }) {
            namespace.traffic.add(device)
        }
        namespace.state.withLock { state in
            for rule in objects.dropFirst() { state.set(rule) }
            state.chain.guards = chain.guards(of: name)
            state.devices = devices.withLock { $0 }
        }
        namespaces.withLock { $0.insert(namespace, at: $0.firstIndex(atOrAfter: name)) }
    }

    func createDefaultNamespace() {
        let value = ObjectValue.namespace(NamespaceSettings())
        insert(Self.defaultNamespace, StoredObject(value, in: Self.defaultNamespace, version: log.upcoming))
    }

    private func change(
        _ name: String, _ state: inout Namespace.State, _ condition: WriteCondition, _ dryRun: Bool,
        _ settings: NamespaceSettings
    ) throws(FIBError) -> NamespaceResult {
        if state.isClosing {
            throw FIBError(.ebusy, .namespaceBusy, "'\(name)' is being removed; try again when its routes are gone")
        }
        let old = try state.own()
        try check(name, condition, old)
        if settings == old.settings {
            return NamespaceResult(outcome: .unchanged, stored: old, sequence: log.head)
        }
        let new = StoredObject(.namespace(settings), in: name, version: log.upcoming)
        if dryRun { return NamespaceResult(outcome: .replaced, stored: new, sequence: log.head) }
        log.append { sequence in
            Change(
                sequence: sequence, operation: .replace, object: .object(ObjectChange(old: old, new: new)), batch: nil)
        }
        state.chain.countObject()
        state.set(new)
        return NamespaceResult(outcome: .replaced, stored: new, sequence: new.version)
    }

    private func check(_ name: String, _ condition: WriteCondition, _ old: StoredObject) throws(FIBError) {
        switch condition {
        case .none: return
        case .absent:
            throw FIBError(.eexist, .versionMismatch, "'\(name)' exists at version \(old.version.rawValue)")
        case .version(let wanted):
            guard old.version != wanted else { return }
            throw FIBError(
                .estale, .versionMismatch, "'\(name)' is at version \(old.version.rawValue), not \(wanted.rawValue)")
        }
    }

    /// Removes a namespace: first itself, then its routes in runs, with the removal as their cause.
    public func deleteNamespace(
        _ name: String, condition: WriteCondition = .none, dryRun: Bool = false
    ) throws(FIBError) -> ChangeSequence {
        if name == Self.defaultNamespace {
            throw FIBError(.eperm, .namespacePermanent, "the namespace 'default' always exists")
        }
        if !dryRun { _ = try admit(.ofWorker) }
        let namespace = try self.namespace(name)
        let (removal, snapshot) = try gate.withExclusive { () throws(FIBError) in
            let sequence = try namespace.state.withLock { (state) throws(FIBError) -> ChangeSequence in
                let old = try state.own()
                try self.check(name, condition, old)
                if dryRun { return log.head }
                state.close()
                namespace.traffic.setClosed(true)
                callsOfNamespaces.withLock { $0 += 1 }
                return log.append { sequence in
                    Change(
                        sequence: sequence, operation: .delete, object: .object(ObjectChange(old: old, new: nil)),
                        batch: nil)
                }
            }
            if !dryRun { begin(UnfinishedOperation(removing: name, sequence)) }
            return (sequence, snapshotWithinGate())
        }
        if dryRun { return removal }
        committed()
        let routes = finish(UnfinishedOperation(removing: name, removal), on: snapshot, .ofWorker)
        return routes.count == 0 ? removal : routes.last
    }

    /// Lets go of a namespace whose routes have gone.
    func dropIfEmpty(_ name: String) {
        gate.withExclusive {
            namespaces.withLock { all in
                all.removeAll { namespace in
                    guard namespace.name == name else { return false }
                    return namespace.state.withLock { state in
                        guard state.isClosing, state.isEmpty, namespace.traffic.isEmpty, namespace.paths.isEmpty else {
                            return false
                        }
                        callsOfNamespaces.withLock { $0 += state.chain.calls.sum }
                        impairments.withLock { $0[name] = nil }
                        return true
                    }
                }
            }
        }
    }
}

extension Namespace.State {
    /// Its own object.
    func own() throws(FIBError) -> StoredObject {
        guard let stored = objects[.namespace] else { throw ControlPlane.namespaceNotFound(name) }
        return stored
    }
}
