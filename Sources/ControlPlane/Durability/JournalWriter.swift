internal import ChangeLog
internal import Routing
internal import Storage
internal import Threads

/// The journal's thread: what it alone knows, and its one loop.
struct JournalWriter {
    /// About what one commit takes in at most, in bytes: changes that come meanwhile wait for it.
    private static let batchBytes = 1 << 20
    /// Parts of a checkpoint in one commit.
    private static let partsAtOnce = 2
    /// Rows that are no longer needed and go with one commit. More than come in, so that they become fewer.
    private static let removalsAtOnce = 16
    /// How soon a write is tried again that the disk didn't take.
    private static let retryMilliseconds = 250

    let journal: Journal
    let plane: ControlPlane
    /// Of the state at the durable mark.
    private var summaries: KindSummaries
    private var reserved: UInt64
    private var bytesSinceCheckpoint: Int
    private var bytesOfCheckpoint = 0
    private var checkpoint: CheckpointWriter?
    /// Of peers, what the journal has.
    private var peers: [String: PeerImages]
    /// What checkpoints have of them that were begun, until the journal goes on from there too.
    private var checkpointPeers: [(sequence: ChangeSequence, images: [String: PeerImages])] = []

    init(_ journal: Journal, _ plane: ControlPlane, _ recovered: RecoveredPlace) {
        self.journal = journal
        self.plane = plane
        summaries = recovered.summaries
        reserved = recovered.reserved
        bytesSinceCheckpoint = recovered.bytesSinceCheckpoint
        peers = recovered.peers
    }

    /// Until the journal is stopped and everything is durable, or nothing can become so any more.
    mutating func run() {
        while true {
            plane.resumeOperations()
            // Asked before it looks for changes: what comes in between must not be left behind.
            let isLast = journal.isStopping
            let (write, settled) = next()
            if write.isEmpty, settled == nil {
                if isLast { return finish() }
                journal.signal.wait()
                continue
            }
            guard write.isEmpty || commit(write) else { return }
            if let settled {
                journal.log.settle(upTo: settled.position, bytes: settled.cost)
                plane.becameDurable()
            }
            journal.announceRoom()
            journal.store.tidy()
        }
    }

    // MARK: What is next

    /// Up to where a write makes the log durable, and what those records cost.
    private struct Settled {
        let position: ChangeSequence
        let cost: Int
    }

    private mutating func next() -> (StoreWrite, Settled?) {
        var write = StoreWrite()
        var settled: Settled?
        if let (batch, reached) = takeBatch() {
            write.batches = batch.map { [$0] } ?? []
            settled = reached
            bytesSinceCheckpoint += batch?.body.count ?? 0
            // Volatile changes have numbers too.
            if reached.position.rawValue + Journal.reservation > reserved {
                reserved = reached.position.rawValue + 2 * Journal.reservation
                write.reserved = reserved
            }
        }
        addCheckpoint(to: &write, durable: settled?.position ?? journal.log.durable)
        write.obsoleteUpTo = journal.log.floor(of: .main).rawValue
        if journal.store.hasObsoleteRows(upTo: write.obsoleteUpTo) { write.removals = Self.removalsAtOnce }
        return (write, settled)
    }

    /// What has come since, as far as it fits. It ends with a transaction's end: of one, all becomes durable or nothing. There
    /// is nothing to be written if all of it is volatile.
    private mutating func takeBatch() -> (JournalBatch?, Settled)? {
        let log = journal.log
        let (start, head) = (log.durable, log.head)
        guard start < head else { return nil }
        var writer = RecordWriter()
        writer.append(byte: RecordKind.changes.rawValue)
        var position = start
        var cost = 0
        // Of the changes that are written.
        var (first, last) = (ChangeSequence.zero, ChangeSequence.zero)
        var transaction: ChangeSequence?
        reading: while position < head, let run = log.read(after: position) {
            for change in run {
                let isWithin = transaction != nil && change.batch?.transaction == transaction
                if change.sequence > head || writer.bytes.count >= Self.batchBytes, !isWithin { break reading }
                if case .peerStorage(let storage) = change.object {
                    // A batch of its own.
                    if first != .zero { break reading }
                    cost += change.retainedBytes
                    position = change.sequence
                    if !storage.isOpening, run.hasStorage(after: position, upTo: head) {
                        // The next one has all that this has.
                        _ = storage.take()
                        continue
                    }
                    return (takePeers(storage, change.sequence), Settled(position: change.sequence, cost: cost))
                }
                position = change.sequence
                cost += change.retainedBytes
                transaction = change.batch?.transaction
                if change.isVolatile { continue }
                if first == .zero {
                    first = position
                    last = ChangeSequence(rawValue: position.rawValue - 1)
                    writer.append(position.rawValue)
                }
                writer.append(change, after: last)
                summaries.apply(change)
                last = position
            }
            // Those kept aside that follow have nothing to wait for.
            position = run.end
        }
        let settled = Settled(position: position, cost: cost)
        if first == .zero { return (nil, settled) }
        writer.append(summaries)
        return (JournalBatch(first: first.rawValue, last: last.rawValue, body: writer.bytes), settled)
    }

