internal import ChangeLog
internal import HashTreeCollections

/// Filters of one mask that agree in all that is compared of packets by hash: mostly one; several if their ranges of ports differ.
enum FlowBucket<Entry: FlowEntry>: Sendable {
    case one(Entry)
    case several(Several)

    struct Several: Sendable {
        /// By when they came, which is the order in which packets meet them.
        var byBirth = Image<UInt64, Entry>()
        /// When each came, by what it compares.
        var births = TreeDictionary<PackedMatch, UInt64>()

        mutating func insert(_ entry: Entry) {
            byBirth.insert(entry, for: entry.place.born.rawValue)
            births[entry.packed] = entry.place.born.rawValue
        }
    }

    var entries: [Entry] {
        switch self {
        case .one(let entry): return [entry]
        case .several(let several):
            var (cursor, entries) = (several.byBirth.cursor(), [Entry]())
            while let (_, entry) = cursor.next() { entries.append(entry) }
            return entries
        }
    }

    func entry(sameAs packed: PackedMatch) -> Entry? {
        switch self {
        case .one(let entry): entry.packed.isSame(as: packed) ? entry : nil
        case .several(let several): several.births[packed].flatMap { several.byBirth[$0] }
        }
    }

    func inserting(_ entry: Entry) -> FlowBucket {
        var several = Several()
        switch self {
        case .one(let other): several.insert(other)
        case .several(let others): several = others
        }
        several.insert(entry)
        return .several(several)
    }

    /// It must be there. Nil if it was the last.
    func removing(_ entry: Entry) -> FlowBucket? {
        switch self {
        case .one(let one):
            precondition(one === entry, "a filter that isn't there")
            return nil
        case .several(var several):
            let removed = several.byBirth.remove(entry.place.born.rawValue)
            precondition(removed.map { $0 === entry } ?? false, "a filter that isn't there")
            several.births[entry.packed] = nil
            if several.byBirth.count == 1, let last = several.byBirth.first(from: 0) { return .one(last.value) }
            return .several(several)
        }
    }

    /// The first that a packet agrees with.
    func first(_ packet: FlowBits, _ options: TunnelOptions?) -> Entry? {
        switch self {
        case .one(let entry): return entry.packed.holds(packet, options) ? entry : nil
        case .several(let several):
            var cursor = several.byBirth.cursor()
            while let (_, entry) = cursor.next() { if entry.packed.holds(packet, options) { return entry } }
            return nil
        }
    }
}
