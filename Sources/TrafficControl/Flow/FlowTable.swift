internal import ChangeLog
internal import HashTreeCollections

/// Something that is found by the packets that it is for.
protocol FlowEntry: Sendable {
    var packed: PackedMatch { get }
    /// When it came, and the first of its mask.
    var place: FilterPlace { get }
    /// Whether packets pass over it, since it is for hardware alone.
    var isPassedOver: Bool { get }

    static func === (a: Self, b: Self) -> Bool
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
        /// When the first of it came, whether that is still there or not.
        let born: ChangeSequence
        var count = 0
        var buckets = TreeDictionary<UInt64, Bucket>()
    }

    /// In the order in which they came.
    private var groups: [Group] = []
    /// Where in `groups` each mask is.
    private var places: [FlowMask: Int] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var maskCount: Int { groups.count }

    /// The mask of a match, the one that is there if there is one.
    func mask(of match: FlowMatch) -> FlowMask {
        // Who adds many filters mostly compares the same of all.
        if let group = groups.suffix(4).last(where: { $0.mask.isMask(of: match) }) { return group.mask }
        let mask = FlowMask(of: match)
        return places[mask].map { groups[$0].mask } ?? mask
    }

    /// When the first filter of the mask came; nil if there is none.
    func group(_ mask: FlowMask) -> ChangeSequence? { places[mask].map { groups[$0].born } }

    /// The entry that is for the same packets, if there is one (R4-90).
    func entry(sameAs packed: PackedMatch) -> Entry? {
        guard let place = places[packed.mask] else { return nil }
        return groups[place].buckets[packed.hash]?.entries.first { $0.packed.isSame(as: packed) }
    }

    mutating func insert(_ entry: Entry) {
        let packed = entry.packed
        let place = places[packed.mask] ?? addGroup(packed.mask, entry.place.group)
        groups[place].count += 1
        count += 1
        // Mostly there is none, and so the way down is gone once.
        guard let bucket = groups[place].buckets.updateValue(.one(entry), forKey: packed.hash) else { return }
        var entries = bucket.entries
        entries.insert(entry, at: entries.firstIndex { $0.place.born > entry.place.born } ?? entries.count)
        groups[place].buckets[packed.hash] = Bucket(entries)
    }

    /// It must be there. One whose mask it is alone takes that with it.
    mutating func remove(_ entry: Entry) {
        guard let place = places[entry.packed.mask] else { preconditionFailure("a filter whose mask isn't there") }
        let hash = entry.packed.hash
        let entries = groups[place].buckets[hash]?.entries ?? []
        let others = entries.filter { !($0 === entry) }
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

    /// Behind all others, unless it was there before and comes back.
    private mutating func addGroup(_ mask: FlowMask, _ born: ChangeSequence) -> Int {
        let place = (groups.lastIndex { $0.born < born } ?? -1) + 1
        groups.insert(Group(mask: mask, born: born), at: place)
        if place == groups.count - 1 { places[mask] = place } else { findPlaces() }
        return place
    }

    private mutating func removeGroup(_ place: Int) {
        groups.remove(at: place)
        findPlaces()
    }

    private mutating func findPlaces() {
        places = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1.mask, $0) })
    }

    /// What a packet comes upon first, the masks in the order in which they came.
    ///
    /// - Parameter options: of the tunnel that it came out of.
    func first(_ packet: FlowBits, _ options: TunnelOptions? = nil) -> Entry? {
        for group in groups {
            guard let bucket = group.buckets[group.mask.hash(of: packet, options)] else { continue }
            switch bucket {
            case .one(let entry): if !entry.isPassedOver, entry.packed.holds(packet, options) { return entry }
            case .several(let entries):
                let found = entries.first { $0.packed.holds(packet, options) }
                if let found, !found.isPassedOver { return found }
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
            precondition(place == 0 || groups[place - 1].born < group.born, "masks out of order")
            precondition(group.buckets.values.reduce(0) { $0 + $1.entries.count } == group.count, "a lost filter")
            for (hash, bucket) in group.buckets {
                precondition(bucket.entries.allSatisfy { $0.packed.hash == hash && $0.packed.mask == group.mask })
            }
        }
    }
}
