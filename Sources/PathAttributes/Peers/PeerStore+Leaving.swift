public import Addressing
public import ChangeLog
internal import HeapModule
internal import Threads

/// Peers that go, and what is known of them that counts no more.
extension PeerStore {
    /// How many of those beside a new one are looked at. The kernel looks at those on the way to it, 32 at most, which it has touched
    /// anyway (R5-06); here each is a look into memory of its own, and there must be more than one to keep up.
    private static var neighbours: Int { 8 }
    /// Peers that are changed together.
    static var run: Int { 1_024 }

    /// Removes those beside a place that no one holds and that have been idle for long enough (R5-06, R5-07).
    func collect(beside address: IPAddress, _ now: UInt64, _ state: inout State) {
        let allowed = state.limits.allowedIdle(of: state.image.count)
        var gone: [StoredPeer] = []
        var looked = 0
        for start in [PeerKey(address), nil] where looked < Self.neighbours {
            var cursor = state.image.cursor(from: start)
            while looked < Self.neighbours, let (_, stored) = cursor.next() {
                looked += 1
                let used = stored.peer.lastUsed
                if (now > used ? now - used : 0) >= allowed, stored.peer.claim() { gone.append(stored) }
            }
        }
        remove(gone, because: .collected, &state)
    }

    func remove(_ gone: [StoredPeer], because reason: PeerReason?, _ state: inout State) {
        if gone.isEmpty { return }
        host.commit(gone.count, because: reason) { index, _ in PeerChange(from: gone[index], to: nil) }
        for peer in gone { drop(peer, &state) }
    }

    // MARK: Time

    /// Forgets what has come to its end, of some peers; those of which nothing is left go, unless someone holds them (R5-22, R5-55).
    ///
    /// - Returns: when there is something to do again; nil if never.
    public func expire() -> UInt64? {
        state.withLock { state in
            let now = host.now
            for _ in 0..<Self.run {
                guard let first = state.expiries.min, first.time <= now else { break }
                state.expiries.removeMin()
                guard let stored = state.image[PeerKey(first.address)] else { continue }
                expire(stored, now, &state)
            }
            return state.expiries.min?.time
        }
    }

    private func expire(_ stored: StoredPeer, _ now: UInt64, _ state: inout State) {
        let left = stored.information.valid(at: now)
        if left == stored.information {
            // It was renewed since.
            guard let expiry = left.firstExpiry else { return }
            return state.queue(stored, at: expiry)
        }
        if left.isEmpty, stored.peer.claim() { return remove([stored], because: .expired, &state) }
        let new = put(left, stored.address, from: stored, source: nil, because: .expired, &state)
        if let expiry = new.information.firstExpiry { state.queue(new, at: expiry) }
    }

    /// Changes what is known of many, as they were when it began; those that were changed meanwhile stay.
    ///
    /// - Parameters:
    ///   - hold: runs what it is given, a run of changes, with what must be held meanwhile.
    ///   - change: nil for those that stay as they are.
    /// - Returns: how many were changed.
    public func revise(
        because reason: PeerReason, within hold: (() -> Int) -> Int, _ change: (StoredPeer) -> PathInformation?
    ) -> Int {
        var (cursor, count) = (image.cursor(), 0)
        var isAtEnd = false
        while !isAtEnd {
            var run: [(StoredPeer, PathInformation)] = []
            while run.count < Self.run, !isAtEnd {
                guard let (_, stored) = cursor.next() else {
                    isAtEnd = true
                    break
                }
                if let information = change(stored) { run.append((stored, information)) }
            }
            if run.isEmpty { continue }
            count += hold { state.withLock { state in put(run, because: reason, &state) } }
        }
        return count
    }

    private func put(
        _ run: [(StoredPeer, PathInformation)], because reason: PeerReason, _ state: inout State
    ) -> Int {
        var count = 0
        for (old, information) in run where state.image[PeerKey(old.address)] === old {
            _ = put(information, old.address, from: old, source: nil, because: reason, &state)
            count += 1
        }
        if count > 0 { bump() }
        return count
    }

    /// Removes some of them, whoever holds them: their namespace is gone. How many.
    public func removeSome(because reason: PeerReason) -> Int {
        state.withLock { state in
            var (cursor, gone) = (state.image.cursor(), [StoredPeer]())
            while gone.count < Self.run, let (_, stored) = cursor.next() { gone.append(stored) }
            for stored in gone { _ = stored.peer.claim() }
            remove(gone, because: reason, &state)
            if !gone.isEmpty { bump() }
            return gone.count
        }
    }

    // MARK: Stores

    /// One from before a restart, or what it was later. Before anyone else knows of the namespace.
    public func restore(
        _ address: IPAddress, _ information: PathInformation, source: IPAddress?, version: ChangeSequence
    ) {
        let hash = host.hash(address, information)
        state.withLock { state in
            if let former = state.image[PeerKey(address)] { drop(former, &state) }
            let peer = Peer(address, now: host.now)
            insert(
                StoredPeer(peer, information, source: source, version: version, hash: hash), from: nil, &state)
        }
    }

    /// One that was gone then, if it is there.
    public func restoreAbsence(of address: IPAddress) {
        state.withLock { state in
            if let former = state.image[PeerKey(address)] { drop(former, &state) }
        }
    }
}
