internal import ChangeLog
internal import ControlPlane

/// What a client that has the rows of an old snapshot still needs to have the state of a new one, as far as it has not
/// been written.
struct ReplayDifference: Sendable {
    let old: Snapshot
    let new: Snapshot
    /// The first difference of this replay, or the second.
    let round: Int
    private var walk: SnapshotDifference
    /// Of the client's state, with what was written.
    private(set) var summaries: KindSummaries

    init(from old: Snapshot, to new: Snapshot, _ filter: EventFilter, _ summaries: KindSummaries, round: Int) {
        self.old = old
        self.new = new
        self.round = round
        self.summaries = summaries
        walk = SnapshotDifference(from: old, to: new, filter)
    }

    /// Writes changes until `bytes` holds about `limit` or a millisecond's worth of rows was compared; false when none
    /// is left.
    mutating func write(_ encoder: EventEncoder, _ writer: EntryWriter, into bytes: inout [UInt8], limit: Int) -> Bool {
        // Where all routes of a namespace are looked at, it is a microsecond for each.
        for _ in 0..<8 where bytes.count < limit {
            let (change, isAtEnd) = walk.next(limit: 128)
            if let change {
                encoder.difference(change, from: old.sequence, to: new.sequence, writer, into: &bytes)
                summaries.apply(change)
            }
            if isAtEnd { return false }
        }
        return true
    }
}
