/// What holds for a store as a whole, and what it must remember between commits. A commit makes the next one of it, which
/// counts once the commit is durable.
struct StoreState {
    let epoch: UInt64
    var reserved: UInt64 = 0
    /// `last` of the newest batch ever, and of the newest that was removed. Equal if there are none.
    var last: UInt64 = 0
    var removed: UInt64 = 0
    var checkpoint: FinishedCheckpoint?

    // What follows is found anew when the store is opened.
    /// `last` of the oldest batch that is there; nil if there is none.
    var oldest: UInt64?
    /// The checkpoint that is being made, and where its parts are so far.
    var making: (sequence: UInt64, parts: Range<Int64>)?
    /// Parts that are to be removed.
    var obsoleteParts: [Range<Int64>] = []
    var nextPart: Int64 = 1

    struct FinishedCheckpoint {
        let value: Checkpoint
        let parts: Range<Int64>
    }

    init(epoch: UInt64) { self.epoch = epoch }

    var contents: StoreContents {
        StoreContents(epoch: epoch.hexadecimal, reserved: reserved, checkpoint: checkpoint?.value)
    }

    /// Gives up the checkpoint that is being made.
    mutating func giveUp() {
        if let making { obsoleteParts.append(making.parts) }
        making = nil
    }
}

/// As a row of the table `store`.
extension StoreState {
    static let replace = "INSERT OR REPLACE INTO store VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)"
    static let select = "SELECT epoch, reserved, last, removed, checkpoint, checksum FROM store"

    func write(with replace: Statement) throws(StoreError) {
        let checkpoint = checkpoint.map { Int64($0.value.sequence) } ?? -1
        try replace.run(
            Int64(bitPattern: epoch), Int64(reserved), Int64(last), Int64(removed), checkpoint,
            checksum(checkpoint: checkpoint))
    }

    /// All but the checkpoint, of which `checkpoint` gets the number, or -1.
    init(_ row: Statement, checkpoint: inout Int64, path: String) throws(StoreError) {
        guard try row.step() else { throw .damage("\(path) is damaged: its table 'store' is empty") }
        epoch = row.number(0)
        reserved = row.number(1)
        last = row.number(2)
        removed = row.number(3)
        checkpoint = row.integer(4)
        guard row.integer(5) == checksum(checkpoint: checkpoint) else {
            throw .damage("\(path) is damaged: the row of its table 'store' is not as it was written")
        }
    }

    private func checksum(checkpoint: Int64) -> Int64 {
        Checksum.of(.state, epoch: epoch, reserved, last, removed, UInt64(bitPattern: checkpoint))
    }
}

extension UInt64 {
    /// 16 digits.
    fileprivate var hexadecimal: String {
        let digits = String(self, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
