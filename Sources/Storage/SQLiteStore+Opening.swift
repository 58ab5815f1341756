/// What an open database is found to hold.
extension StoreState {
    init(reading statements: Statements, path: String) throws(StoreError) {
        var number: Int64 = -1
        defer { statements.selectState.reset() }
        self = try StoreState(statements.selectState, checkpoint: &number, path: path)
        if number >= 0 { checkpoint = try StoreState.readCheckpoint(UInt64(number), epoch, statements, path: path) }
        try findOldest(statements)
        try findParts(statements, path: path)
    }

    private static func readCheckpoint(
        _ number: UInt64, _ epoch: UInt64, _ statements: Statements, path: String
    ) throws(StoreError) -> FinishedCheckpoint {
        let row = statements.selectCheckpoint
        defer { row.reset() }
        let damage = StoreError.damage("\(path) is damaged: the row of checkpoint \(number) is not as it was written")
        guard try row.step() else { throw damage }
        let first = row.integer(1)
        let count = row.integer(2)
        let summary = row.bytes(4)
        let checksum = Checksum.of(
            .checkpoint, epoch: epoch, number, UInt64(bitPattern: first), UInt64(bitPattern: count), body: summary)
        guard row.integer(0) == number, row.integer(3) == checksum else { throw damage }
        return FinishedCheckpoint(
            value: Checkpoint(sequence: number, parts: Int(count), summary: summary), parts: first..<first + count)
    }

    mutating func findOldest(_ statements: Statements) throws(StoreError) {
        let row = statements.selectOldest
        defer { row.reset() }
        oldest = try row.step() ? row.number(0) : nil
    }

    /// Parts that don't belong to the finished checkpoint are left from one that was given up, or replaced.
    private mutating func findParts(_ statements: Statements, path: String) throws(StoreError) {
        let row = statements.selectLastPart
        defer { row.reset() }
        guard try row.step() else { return }
        let (first, last) = (row.integer(1), row.integer(0))
        guard first > 0, last >= first - 1, last < .max else {
            throw .damage("\(path) is damaged: its table 'part' has rows that were never written")
        }
        let all = first..<last + 1
        nextPart = all.upperBound
        guard let parts = checkpoint?.parts, !parts.isEmpty else {
            obsoleteParts = [all]
            return
        }
        nextPart = max(nextPart, parts.upperBound)
        if all.lowerBound < parts.lowerBound { obsoleteParts.append(all.lowerBound..<parts.lowerBound) }
        if parts.upperBound < all.upperBound { obsoleteParts.append(parts.upperBound..<all.upperBound) }
    }
}
