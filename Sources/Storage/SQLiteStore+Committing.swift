extension SQLiteStore {
    /// - Precondition: batches come in the order of their numbers, behind all that were ever committed. A checkpoint is
    ///   finished with as many parts as were committed for it. Numbers are below 2^63, bodies below 1 GB.
    public func commit(_ write: StoreWrite) throws(StoreError) {
        if let failure { throw failure }
        guard write.hasContent || state.hasObsolete(upTo: write.obsoleteUpTo) && write.removals > 0 else { return }
        var next = state
        do {
            try database.transaction { () throws(StoreError) in try apply(write, to: &next) }
        } catch {
            if !error.isPassing { failure = error }
            throw error
        }
        state = next
    }

    public func hasObsoleteRows(upTo bound: UInt64) -> Bool { state.hasObsolete(upTo: bound) }

    private func apply(_ write: StoreWrite, to next: inout StoreState) throws(StoreError) {
        if let reserved = write.reserved { next.reserved = reserved }
        for batch in write.batches { try add(batch, to: &next) }
        if let (sequence, bodies) = write.parts { try add(bodies, ofCheckpoint: sequence, to: &next) }
        if let checkpoint = write.checkpoint { try finish(checkpoint, in: &next) }
        var removals = write.removals
        try removeBatches(upTo: write.obsoleteUpTo, from: &next, atMost: &removals)
        try removeParts(from: &next, atMost: &removals)
        try next.write(with: statements.replaceState)
    }

    private func add(_ batch: JournalBatch, to next: inout StoreState) throws(StoreError) {
        precondition(batch.first > next.last && batch.last >= batch.first, "a batch out of order")
        let checksum = Checksum.of(.journal, epoch: next.epoch, batch.last, batch.first, next.last, body: batch.body)
        try statements.insertBatch.run(
            Int64(batch.last), Int64(batch.first), Int64(next.last), checksum, body: batch.body)
        next.last = batch.last
        next.reserved = max(next.reserved, batch.last)
        next.oldest = next.oldest ?? batch.last
    }

    private func add(
        _ bodies: [[UInt8]], ofCheckpoint sequence: UInt64, to next: inout StoreState
    ) throws(StoreError) {
        if next.making?.sequence != sequence { next.giveUp() }
        let first = next.making?.parts.lowerBound ?? next.nextPart
        for body in bodies {
            let number = UInt64(next.nextPart - first)
            let checksum = Checksum.of(.part, epoch: next.epoch, sequence, number, body: body)
            try statements.insertPart.run(next.nextPart, checksum, body: body)
            next.nextPart += 1
        }
        next.making = (sequence, first..<next.nextPart)
    }

    private func finish(_ checkpoint: Checkpoint, in next: inout StoreState) throws(StoreError) {
        if next.making?.sequence != checkpoint.sequence { next.giveUp() }
        let parts = next.making?.parts ?? next.nextPart..<next.nextPart
        precondition(parts.count == checkpoint.parts, "a checkpoint without all its parts")
        let checksum = Checksum.of(
            .checkpoint, epoch: next.epoch, checkpoint.sequence, UInt64(parts.lowerBound), UInt64(parts.count),
            body: checkpoint.summary)
        try statements.deleteCheckpoint.run()
        try statements.insertCheckpoint.run(
            Int64(checkpoint.sequence), parts.lowerBound, Int64(parts.count), checksum, body: checkpoint.summary)
        if let previous = next.checkpoint { next.obsoleteParts.append(previous.parts) }
        next.checkpoint = .init(value: checkpoint, parts: parts)
        next.making = nil
    }

    private func removeBatches(
        upTo bound: UInt64, from next: inout StoreState, atMost removals: inout Int
    ) throws(StoreError) {
        guard removals > 0, next.hasObsoleteBatches(upTo: bound) else { return }
        let rows = statements.selectObsolete
        defer { rows.reset() }
        rows.start(Int64(next.obsoleteBound(bound)), Int64(removals))
        while try rows.step() {
            next.removed = rows.number(0)
            removals -= 1
        }
        rows.reset()
        try statements.deleteBatches.run(Int64(next.removed))
        try next.findOldest(statements)
    }

    private func removeParts(from next: inout StoreState, atMost removals: inout Int) throws(StoreError) {
        while removals > 0, let parts = next.obsoleteParts.first {
            let removed = parts.prefix(removals)
            try statements.deleteParts.run(removed.startIndex, removed.endIndex)
            removals -= removed.count
            next.obsoleteParts[0] = removed.endIndex..<parts.upperBound
            if next.obsoleteParts[0].isEmpty { next.obsoleteParts.removeFirst() }
        }
    }
}

extension StoreWrite {
    /// Whether there is more to it than the removal of what is no longer needed.
    fileprivate var hasContent: Bool { !batches.isEmpty || reserved != nil || parts != nil || checkpoint != nil }
}

extension StoreState {
    /// Batches that end at or before this number may go: no one asks for them, and the checkpoint has what they did.
    fileprivate func obsoleteBound(_ obsoleteUpTo: UInt64) -> UInt64 {
        min(obsoleteUpTo, checkpoint?.value.sequence ?? 0)
    }

    fileprivate func hasObsoleteBatches(upTo bound: UInt64) -> Bool {
        oldest.map { $0 <= obsoleteBound(bound) } ?? false
    }

    fileprivate func hasObsolete(upTo bound: UInt64) -> Bool {
        hasObsoleteBatches(upTo: bound) || !obsoleteParts.isEmpty
    }
}
