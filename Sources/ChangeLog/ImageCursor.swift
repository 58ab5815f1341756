/// A position in an image; it keeps the image as it was when the walk began.
///
/// SAFETY: Sendable as the image is.
@frozen public struct ImageCursor<Key: ImageKey, Value: ImageValue>: @unchecked Sendable {
    @usableFromInline let root: ImageNode<Key, Value>
    @usableFromInline var leaf: ImageNode<Key, Value>
    @usableFromInline var index: Int

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

    /// The rest of the current leaf as one run, and the cursor behind it; nil at the end. The fast way to walk.
    @inlinable public mutating func nextRun() -> ImageRun<Key, Value>? {
        if index == leaf.size, !enterNextLeaf() { return nil }
        defer { index = leaf.size }
        return ImageRun(leaf: leaf, range: index..<leaf.size)
    }

    /// By way of the root: that costs little beside the leaf that is then walked, and needs no stack of places.
    @inlinable
    mutating func enterNextLeaf() -> Bool {
        // Only an empty image has an empty leaf.
        guard leaf.size > 0, let next = root.leafFollowing(leafOf: leaf.firstKey) else { return false }
        leaf = next
        index = 0
        return true
    }
}

/// Neighbouring entries of an image, in order; at most 64.
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