    /// Nil if the store has them as they are.
    private mutating func takePeers(_ storage: PeerStorage, _ sequence: ChangeSequence) -> JournalBatch? {
        var (writer, isEmpty) = (RecordWriter(), !storage.isOpening)
        writer.append(byte: RecordKind.peers.rawValue)
        let new = storage.isOpening ? peers : storage.take()
        // Whether a start begins with one of these checkpoints or with the one before, it comes to this.
        for old in storage.isOpening ? [] : [peers] + checkpointPeers.map(\.images) {
            var difference = PeerDifference(from: old, to: new)
            while let row = difference.nextRow() {
                writer.append(row)
                isEmpty = false
            }
        }
        peers = new
        if !storage.isOpening { checkpointPeers.removeAll { $0.sequence < sequence } }
        if isEmpty { return nil }
        return JournalBatch(first: sequence.rawValue, last: sequence.rawValue, body: writer.bytes)
    }

    /// The state is written down anew when the journal since the last time is long, beside what goes on, a few rows with
    /// each commit. The checkpoint counts once all changes that it holds are durable.
    private mutating func addCheckpoint(to write: inout StoreWrite, durable: ChangeSequence) {
        if checkpoint == nil {
            guard bytesSinceCheckpoint > max(journal.settings.checkpointBytes, bytesOfCheckpoint) else { return }
            let snapshot = plane.snapshot()
            checkpoint = CheckpointWriter(snapshot)
            let images = snapshot.namespaces.map { ($0.name, $0.peers) }
            checkpointPeers.append((snapshot.sequence, Dictionary(uniqueKeysWithValues: images)))
            bytesSinceCheckpoint = 0
            bytesOfCheckpoint = 0
        }
        guard var writer = checkpoint else { return }
        let sequence = writer.snapshot.sequence
        var parts: [[UInt8]] = []
        while parts.count < Self.partsAtOnce, !writer.isAtEnd { parts.append(writer.part()) }
        bytesOfCheckpoint += parts.reduce(0) { $0 + $1.count }
        if !parts.isEmpty { write.parts = (sequence.rawValue, parts) }
        checkpoint = writer
        guard writer.isAtEnd, durable >= sequence else { return }
        write.checkpoint = Checkpoint(sequence: sequence.rawValue, parts: writer.count, summary: writer.summary)
        checkpoint = nil
    }

    // MARK: Committing

    /// False if there is nothing more to be done: the store has failed, or the server stops and the disk takes nothing.
    private func commit(_ write: StoreWrite) -> Bool {
        while true {
            do throws(StoreError) {
                try journal.store.commit(write)
                change(to: .writing)
                return true
            } catch {
                change(to: error.isPassing ? .blocked(error.message) : .failed(error.message))
                guard error.isPassing else { return false }
                if journal.isStopping { return false }
                journal.signal.wait(milliseconds: Self.retryMilliseconds)
            }
        }
    }

    private func change(to status: JournalStatus) {
        let present = journal.status
        let isFailure = if case .failed = status { true } else { false }
        // Who stops admits nothing any more, whatever the disk does; only a failure is news then.
        guard present != status, present != .closed || isFailure else { return }
        journal.setStatus(status)
        plane.storeChanged(status)
    }

    /// A clean end: the next start goes on with the number that would have been next.
    private func finish() {
        var write = StoreWrite()
        // Not the head: after a crash, numbers beyond it may have been given out and are left out.
        write.reserved = journal.log.upcoming.rawValue - 1
        // If it fails, the next start leaves a gap in the numbers, which is no harm.
        try? journal.store.commit(write)
        journal.store.close()
    }
}

extension LogRun<Change> {
    /// Whether the first record behind a number is one that has peers stored.
    fileprivate func hasStorage(after position: ChangeSequence, upTo head: ChangeSequence) -> Bool {
        guard let next = first(where: { $0.sequence > position }), next.sequence <= head else { return false }
        if case .peerStorage = next.object { return true }
        return false
    }
}

extension KindSummaries {
    /// What a change makes of the sums.
    mutating func apply(_ change: Change) {
        switch change.object {
        case .route(let route):
            if let old = route.old { routes.remove(old.hash) }
            if let new = route.new { routes.add(new.hash) }
        case .hardware, .device, .listener, .status, .operationEnd, .notice, .peer, .peerStorage: break
        case .object(let object):
            if let old = object.old { self[old.kind].remove(old.hash) }
            if let new = object.new { self[new.kind].add(new.hash) }
        case .traffic(let traffic):
            if let old = traffic.old { self[old.kind].remove(old.hash) }
            if let new = traffic.new { self[new.kind].add(new.hash) }
        }
    }
}
