public import Addressing
public import ChangeLog
internal import PathAttributes
public import Routing
internal import Threads

/// Peers that go, and what is known of them that doesn't count any more: on request, in time, with a link or a namespace.
extension ControlPlane {
    /// Forgets what is known of an address. Where there is a store, it is as durable as other changes are.
    ///
    /// Throws ENOENT if nothing is.
    ///
    /// - Returns: the number of the change, and that up to which it is stored then.
    @discardableResult
    public func forgetPeer(
        _ address: IPAddress, in name: String, condition: WriteCondition = .none, dryRun: Bool = false
    ) throws(FIBError) -> (sequence: ChangeSequence, stored: ChangeSequence) {
        if !dryRun { _ = try admit(.ofWorker) }
        let namespace = try namespace(name)
        let sequence = try gate.withShared { () throws(FIBError) -> ChangeSequence in
            if namespace.isClosing { throw Self.namespaceNotFound(name) }
            let last = try namespace.paths[address.family].forget(address, isDryRun: dryRun) {
                (present) throws(FIBError) in
                guard let present else { throw Self.peerNotFound(address, name) }
                try condition.check(present.version, "what is known of \(address)")
            }
            return last ?? log.head
        }
        if dryRun { return (sequence, sequence) }
        let stored = storePeers()
        committed()
        return (sequence, stored ?? sequence)
    }

    /// Forgets all that is known of paths, as `ip route flush cache` does (R5-56): of some namespaces and families; nil for all.
    ///
    /// - Returns: of how many peers something was forgotten, the number of the last change, and that up to which it is stored then.
    public func flushPeers(
        in names: [String]?, _ families: [AddressFamily]?, dryRun: Bool = false
    ) throws(FIBError) -> (count: Int, sequence: ChangeSequence, stored: ChangeSequence) {
        if !dryRun { _ = try admit(.ofWorker) }
        var count = 0
        for namespace in namespaces.withLock({ $0 }) where names?.contains(namespace.name) ?? true {
            for family in families ?? [.inet, .inet6] where !namespace.isClosing {
                let peers = namespace.paths[family]
                count += dryRun ? peers.image.count : peers.forgetAll { body in gate.withShared(body) }
                if !dryRun { committed() }
            }
        }
        let last = count == 0 || dryRun ? log.head : log.latestAside
        if dryRun || count == 0 { return (count, last, last) }
        let stored = storePeers()
        committed()
        return (count, last, stored ?? last)
    }

    // MARK: Without anyone asking

    /// Forgets what counts no more by now.
    ///
    /// - Returns: when there is something to do again, in milliseconds since 1970; nil if never.
    func expirePeers() -> UInt64? {
        var next: UInt64?
        for namespace in namespaces.withLock({ $0 }) where !namespace.isClosing {
            for peers in [namespace.paths.inet, namespace.paths.inet6] {
                let head = log.head
                var time = gate.withShared { peers.expire() }
                while let more = time, more <= clock(), log.head > head { time = gate.withShared { peers.expire() } }
                if log.head > head { committed() }
                if let time { next = min(next ?? time, time) }
            }
        }
        return next
    }

    /// What is known of destinations that are reached over a link whose MTU is another one since a change (R5-57). Looks up each of
    /// which a path MTU is known.
    func followMTU(of change: Change) {
        guard change.changesMTU, case .object(let object) = change.object, let old = object.old?.link,
            let new = object.new?.link, let namespace = try? namespace(object.object.namespace),
            let view = try? forwarding(namespace.name, hasPeers: false)
        else { return }
        for peers in [namespace.paths.inet, namespace.paths.inet6] where !peers.image.isEmpty {
            _ = peers.revise(because: .mtuChanged(change.sequence), within: { body in gate.withShared(body) }) {
                stored in
                guard let information = stored.information.following(link: old.mtu, to: new.mtu, now: view.now),
                    view.way(of: LookupQuery(destination: stored.address))?.device == new.name
                else { return nil }
                return information
            }
            committed()
        }
    }

    /// The peers of a namespace that is gone, in runs.
    func removePeers(of namespace: Namespace, _ removal: ChangeSequence) {
        for peers in [namespace.paths.inet, namespace.paths.inet6] {
            while gate.withShared({ peers.removeSome(because: .namespaceRemoved(removal)) }) > 0 { committed() }
        }
    }
}

extension Change {
    /// Whether a link has another MTU.
    var changesMTU: Bool {
        guard case .object(let object) = object, let old = object.old?.link, let new = object.new?.link else {
            return false
        }
        return old.mtu != new.mtu
    }
}
