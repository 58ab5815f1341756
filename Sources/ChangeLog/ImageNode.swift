/// One node of an image: a leaf with keys and values, or an inner node with children and the keys that separate them.
@usableFromInline
final class ImageNode<Key: Comparable & Sendable, Value: ImageValue>: @unchecked Sendable {
    // A node is changed only by a writer that holds the sole reference to it (`isKnownUniquelyReferenced` on the way
    // down); every node that a second image or a cursor can reach is therefore constant, which makes sharing it safe.

    /// Children of an inner node and entries of a leaf. 64 keeps a leaf of routes at 3.5 KiB: large enough to walk fast,
    /// small enough to copy under a snapshot. Keys stand apart from values, since a search reads only keys.
    @inlinable static var capacity: Int { 64 }
    /// Below this a node is joined with, or filled up from, its neighbour.
    @inlinable static var minimum: Int { 16 }

    /// Of a leaf: the keys of its entries. Of an inner node: `keys[i]` is not above any key below `children[i]`, and above
    /// every key below `children[i - 1]`.
    @usableFromInline var keys: [Key]
    @usableFromInline var values: [Value]
    @usableFromInline var children: [ImageNode]
    @usableFromInline var summary: Summary

    @inlinable var isLeaf: Bool { children.isEmpty }
    @inlinable var size: Int { keys.count }

    @inlinable
    init() {
        keys = []
        values = []
        children = []
        summary = Summary()
    }

    @inlinable
    init(keys: ArraySlice<Key>, values: ArraySlice<Value>) {
        self.keys = Self.roomy(keys)
        self.values = Self.roomy(values)
        children = []
        summary = Summary()
        for value in values { summary.add(value.hash) }
    }

    @inlinable
    init(keys: ArraySlice<Key>, children: ArraySlice<ImageNode>) {
        self.keys = Self.roomy(keys)
        values = []
        self.children = Self.roomy(children)
        summary = Summary()
        for child in children { summary += child.summary }
    }

    @inlinable
    init(copying other: ImageNode) {
        keys = other.keys
        values = other.values
        children = other.children
        summary = other.summary
    }

    /// A copy that a node's lifetime of insertions won't outgrow.
    @inlinable
    static func roomy<Element>(_ slice: ArraySlice<Element>) -> [Element] {
        var array: [Element] = []
        array.reserveCapacity(capacity + 1)
        array.append(contentsOf: slice)
        return array
    }

    @inlinable
    func copy() -> ImageNode { ImageNode(copying: self) }

    /// Lower bound of what lies below. The node isn't empty.
    @inlinable var firstKey: Key { keys[0] }

    @inlinable
    func lowerBound(_ key: Key) -> Int {
        let keys = self.keys
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low &+ high) &>> 1
            if keys[middle] < key { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// The first entry at or below this node whose key is not below `key`.
    @inlinable
    func first(from key: Key) -> (key: Key, value: Value)? {
        if isLeaf {
            let index = lowerBound(key)
            return index < keys.count ? (keys[index], values[index]) : nil
        }
        let index = childIndex(for: key)
        if let found = children[index].first(from: key) { return found }
        // Everything below that child is lower; what follows it is higher.
        return index + 1 < children.count ? children[index + 1].first(from: key) : nil
    }

    /// The child below which `key` is, or would be.
    @inlinable
    func childIndex(for key: Key) -> Int {
        let keys = self.keys
        var low = 1
        var high = keys.count
        while low < high {
            let middle = (low &+ high) &>> 1
            if key < keys[middle] { high = middle } else { low = middle &+ 1 }
        }
        return low &- 1
    }

    @inlinable
    func uniqueChild(_ index: Int) -> ImageNode {
        if !isKnownUniquelyReferenced(&children[index]) { children[index] = children[index].copy() }
        return children[index]
    }

    /// Returns what was under `key`, and the upper half of this node if it had to be split.
    @inlinable
    func insert(_ value: Value, for key: Key) -> (old: Value?, split: ImageNode?) {
        if isLeaf { return insertEntry(value, for: key) }
        let index = childIndex(for: key)
        if key < keys[index] { keys[index] = key }
        let (old, split) = uniqueChild(index).insert(value, for: key)
        if let old { summary.remove(old.hash) }
        summary.add(value.hash)
        guard let split else { return (old, nil) }
        children.insert(split, at: index + 1)
        keys.insert(split.firstKey, at: index + 1)
        return (old, children.count > Self.capacity ? splitChildren(at: splitPoint(after: index + 1)) : nil)
    }

    @inlinable
    func insertEntry(_ value: Value, for key: Key) -> (old: Value?, split: ImageNode?) {
        let index = lowerBound(key)
        summary.add(value.hash)
        if index < keys.count, keys[index] == key {
            let old = values[index]
            values[index] = value
            summary.remove(old.hash)
            return (old, nil)
        }
        keys.insert(key, at: index)
        values.insert(value, at: index)
        return (nil, keys.count > Self.capacity ? splitEntries(at: splitPoint(after: index)) : nil)
    }

    /// In the middle; but behind the last key if that is what came in: sorted input then fills its nodes.
    @inlinable
    func splitPoint(after index: Int) -> Int { index == size - 1 ? size - 1 : size / 2 }

    @inlinable
    func splitEntries(at point: Int) -> ImageNode {
        let upper = ImageNode(keys: keys[point...], values: values[point...])
        keys.removeSubrange(point...)
        values.removeSubrange(point...)
        summary -= upper.summary
        return upper
    }

    @inlinable
    func splitChildren(at point: Int) -> ImageNode {
        let upper = ImageNode(keys: keys[point...], children: children[point...])
        keys.removeSubrange(point...)
        children.removeSubrange(point...)
        summary -= upper.summary
        return upper
    }
}
