/// What an image node knows of itself, beside what it holds.
@frozen @usableFromInline
struct ImageNodeHeader {
    /// 0 of a leaf; of an inner node one more than of its children.
    @usableFromInline let level: Int
    /// Entries of a leaf, or children of an inner node.
    @usableFromInline var size: Int
    /// Of all entries at or below the node.
    @usableFromInline var summary: Summary

    @inlinable
    init(level: Int) {
        self.level = level
        size = 0
        summary = Summary()
    }
}

/// One node of an image: a leaf with keys and values, or an inner node with children and the keys that separate them.
///
/// One allocation a node: header, slots for keys, then as many for values or children. A search reads only keys, which
/// therefore stand apart; what a write touches lies together, so that it can be fetched ahead (`prefetchLeaf`). An inner
/// node has the first word of each key once more in front, which mostly suffices to find the way: a third of the memory
/// to read, so that the inner nodes of a million entries stay in the processor's own cache.
///
/// SAFETY: a node is changed only by a writer that holds the sole reference to it (`isKnownUniquelyReferenced` on the way
/// down). Every node that a second image or a cursor can reach is therefore constant, which makes sharing it among
/// threads safe. The first `size` slots of keys and of values or children are initialised, the others are not; all
/// pointers into the node are used while the node is held.
@usableFromInline @safe
final class ImageNode<Key: ImageKey, Value: ImageValue>: ManagedBuffer<ImageNodeHeader, UInt64> {
    /// How many entries or children there is room for. A leaf of routes takes 1.8 KiB: a write in no order moves half of
    /// it, from memory that no cache holds. Inner nodes do, and wide ones make the tree flat.
    @inlinable @inline(__always)
    static func slots(level: Int) -> Int { level == 0 ? 32 : 64 }

    @inlinable @inline(__always)
    var slots: Int { Self.slots(level: level) }

    @inlinable
    static func make(level: Int) -> ImageNode {
        precondition(MemoryLayout<Key>.alignment <= 8 && MemoryLayout<Value>.alignment <= 8, "wider than a word")
        let slot = MemoryLayout<Key>.stride + (level == 0 ? MemoryLayout<Value>.stride : 16)
        let words = (slots(level: level) * slot + 7) / 8
        let made = ImageNode.create(minimumCapacity: words) { _ in ImageNodeHeader(level: level) }
        return unsafe unsafeDowncast(made, to: ImageNode.self)
    }

    @inlinable
    deinit {
        if isLeaf {
            unsafe values.deinitialize(count: size)
        } else {
            for index in 0..<size { unsafe children[index].release() }
        }
    }

    @inlinable var level: Int { header.level }
    @inlinable var isLeaf: Bool { header.level == 0 }
    @inlinable var size: Int { header.size }
    @inlinable var summary: Summary { header.summary }

    /// Of a leaf: the keys of its entries. Of an inner node: `keys[i]` is not above any key below `children[i]`, and above
    /// every key below `children[i - 1]`.
    @inlinable @inline(__always) @unsafe
    var keys: UnsafeMutablePointer<Key> {
        unsafe (start + (isLeaf ? 0 : slots &* 8)).assumingMemoryBound(to: Key.self)
    }

    /// Of an inner node: the first words of its keys.
    @inlinable @inline(__always) @unsafe
    var leads: UnsafeMutablePointer<UInt64> { unsafe start.assumingMemoryBound(to: UInt64.self) }

    @inlinable @inline(__always) @unsafe
    var values: UnsafeMutablePointer<Value> { unsafe behindKeys.assumingMemoryBound(to: Value.self) }

    /// Each holds a reference, kept by hand: what goes down the tree borrows the nodes it passes, since counting a
    /// reference on every level costs more than the search.
    @inlinable @inline(__always) @unsafe
    var children: UnsafeMutablePointer<Unmanaged<ImageNode>> {
        unsafe behindKeys.assumingMemoryBound(to: Unmanaged<ImageNode>.self)
    }

    @inlinable @inline(__always) @unsafe
    var start: UnsafeMutableRawPointer {
        unsafe withUnsafeMutablePointerToElements { UnsafeMutableRawPointer($0) }
    }

    @inlinable @inline(__always) @unsafe
    var behindKeys: UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(keys) + slots &* MemoryLayout<Key>.stride
    }

    @inlinable
    func copy() -> ImageNode {
        let copy = Self.make(level: level)
        copy.header = header
        unsafe copy.keys.initialize(from: keys, count: size)
        if isLeaf {
            unsafe copy.values.initialize(from: values, count: size)
        } else {
            unsafe copy.leads.initialize(from: leads, count: size)
            unsafe copy.children.initialize(from: children, count: size)
            for index in 0..<size { _ = unsafe children[index].retain() }
        }
        return copy
    }

    /// Runs `body` with child `index`, which this node holds meanwhile.
    @inlinable @inline(__always)
    func withChild<Result>(_ index: Int, _ body: (ImageNode) -> Result) -> Result {
        unsafe children[index]._withUnsafeGuaranteedRef(body)
    }

    /// Sees to it that no snapshot shares child `index`.
    @inlinable @inline(__always)
    func makeChildUnique(_ index: Int) {
        let place = unsafe UnsafeMutableRawPointer(children + index).assumingMemoryBound(to: ImageNode.self)
        if unsafe !isKnownUniquelyReferenced(&place.pointee) { unsafe place.pointee = unsafe place.pointee.copy() }
    }

    /// Of an inner node: makes `key` the lower bound of child `index`.
    @inlinable
    func setSeparator(_ index: Int, to key: Key) {
        unsafe keys[index] = key
        unsafe leads[index] = key.leading
    }

    /// Moves the entries or children from `point` on to the end of `target`, which has room for them.
    @inlinable
    func moveTail(from point: Int, to target: ImageNode) {
        let count = size - point
        unsafe (target.keys + target.size).moveInitialize(from: keys + point, count: count)
        var moved = Summary()
        if isLeaf {
            for index in point..<size { moved.add(unsafe values[index].hash) }
            unsafe (target.values + target.size).moveInitialize(from: values + point, count: count)
        } else {
            for index in point..<size { moved += withChild(index) { $0.summary } }
            unsafe (target.leads + target.size).initialize(from: leads + point, count: count)
            unsafe (target.children + target.size).moveInitialize(from: children + point, count: count)
        }
        header.size = point
        header.summary -= moved
        target.header.size += count
        target.header.summary += moved
    }
}
