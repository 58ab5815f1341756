/// What an image is ordered by: a plain number or a few of them.
public protocol ImageKey: BitwiseCopyable, Comparable, Sendable {
    /// The first 64 bits of the order: of two keys with different ones, that with the lower is lower.
    var leading: UInt64 { get }
}

extension UInt64: ImageKey {
    @inlinable public var leading: UInt64 { self }
}

/// What an image keeps under a key: anything with the hash of its entry.
public protocol ImageValue: Sendable {
    var hash: EntryHash { get }
}

/// What `Image.prefetch` loads.
@frozen public enum PrefetchStage: Sendable {
    case branch, leaf
}

/// An ordered map that can be kept: copying it takes one retain, and a copy never changes.
///
/// A B+tree of reference-counted nodes. A write changes a node that only this image holds in place and copies one that
/// a snapshot shares, which gives writers and readers what RCU gives the kernel. Every inner node carries the count and
/// hash sum of what lies below it, so that the digest of the whole, or of a range of keys, costs O(log n).
///
/// Cost at a million routes: see `docs/decisions/0002-image-tree.md`.
///
/// SAFETY: Sendable because nodes are constant as soon as two images share them; see `ImageNode`.
@frozen public struct Image<Key: ImageKey, Value: ImageValue>: @unchecked Sendable {
    public typealias Entry = (key: Key, value: Value)

    @usableFromInline typealias Node = ImageNode<Key, Value>
    @usableFromInline var root: Node

    @inlinable public init() { root = Node.make(level: 0) }

    @inlinable public var count: Int { root.summary.count }
    @inlinable public var isEmpty: Bool { root.summary.count == 0 }
    /// Count and digest of all entries. O(1).
    @inlinable public var summary: Summary { root.summary }

    /// Whether both are one that no one has changed since it was copied. O(1).
    @inlinable public func isIdentical(to other: Image) -> Bool { root === other.root }

    /// O(log n).
    @inlinable public subscript(key: Key) -> Value? {
        root.withLeaf(for: key) { leaf in
            let index = leaf.lowerBound(key)
            return unsafe index < leaf.size && leaf.keys[index] == key ? leaf.values[index] : nil
        }
    }

    /// Stores `value` under `key` and returns what was there. O(log n).
    @inlinable @discardableResult
    public mutating func insert(_ value: Value, for key: Key) -> Value? {
        insert(value, for: key, at: place(of: key))
    }

    /// Removes and returns what is under `key`. O(log n).
    @inlinable @discardableResult
    public mutating func remove(_ key: Key) -> Value? {
        guard self[key] != nil else { return nil }
        makeRootUnique()
        let old = root.remove(key)
        while !root.isLeaf, root.size == 1 { root = unsafe root.children[0].takeUnretainedValue() }
        return old
    }

    /// Begins to load what a look-up or a write of `key` will touch. For batches: the memory of several writes is then
    /// fetched at once, where each for itself would wait for its own. First for all keys of the batch what leads to their
    /// places, then for all of them the places.
    @inlinable public func prefetch(_ key: Key, _ stage: PrefetchStage) {
        switch stage {
        case .branch: root.prefetchBranch(for: key)
        case .leaf: root.prefetchLeaf(for: key)
        }
    }

    /// Count and digest of the entries with `lower <= key < upper` (without an upper bound: to the end). O(log n).
    @inlinable public func summary(from lower: Key, to upper: Key?) -> Summary {
        var result = upper.map { root.summary(below: $0) } ?? summary
        result -= root.summary(below: lower)
        return result
    }

    /// The first entry whose key is not below `key`. O(log n).
    @inlinable public func first(from key: Key) -> Entry? {
        let found: Entry? = root.withLeaf(for: key) { leaf in
            let index = leaf.lowerBound(key)
            return unsafe index < leaf.size ? (leaf.keys[index], leaf.values[index]) : nil
        }
        if let found { return found }
        return root.leafFollowing(leafOf: key).map { unsafe ($0.keys[0], $0.values[0]) }
    }

    /// Walks from the first entry whose key is not below `key` (nil: from the start).
    @inlinable public func cursor(from key: Key? = nil) -> ImageCursor<Key, Value> {
        ImageCursor(root: root, from: key)
    }

    @inlinable
    mutating func makeRootUnique() {
        if !isKnownUniquelyReferenced(&root) { root = root.copy() }
    }

    @inlinable
    mutating func addLevel(beside upper: Node) {
        let lower = root
        root = Node.make(level: lower.level + 1)
        for (index, child) in [lower, upper].enumerated() {
            root.placeChild(child, at: index)
            root.header.summary += child.summary
        }
    }
}
