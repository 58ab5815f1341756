internal import ChangeLog
internal import Routing

/// What the switch has to do with one prefix of one table: the route that it was told of last, and what came of it. 48 bytes.
struct SwitchEntry {
    struct Marks: OptionSet {
        let rawValue: UInt8
        static let inUse = Marks(rawValue: 1)
        /// The prefix has its place in hardware, with this route or with the one that it could not take the place of.
        static let programmed = Marks(rawValue: 2)
        /// There was no room; it is tried again when there is.
        static let waiting = Marks(rawValue: 4)
        /// There is no route any more, but the deletion in hardware failed.
        static let gone = Marks(rawValue: 8)
    }

    var key: RouteKey
    var version: UInt64
    /// Its nexthop group.
    var group: UInt32
    var table: UInt32
    /// The revision of the group's answer by which it was told last.
    var told: UInt32 = 0
    var state = HardwareState.none
    var marks = Marks.inUse
    /// How often there was no room, in a row.
    var attempts: UInt8 = 0
    /// Moves each time it begins to wait.
    var stint: UInt8 = 0

    init(key: RouteKey, version: UInt64, group: UInt32, table: UInt32) {
        self.key = key
        self.version = version
        self.group = group
        self.table = table
    }
}

/// All entries of a switch, found by table and prefix: in pieces that stay where they are, so that growing copies only the
/// index. At 1.29 million entries 55 bytes each.
struct EntryTable {
    private static var pieceSize: Int { 1_024 }

    private var pieces: [[SwitchEntry]] = []
    /// Numbers of entries that are not in use.
    private var free: [UInt32] = []
    /// Open addressing: the number of an entry plus one, 0 where there is none.
    private var index: [UInt32] = Array(repeating: 0, count: 64)
    private(set) var count = 0

    /// One more than the highest number of an entry.
    var end: Int { pieces.isEmpty ? 0 : (pieces.count - 1) * Self.pieceSize + (pieces.last?.count ?? 0) }

    /// What it occupies, in bytes.
    var bytes: Int {
        pieces.count * Self.pieceSize * MemoryLayout<SwitchEntry>.stride + index.count * MemoryLayout<UInt32>.stride
            + free.capacity * MemoryLayout<UInt32>.stride
    }

    subscript(number: Int) -> SwitchEntry {
        get { pieces[number / Self.pieceSize][number % Self.pieceSize] }
        _modify { yield &pieces[number / Self.pieceSize][number % Self.pieceSize] }
    }

    /// The number of the entry of the prefix that `key` belongs to.
    func find(_ table: UInt32, _ key: RouteKey) -> Int? {
        var place = firstPlace(table, key)
        while index[place] != 0 {
            let number = Int(index[place]) - 1
            let entry = self[number]
            if entry.table == table, entry.key.isSamePrefix(as: key) { return number }
            place = (place + 1) & (index.count - 1)
        }
        return nil
    }

    /// Of a prefix that has none yet.
    mutating func insert(_ entry: SwitchEntry) -> Int {
        if (count + 1) * 4 > index.count * 3 { grow() }
        let number: Int
        if let last = free.popLast() {
            number = Int(last)
            self[number] = entry
        } else {
            if pieces.last.map({ $0.count == Self.pieceSize }) ?? true {
                var piece: [SwitchEntry] = []
                piece.reserveCapacity(pieces.isEmpty ? 0 : Self.pieceSize)
                pieces.append(piece)
            }
            pieces[pieces.count - 1].append(entry)
            number = end - 1
        }
        count += 1
        link(number)
        return number
    }

    mutating func remove(_ number: Int) {
        unlink(number)
        self[number].marks = []
        free.append(UInt32(number))
        count -= 1
    }

    // MARK: The index

    /// Spreads prefixes that differ in a few bits over the whole index.
    private func firstPlace(_ table: UInt32, _ key: RouteKey) -> Int {
        var mixed = key.high ^ key.low &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(key.length) &* 0xD6E8_FEB8_6659_FD93
        mixed ^= UInt64(table) &* 0xA076_1D64_78BD_642F
        mixed = (mixed ^ (mixed >> 32)) &* 0xD6E8_FEB8_6659_FD93
        mixed = (mixed ^ (mixed >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: mixed ^ (mixed >> 32)) & (index.count - 1)
    }

    private func firstPlace(_ number: Int) -> Int { firstPlace(self[number].table, self[number].key) }

    private mutating func link(_ number: Int) {
        var place = firstPlace(number)
        while index[place] != 0 { place = (place + 1) & (index.count - 1) }
        index[place] = UInt32(number + 1)
    }

    /// Moves up what follows, so that no search ends early at the place that becomes free.
    private mutating func unlink(_ number: Int) {
        let last = index.count - 1
        var hole = firstPlace(number)
        while index[hole] != UInt32(number + 1) { hole = (hole + 1) & last }
        var place = hole
        while true {
            place = (place + 1) & last
            if index[place] == 0 { break }
            let first = firstPlace(Int(index[place]) - 1)
            // It may stay if the search for it begins behind the hole.
            if (place &- first) & last < (place &- hole) & last { continue }
            index[hole] = index[place]
            hole = place
        }
        index[hole] = 0
    }

    private mutating func grow() {
        index = Array(repeating: 0, count: index.count * 2)
        for number in 0..<end where self[number].marks.contains(.inUse) { link(number) }
    }

    func _checkInvariants() {
        var used = 0
        for number in 0..<end where self[number].marks.contains(.inUse) {
            precondition(find(self[number].table, self[number].key) == number, "entry \(number) isn't found")
            used += 1
        }
        precondition(used == count, "\(used) entries in use, \(count) counted")
    }
}
