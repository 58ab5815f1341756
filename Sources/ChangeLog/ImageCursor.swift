/// A position in an image; it keeps the image as it was when the walk began.
///
/// SAFETY: Sendable as the image is.
@frozen public struct ImageCursor<Key: ImageKey, Value: ImageValue>: @unchecked Sendable {
    @usableFromInline let root: ImageNode<Key, Value>
    @usableFromInline var leaf: ImageNode<Key, Value>
    @usableFromInline var index: Int
    /// The leaf after the current one, if it has been looked up.
    @usableFromInline var following: ImageNode<Key, Value>?

    @inlinable
    init(root: ImageNode<Key, Value>, from key: Key?) {
        self.root = root
        if let key {
            leaf = unsafe root.leaf(for: key).takeUnretainedValue()
            index = leaf.lowerBound(key)
        } else {
            leaf = root.firstLeaf
            index = 0
        }
    }

    @inlinable public mutating func next() -> (key: Key, value: Value)? {
        if index == leaf.size, !enterNextLeaf() { return nil }
        defer { index += 1 }
        return unsafe (leaf.keys[index], leaf.values[index])
    }

    /// The next entry, which stays that.
    @inlinable public mutating func peek() -> (key: Key, value: Value)? {
        if index == leaf.size, !enterNextLeaf() { return nil }
        return unsafe (leaf.keys[index], leaf.values[index])
    }

    /// Goes to the first entry whose key is not below `key`. O(log n), and less if that is in the current leaf.
    @inlinable public mutating func move(to key: Key) {
        let isHere = unsafe leaf.size > 0 && !(key < leaf.keys[0]) && !(leaf.keys[leaf.size - 1] < key)
        if !isHere {
            leaf = unsafe root.leaf(for: key).takeUnretainedValue()
            following = nil
        }
        index = leaf.lowerBound(key)
    }

    /// The rest of the current leaf as one run, and the cursor behind it; nil at the end. The fast way to walk: while the
    /// caller is at work on one run, the memory of the next is on its way.
    @inlinable public mutating func nextRun() -> ImageRun<Key, Value>? {
        if index == leaf.size, !enterNextLeaf() { return nil }
        defer { index = leaf.size }
        following = root.leafFollowing(leafOf: leaf.firstKey)
        following?.prefetch()
        return ImageRun(leaf: leaf, range: index..<leaf.size)
    }

    /// By way of the root: that costs little beside the leaf that is then walked, and needs no stack of places.
    @inlinable
    mutating func enterNextLeaf() -> Bool {
        // Only an empty image has an empty leaf.
        guard leaf.size > 0, let next = following ?? root.leafFollowing(leafOf: leaf.firstKey) else { return false }
        leaf = next
        following = nil
        index = 0
        return true
    }
}

/// Neighbouring entries of an image, in order; at most 32.
///
/// SAFETY: Sendable as the image is.
@frozen public struct ImageRun<Key: ImageKey, Value: ImageValue>: @unchecked Sendable {
    @usableFromInline let leaf: ImageNode<Key, Value>
    @usableFromInline var range: Range<Int>

    @inlinable
    init(leaf: ImageNode<Key, Value>, range: Range<Int>) {
        self.leaf = leaf
        self.range = range
    }

    /// Count and digest of its entries. O(1) for all of a node.
    @inlinable public var summary: Summary {
        if range == 0..<leaf.size { return leaf.summary }
        var result = Summary()
        for index in range { result.add(unsafe leaf.values[index].hash) }
        return result
    }

    /// The leaf, if the run is all of it: as long as someone holds it, its entries stay as they are.
    @inlinable public var wholeLeaf: ImageLeaf<Key, Value>? { range == 0..<leaf.size ? ImageLeaf(leaf) : nil }

    @inlinable public var isEmpty: Bool { range.isEmpty }
    @inlinable public var count: Int { range.count }

    /// An entry of the run, by its place from 0 to `count - 1`.
    @inlinable public func key(_ place: Int) -> Key {
        precondition(place < range.count && place >= 0)
        return unsafe leaf.keys[range.lowerBound &+ place]
    }

    @inlinable public func value(_ place: Int) -> Value {
        precondition(place < range.count && place >= 0)
        return unsafe leaf.values[range.lowerBound &+ place]
    }

    /// Runs `body` with all keys and values where they are, which counts no references to them.
    @inlinable @inline(__always)
    public func withEntries<Result>(_ body: (Span<Key>, Span<Value>) -> Result) -> Result {
        // SAFETY: these slots of the leaf are initialised and stay as they are while the run holds it.
        withExtendedLifetime(leaf) {
            let keys = unsafe UnsafeBufferPointer(start: leaf.keys + range.lowerBound, count: range.count)
            let values = unsafe UnsafeBufferPointer(start: leaf.values + range.lowerBound, count: range.count)
            return unsafe body(keys.span, values.span)
        }
    }

    /// The first entry, which then is no longer part of the run.
    @inlinable public mutating func popFirst() -> (key: Key, value: Value)? {
        guard let index = range.first else { return nil }
        range = index + 1..<range.upperBound
        return unsafe (leaf.keys[index], leaf.values[index])
    }

    /// Cuts off the entries whose keys are not below `key`.
    @inlinable public mutating func drop(from key: Key) {
        range = range.lowerBound..<max(range.lowerBound, min(range.upperBound, leaf.lowerBound(key)))
    }
}

/// Holds a leaf of an image, to know it again: it stays as it is for as long, and the image has another one in its place once it changes.
///
/// SAFETY: Sendable as the image is.
@frozen public struct ImageLeaf<Key: ImageKey, Value: ImageValue>: @unchecked Sendable {
    @usableFromInline var node: ImageNode<Key, Value>

    @inlinable
    init(_ node: ImageNode<Key, Value>) { self.node = node }

    /// No other leaf has it while this one is held.
    @inlinable public var identity: ObjectIdentifier { ObjectIdentifier(node) }

    /// Whether no image has it any more, and no one else holds it.
    @inlinable public var isHeldByNoOther: Bool { mutating get { isKnownUniquelyReferenced(&node) } }
}
