/// What a node of a prefix tree knows of itself.
///
/// Eight bits of an address lead through a node. A prefix that ends in it, `r` bits behind those that led to it, has the
/// number `1 << r | those r bits`: 1 to 511, where each is twice the one that it lies in, or one more.
@usableFromInline
struct PrefixNodeHeader {
    /// Which numbers have a value.
    var prefixes = InlineArray<8, UInt64>(repeating: 0)
    /// Which eight bits have a child.
    var children = InlineArray<4, UInt64>(repeating: 0)
    /// How many are set in the words in front of each.
    var prefixesBefore = InlineArray<8, UInt16>(repeating: 0)
    var childrenBefore = InlineArray<4, UInt16>(repeating: 0)
    var prefixCount: UInt16 = 0
    var childCount: UInt16 = 0
    /// Slots that there are.
    let room: UInt16
}

/// One node of a prefix tree: which prefixes end in it, with their values, and the children behind it.
///
/// SAFETY: a node is changed only by a writer that holds the sole reference to it (`isKnownUniquelyReferenced` on the way
/// down). Every node that a second tree can reach is therefore constant, which makes sharing it among threads safe. The first
/// `prefixCount` slots hold references to values, in the order of their numbers, the next `childCount` ones to children, in the
/// order of their bits; both are kept by hand, and the other slots hold nothing. All pointers into the node are used while it
/// is held.
@safe @usableFromInline
final class PrefixNode: ManagedBuffer<PrefixNodeHeader, UInt64> {
    static func make(room: Int) -> PrefixNode {
        let made = PrefixNode.create(minimumCapacity: room) { _ in PrefixNodeHeader(room: UInt16(room)) }
        return unsafe unsafeDowncast(made, to: PrefixNode.self)
    }

    deinit {
        for index in 0..<prefixCount { unsafe values[index].release() }
        for index in 0..<childCount { unsafe nodes[index].release() }
    }

    /// The header, and as many values as most nodes have.
    static var fetchedBytes: Int { 16 + MemoryLayout<PrefixNodeHeader>.stride + 16 * 8 }

    var prefixCount: Int { Int(header.prefixCount) }
    var childCount: Int { Int(header.childCount) }
    var isEmpty: Bool { prefixCount + childCount == 0 }

    @unsafe
    private var slots: UnsafeMutablePointer<UInt64> { unsafe withUnsafeMutablePointerToElements { unsafe $0 } }
    @unsafe
    private var values: UnsafeMutablePointer<Unmanaged<AnyObject>> {
        unsafe UnsafeMutableRawPointer(slots).assumingMemoryBound(to: Unmanaged<AnyObject>.self)
    }
    @unsafe
    private var nodes: UnsafeMutablePointer<Unmanaged<PrefixNode>> {
        unsafe UnsafeMutableRawPointer(slots + prefixCount).assumingMemoryBound(to: Unmanaged<PrefixNode>.self)
    }

    /// One that others don't share.
    func copy() -> PrefixNode {
        let copy = Self.make(room: Int(header.room))
        copy.header = header
        unsafe copy.slots.update(from: slots, count: prefixCount + childCount)
        for index in 0..<prefixCount { _ = unsafe values[index].retain() }
        for index in 0..<childCount { _ = unsafe nodes[index].retain() }
        return copy
    }

    /// The same with more room; this one is empty then.
    private func grown() -> PrefixNode {
        let room = Int(header.room)
        let grown = Self.make(room: room + max(2, room / 2))
        (grown.header.prefixes, grown.header.prefixesBefore) = (header.prefixes, header.prefixesBefore)
        (grown.header.children, grown.header.childrenBefore) = (header.children, header.childrenBefore)
        (grown.header.prefixCount, grown.header.childCount) = (header.prefixCount, header.childCount)
        unsafe grown.slots.update(from: slots, count: prefixCount + childCount)
        (header.prefixCount, header.childCount) = (0, 0)
        return grown
    }

    static func makeUnique(_ node: inout PrefixNode) {
        if !isKnownUniquelyReferenced(&node) { node = node.copy() }
    }

    /// Makes room in front of a slot.
    private static func insert(_ word: UInt64, at place: Int, _ node: inout PrefixNode) {
        if node.prefixCount + node.childCount == Int(node.header.room) { node = node.grown() }
        let slots = unsafe node.slots
        for index in (place..<node.prefixCount + node.childCount).reversed() { unsafe slots[index + 1] = slots[index] }
        unsafe slots[place] = word
    }

    private func remove(at place: Int) {
        let slots = unsafe slots
        for index in place..<prefixCount + childCount - 1 { unsafe slots[index] = slots[index + 1] }
    }

    // MARK: Prefixes

