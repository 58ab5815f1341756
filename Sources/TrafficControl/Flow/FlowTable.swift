internal import HashTreeCollections

/// Something that is found by the packets that it is for.
protocol FlowEntry: AnyObject, Sendable {
    var packed: PackedMatch { get }
    /// When it came, among all of its table; one that takes another's place has that one's.
    var order: UInt64 { get }
    /// Whether packets pass over it, since it is for hardware alone.
    var isPassedOver: Bool { get }
}

/// The filters of one proto of flower: by mask in the order in which these came (R4-53), and in a mask by a hash.
///
/// A value: a copy never changes, and shares with the other all that hasn't changed since. O(masks) to classify.
struct FlowTable<Entry: FlowEntry>: Sendable {
    /// Those that agree in all that is compared of packets by hash, mostly one; several if their ranges of ports differ, in the order
    /// in which they came.
    private enum Bucket: Sendable {
        case one(Entry)
        case several([Entry])

        var entries: [Entry] {
            switch self {
            case .one(let entry): [entry]
            case .several(let entries): entries
            }
        }

        init?(_ entries: [Entry]) {
            guard let first = entries.first else { return nil }
            self = entries.count == 1 ? .one(first) : .several(entries)
        }
    }

    private struct Group: Sendable {
        let mask: FlowMask
        var count = 0
        var buckets = TreeDictionary<UInt64, Bucket>()
    }

    private var groups: [Group] = []
    /// Where in `groups` each mask is.
    private var places: [FlowMask: Int] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var maskCount: Int { groups.count }

    /// The mask of a match, the one that is there if there is one.
    func mask(of match: FlowMatch) -> FlowMask {
        let mask = FlowMask(of: match)
        return places[mask].map { groups[$0].mask } ?? mask
    }

    /// The entry that is for the same packets, if there is one (R4-90).
    func entry(sameAs packed: PackedMatch) -> Entry? {
        guard let place = places[packed.mask] else { return nil }
        return groups[place].buckets[packed.hash]?.entries.first { $0.packed.isSame(as: packed) }
    }

    mutating func insert(_ entry: Entry) {
        let packed = entry.packed
        let place = places[packed.mask] ?? addGroup(packed.mask)
        var entries = groups[place].buckets[packed.hash]?.entries ?? []
        entries.insert(entry, at: entries.firstIndex { $0.order > entry.order } ?? entries.count)
        groups[place].buckets[packed.hash] = Bucket(entries)
        groups[place].count += 1
        count += 1
    }

    /// It must be there. One whose mask it is alone takes that with it.
    mutating func remove(_ entry: Entry) {
        guard let place = places[entry.packed.mask] else { preconditionFailure("a filter whose mask isn't there") }
        let hash = entry.packed.hash
        let entries = groups[place].buckets[hash]?.entries ?? []
        let others = entries.filter { $0 !== entry }
        precondition(others.count + 1 == entries.count, "a filter that isn't there")
        groups[place].buckets[hash] = Bucket(others)
        groups[place].count -= 1
        count -= 1
        if groups[place].count == 0 { removeGroup(place) }
    }

    /// Of the same mask, which stays where it is among the masks (R4-91).
    mutating func replace(_ old: Entry, with new: Entry) {
        insert(new)
        remove(old)
    }

    private mutating func addGroup(_ mask: FlowMask) -> Int {
        groups.append(Group(mask: mask))
        places[mask] = groups.count - 1
        return groups.count - 1
    }

    private mutating func removeGroup(_ place: Int) {
        groups.remove(at: place)
        places = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1.mask, $0) })
    }

    /// What a packet comes upon first, the masks in the order in which they came.
    func first(_ packet: FlowBits) -> Entry? {
        for group in groups {
            guard let bucket = group.buckets[group.mask.hash(of: packet)] else { continue }
            switch bucket {
            case .one(let entry): if !entry.isPassedOver, entry.packed.holds(packet) { return entry }
            case .several(let entries):
                if let entry = entries.first(where: { $0.packed.holds(packet) }), !entry.isPassedOver { return entry }
            }
        }
        return nil
    }

    /// Stops the process if something in it contradicts itself.
    func _checkInvariants() {
        precondition(groups.reduce(0) { $0 + $1.count } == count, "\(count) filters, but not by mask")
        precondition(places.count == groups.count, "\(places.count) places of \(groups.count) masks")
        for (place, group) in groups.enumerated() {
            precondition(places[group.mask] == place && group.count > 0, "a mask without its place or filters")
            precondition(group.buckets.values.reduce(0) { $0 + $1.entries.count } == group.count, "a lost filter")
            for (hash, bucket) in group.buckets {
                precondition(bucket.entries.allSatisfy { $0.packed.hash == hash && $0.packed.mask === group.mask })
            }
        }
    }
}
