internal import ChangeLog
internal import HashTreeCollections

/// Something that is found by the packets that it is for.
protocol FlowEntry: ImageValue {
    var packed: PackedMatch { get }
    /// When it came, and the first of its mask.
    var place: FilterPlace { get }
    /// Whether packets pass over it, since it is for hardware alone.
    var isPassedOver: Bool { get }

    static func === (a: Self, b: Self) -> Bool
}

/// The filters of one proto of flower: by mask in the order in which these came (R4-53), and in a mask by a hash.
///
/// A value: a copy never changes, and shares with the other all that hasn't changed since. O(masks) to classify; to change it
/// O(log filters), and now and then O(masks).
struct FlowTable<Entry: FlowEntry>: Sendable {
    private struct Group: Sendable {
        let mask: FlowMask
        /// When the first of it came, whether that is still there or not.
        let born: ChangeSequence
        var count = 0
        var buckets = TreeDictionary<UInt64, FlowBucket<Entry>>()
    }

    /// In the order in which they came. Some may be empty: they stay until there are more of them than others, so that to remove all
    /// of many masks takes no longer than that.
    private var groups: [Group] = []
    private var emptyGroups = 0
    /// When the first filter of each mask came, by which its group is found.
    private var births: [FlowMask: ChangeSequence] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var maskCount: Int { births.count }

    /// The mask of a match, the one that is there if there is one.
    func mask(of match: FlowMatch) -> FlowMask {
        // Who adds many filters mostly compares the same of all.
        if let group = groups.suffix(4).last(where: { $0.mask.isMask(of: match) }) { return group.mask }
        let mask = FlowMask(of: match)
        return place(of: mask).map { groups[$0].mask } ?? mask
    }

    /// When the first filter of the mask came; nil if there is none.
    func group(_ mask: FlowMask) -> ChangeSequence? { births[mask] }

    /// The entry that is for the same packets, if there is one (R4-90).
    func entry(sameAs packed: PackedMatch) -> Entry? {
        place(of: packed.mask).flatMap { groups[$0].buckets[packed.hash]?.entry(sameAs: packed) }
    }

    mutating func insert(_ entry: Entry) {
        let place = place(of: entry.packed.mask) ?? addGroup(entry.packed.mask, entry.place.group)
        insert(entry, at: place)
    }

    /// It must be there. One whose mask it is alone takes that with it.
    mutating func remove(_ entry: Entry) {
        guard let place = place(of: entry.packed.mask) else { preconditionFailure("a filter whose mask isn't there") }
        remove(entry, at: place)
        if groups[place].count == 0 { empty(place) }
    }

    /// Of the same mask, which stays where it is among the masks (R4-91).
    mutating func replace(_ old: Entry, with new: Entry) {
        guard let place = place(of: new.packed.mask) else { preconditionFailure("a filter whose mask isn't there") }
        remove(old, at: place)
        insert(new, at: place)
    }

    private mutating func insert(_ entry: Entry, at place: Int) {
        groups[place].count += 1
        count += 1
        let hash = entry.packed.hash
        // Mostly there is none, and so the way down is gone once.
        guard let bucket = groups[place].buckets.updateValue(.one(entry), forKey: hash) else { return }
        groups[place].buckets[hash] = bucket.inserting(entry)
    }

    private mutating func remove(_ entry: Entry, at place: Int) {
        let hash = entry.packed.hash
        guard let bucket = groups[place].buckets[hash] else { preconditionFailure("a filter that isn't there") }
        groups[place].buckets[hash] = bucket.removing(entry)
        groups[place].count -= 1
        count -= 1
    }

    // MARK: Groups

    private func place(of mask: FlowMask) -> Int? { births[mask].map { firstPlace(from: $0) } }

    /// Of the first group that came then or later.
    private func firstPlace(from birth: ChangeSequence) -> Int {
        var (low, high) = (0, groups.count)
        while low < high {
            let middle = (low + high) / 2
            if groups[middle].born < birth { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Behind all others, unless it was there before and comes back.
    private mutating func addGroup(_ mask: FlowMask, _ born: ChangeSequence) -> Int {
        births[mask] = born
        let place = firstPlace(from: born)
        if place < groups.count, groups[place].born == born {
            precondition(groups[place].count == 0, "two masks that came at once")
            groups[place] = Group(mask: mask, born: born)
            emptyGroups -= 1
        } else {
            groups.insert(Group(mask: mask, born: born), at: place)
        }
        return place
    }

    private mutating func empty(_ place: Int) {
        births[groups[place].mask] = nil
        emptyGroups += 1
        guard emptyGroups > groups.count / 2 else { return }
        groups.removeAll { $0.count == 0 }
        emptyGroups = 0
    }

    // MARK: Packets

    /// What a packet comes upon first, the masks in the order in which they came.
    ///
    /// - Parameter options: of the tunnel that it came out of.
    func first(_ packet: FlowBits, _ options: TunnelOptions? = nil) -> Entry? {
        for group in groups {
            guard let bucket = group.buckets[group.mask.hash(of: packet, options)] else { continue }
            if let found = bucket.first(packet, options), !found.isPassedOver { return found }
        }
        return nil
    }

    /// Stops the process if something in it contradicts itself.
    func _checkInvariants() {
        precondition(groups.reduce(0) { $0 + $1.count } == count, "\(count) filters, but not by mask")
        precondition(groups.count - emptyGroups == births.count, "\(births.count) masks of \(groups.count) groups")
        for (place, group) in groups.enumerated() {
            precondition(place == 0 || groups[place - 1].born < group.born, "masks out of order")
            precondition(group.count > 0 ? births[group.mask] == group.born : group.buckets.isEmpty, "a mask's birth")
            precondition(group.buckets.values.reduce(0) { $0 + $1.entries.count } == group.count, "a lost filter")
            for (hash, bucket) in group.buckets {
                precondition(bucket.entries.allSatisfy { $0.packed.hash == hash && $0.packed.mask == group.mask })
            }
        }
    }
}