    /// The value of the longest prefix that ends here and holds addresses with these eight bits, and how many of the bits are
    /// its own; borrowed from the node.
    @inline(__always) @unsafe
    func longest(_ bits: UInt8) -> (value: Unmanaged<AnyObject>, length: Int)? {
        let bits = Int(bits)
        if has(256 | bits) { return unsafe (values[rank(256 | bits)], 8) }
        if has(128 | bits &>> 1) { return unsafe (values[rank(128 | bits &>> 1)], 7) }
        if has(64 | bits &>> 2) { return unsafe (values[rank(64 | bits &>> 2)], 6) }
        // The shorter ones are all in the first word.
        let five = bits &>> 3
        let path: UInt64 =
            1 &<< 1 | 1 &<< UInt64(2 | five &>> 4) | 1 &<< UInt64(4 | five &>> 3) | 1 &<< UInt64(8 | five &>> 2)
            | 1 &<< UInt64(16 | five &>> 1) | 1 &<< UInt64(32 | five)
        let found = header.prefixes[0] & path
        if found == 0 { return nil }
        let number = 63 &- found.leadingZeroBitCount
        return unsafe (values[rank(number)], 63 &- UInt64(number).leadingZeroBitCount)
    }

    func value(_ number: Int) -> AnyObject? { has(number) ? unsafe values[rank(number)].takeUnretainedValue() : nil }

    /// Sets the value of a prefix, in a node that no one shares; what it was before.
    static func set(_ number: Int, _ value: AnyObject, _ node: inout PrefixNode) -> AnyObject? {
        let place = node.rank(number)
        if node.has(number) {
            let former = unsafe node.values[place]
            unsafe node.values[place] = .passRetained(value)
            return unsafe former.takeRetainedValue()
        }
        let word = unsafe UInt64(UInt(bitPattern: Unmanaged.passRetained(value).toOpaque()))
        insert(word, at: place, &node)
        node.header.prefixes[number >> 6] |= 1 << UInt64(number & 63)
        node.header.prefixCount += 1
        for word in number >> 6 + 1..<8 { node.header.prefixesBefore[word] += 1 }
        return nil
    }

    /// What it was, if there was one.
    func removeValue(_ number: Int) -> AnyObject? {
        guard has(number) else { return nil }
        let place = rank(number)
        let former = unsafe values[place]
        remove(at: place)
        header.prefixes[number >> 6] &= ~(1 << UInt64(number & 63))
        header.prefixCount -= 1
        for word in number >> 6 + 1..<8 { header.prefixesBefore[word] -= 1 }
        return unsafe former.takeRetainedValue()
    }

    @inline(__always)
    private func has(_ number: Int) -> Bool {
        header.prefixes[number &>> 6] &>> UInt64(number & 63) & 1 != 0
    }

    @inline(__always)
    private func rank(_ number: Int) -> Int {
        let before = header.prefixes[number &>> 6] & (1 &<< UInt64(number & 63) &- 1)
        return Int(header.prefixesBefore[number &>> 6]) &+ before.nonzeroBitCount
    }

    // MARK: Children

    /// Borrowed from the node.
    @inline(__always) @unsafe
    func child(_ bits: UInt8) -> Unmanaged<PrefixNode>? {
        let bits = Int(bits)
        return hasChild(bits) ? unsafe nodes[childRank(bits)] : nil
    }

    /// Goes on with a child, in a node that no one shares; one that is empty afterwards goes.
    ///
    /// - Parameter creates: whether a child that isn't there is made; if not, nothing happens.
    static func withChild(_ bits: UInt8, creates: Bool, _ node: inout PrefixNode, _ body: (inout PrefixNode) -> Void) {
        let bits = Int(bits)
        let place = node.childRank(bits)
        if !node.hasChild(bits) {
            if !creates { return }
            let made = unsafe UInt64(UInt(bitPattern: Unmanaged.passRetained(make(room: 2)).toOpaque()))
            insert(made, at: node.prefixCount + place, &node)
            node.header.children[bits >> 6] |= 1 << UInt64(bits & 63)
            node.header.childCount += 1
            for word in bits >> 6 + 1..<4 { node.header.childrenBefore[word] += 1 }
        }
        let slot = unsafe UnsafeMutableRawPointer(node.nodes + place).assumingMemoryBound(to: PrefixNode.self)
        unsafe body(&slot.pointee)
        if unsafe slot.pointee.isEmpty { node.removeChild(bits, place) }
    }

    private func removeChild(_ bits: Int, _ place: Int) {
        unsafe nodes[place].release()
        remove(at: prefixCount + place)
        header.children[bits >> 6] &= ~(1 << UInt64(bits & 63))
        header.childCount -= 1
        for word in bits >> 6 + 1..<4 { header.childrenBefore[word] -= 1 }
    }

    @inline(__always)
    private func hasChild(_ bits: Int) -> Bool { header.children[bits &>> 6] &>> UInt64(bits & 63) & 1 != 0 }

    @inline(__always)
    private func childRank(_ bits: Int) -> Int {
        let before = header.children[bits &>> 6] & (1 &<< UInt64(bits & 63) &- 1)
        return Int(header.childrenBefore[bits &>> 6]) &+ before.nonzeroBitCount
    }
}
