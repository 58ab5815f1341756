public import Addressing
public import ChangeLog
internal import Threads

/// What is forgotten because someone says so.
extension PeerStore {
    /// Forgets what is known of an address; one that someone holds stays without it.
    ///
    /// - Parameter check: throws if it is not to be forgotten as it is. Called under the lock.
    /// - Returns: the number of the change, if there was one.
    public func forget<Failure: Error>(
        _ address: IPAddress, isDryRun: Bool = false, _ check: (StoredPeer?) throws(Failure) -> Void
    ) throws(Failure) -> ChangeSequence? {
        try state.withLock { (state) throws(Failure) in
            let present = state.image[PeerKey(address)]
            try check(present)
            guard let present, !isDryRun else { return nil }
            defer { bump() }
            return forget(present, &state)
        }
    }

    private func forget(_ stored: StoredPeer, _ state: inout State) -> ChangeSequence? {
        if stored.peer.claim() {
            var last: ChangeSequence?
            host.commit(1, because: nil) { _, number in
                last = number
                return PeerChange(from: stored, to: nil)
            }
            drop(stored, &state)
            return last
        }
        if stored.information.isEmpty { return nil }
        return put(PathInformation(), stored.address, from: stored, source: nil, because: nil, &state).version
    }

    /// Forgets what is known of all, as they were when it began: kernel `ip route flush cache` (R5-56). Those that someone holds stay
    /// without it.
    ///
    /// - Parameter hold: runs what it is given, a run of changes, with what must be held meanwhile.
    /// - Returns: of how many something is forgotten.
    public func forgetAll(within hold: (() -> Int) -> Int) -> Int {
        var (cursor, count, isAtEnd) = (image.cursor(), 0, false)
        while !isAtEnd {
            var run: [StoredPeer] = []
            while run.count < Self.run, let (_, stored) = cursor.next() { run.append(stored) }
            isAtEnd = run.count < Self.run
            count += hold { state.withLock { state in forget(run, &state) } }
        }
        return count
    }

    private func forget(_ run: [StoredPeer], _ state: inout State) -> Int {
        let present = run.filter { state.image[PeerKey($0.address)] === $0 }
        var (gone, kept): ([StoredPeer], Int) = ([], 0)
        for stored in present {
            if stored.peer.claim() {
                gone.append(stored)
            } else if !stored.information.isEmpty {
                _ = put(PathInformation(), stored.address, from: stored, source: nil, because: .flushed, &state)
                kept += 1
            }
        }
        remove(gone, because: .flushed, &state)
        if gone.count + kept > 0 { bump() }
        return gone.count + kept
    }

    /// The link on the way has failed: how large packets may be isn't known any more (R5-23).
    public func forgetMTU(of address: IPAddress) -> ChangeSequence? {
        state.withLock { state in
            guard let stored = state.image[PeerKey(address)], stored.information.mtu != nil else { return nil }
            defer { bump() }
            var information = stored.information
            information.mtu = nil
            return put(information, address, from: stored, source: nil, because: nil, &state).version
        }
    }
}
