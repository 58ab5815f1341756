extension SQLiteStore {
    public func readCheckpoint(_ take: ([UInt8]) throws -> Void) throws {
        try forEachPart(take) { throw StoreError.damage("\(database.path) is damaged: \($0)") }
    }

    public func readJournal(_ take: (JournalBatch) throws -> Void) throws {
        try forEachBatch(take) { throw StoreError.damage("\(database.path) is damaged: \($0)") }
    }

    /// - Parameter damage: called with what is wrong, and instead of `take` if that is a part. Reading goes on.
    func forEachPart(_ take: ([UInt8]) throws -> Void, damage: (String) throws -> Void) throws {
        guard let checkpoint = state.checkpoint else { return }
        let sequence = checkpoint.value.sequence
        let rows = statements.selectParts
        defer { rows.reset() }
        rows.start(checkpoint.parts.lowerBound, checkpoint.parts.upperBound)
        var expected = checkpoint.parts.lowerBound
        while try rows.step() {
            let id = rows.integer(0)
            let number = UInt64(id - checkpoint.parts.lowerBound)
            let body = rows.bytes(2)
            if id != expected { try damage("checkpoint \(sequence) lacks parts before part \(number)") }
            expected = id + 1
            if rows.integer(1) == Checksum.of(.part, epoch: state.epoch, sequence, number, body: body) {
                try take(body)
            } else {
                try damage("part \(number) of checkpoint \(sequence) is not as it was written")
            }
        }
        if expected != checkpoint.parts.upperBound { try damage("checkpoint \(sequence) lacks its last parts") }
    }

    /// As `forEachPart`, for the journal.
    func forEachBatch(_ take: (JournalBatch) throws -> Void, damage: (String) throws -> Void) throws {
        let rows = statements.selectBatches
        defer { rows.reset() }
        var expected = state.removed
        while try rows.step() {
            let batch = JournalBatch(first: rows.number(1), last: rows.number(0), body: rows.bytes(4))
            let previous = rows.number(2)
            let checksum = Checksum.of(
                .journal, epoch: state.epoch, batch.last, batch.first, previous, body: batch.body)
            if previous != expected {
                try damage("the journal lacks what came after number \(expected) and before batch \(batch.last)")
            }
            expected = batch.last
            if rows.integer(3) == checksum {
                try take(batch)
            } else {
                try damage("batch \(batch.last) of the journal is not as it was written")
            }
        }
        if expected != state.last { try damage("the journal lacks what came after number \(expected)") }
    }
}
