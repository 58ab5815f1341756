internal import ChangeLog
internal import Storage
internal import Threads
internal import TrafficControl

/// The life of a control plane whose state is in a store.
extension ControlPlane {
    func start(_ journal: Journal, _ place: RecoveredPlace) throws(RecoveryError) {
        var place = place
        var write = StoreWrite()
        place.reserved = max(place.reserved, log.head.rawValue) + 2 * Journal.reservation
        write.reserved = place.reserved
        do throws(StoreError) {
            // Before any number is given out.
            try journal.store.commit(write)
        } catch {
            throw RecoveryError(message: error.message)
        }
        // By this thread, before anyone else can: a start ends with nothing half done.
        let cut = claimOperations()
        let images = namespaces.withLock { $0 }.map { ($0.name, $0.paths.images) }
        place.peers = Dictionary(uniqueKeysWithValues: images)
        let recovered = place
        let thread = Thread(name: "journal") {
            var writer = JournalWriter(journal, self, recovered)
            writer.run()
        }
        journalThread.withLock { $0 = thread }
        if namespaces.withLock({ $0.isEmpty }) {
            createDefaultNamespace()
        } else if place.lacksRules {
            createMissingRules()
        }
        for namespace in namespaces.withLock({ $0 }) { gate.withShared { namespace.traffic.sweep() } }
        journal.signal.raise()
        finish(cut)
    }

    /// Makes durable what can be, and ends the use of the store; members of the chain are told of nothing any more. Call it
    /// once, when nothing is written any more.
    public func close() {
        endChain()
        guard let journal else { return }
        if log.latestAside > peersStored.withLock({ $0.latest }) { _ = storePeers() }
        // First those that make changes, then the one that makes them durable.
        journal.close()
        while let thread = operationThreads.withLock({ $0.popLast() }) { thread.join() }
        journal.stop()
        journalThread.withLock { $0.take() }?.join()
    }

    /// How it goes with making changes durable; nil if memory is the only store.
    public var storeStatus: JournalStatus? { journal?.status }

    /// Called on the journal's thread when it becomes another. It must not block.
    public func whenStoreChanges(_ action: @escaping @Sendable (JournalStatus) -> Void) {
        hooks.withLock { $0.storeStatus = action }
    }

    func storeChanged(_ status: JournalStatus) { hooks.withLock { $0.storeStatus }(status) }
}
