extension ImageNode {
    /// Lower bound of what lies below. The node isn't empty.
    @inlinable var firstKey: Key { unsafe keys[0] }

    /// The first entry whose key is not below `key`; `size` if there is none.
    @inlinable
    func lowerBound(_ key: Key) -> Int {
        unsafe countFirst(of: keys, size) { $0 < key }
    }

    /// The child below which `key` is, or would be.
    @inlinable
    func childIndex(for key: Key) -> Int {
        // Whatever is below the second separator goes to the first child.
        let lead = key.leading
        var index = unsafe countFirst(of: leads + 1, size &- 1) { $0 < lead }
        while unsafe index &+ 1 < size && leads[index &+ 1] == lead && !(key < keys[index &+ 1]) { index &+= 1 }
        return index
    }

    /// How many of `count` sorted items, the first ones, satisfy `isLow`.
    ///
    /// Without a branch that depends on an item: each would be a guess of the processor's, half of them wrong.
    @inlinable @inline(__always)
    func countFirst<Item>(of items: UnsafeMutablePointer<Item>, _ count: Int, _ isLow: (Item) -> Bool) -> Int {
        var base = 0
        var left = count
        while left > 1 {
            let half = left &>> 1
            base = unsafe isLow(items[base &+ half &- 1]) ? base &+ half : base
            left &-= half
        }
        return unsafe left == 1 && isLow(items[base]) ? base &+ 1 : base
    }

    /// The leaf in which `key` is, or would be.
    @inlinable
    func leaf(for key: Key) -> Unmanaged<ImageNode> {
        var node = unsafe Unmanaged.passUnretained(self)
        // The leaf itself isn't looked at.
        for _ in 0..<level {
            unsafe node = unsafe node._withUnsafeGuaranteedRef { unsafe $0.children[$0.childIndex(for: key)] }
        }
        return unsafe node
    }

    /// Runs `body` with the leaf in which `key` is, or would be.
    @inlinable @inline(__always)
    func withLeaf<Result>(for key: Key, _ body: (ImageNode) -> Result) -> Result {
        unsafe leaf(for: key)._withUnsafeGuaranteedRef(body)
    }

    /// The first leaf all of whose keys are above `key`'s leaf's; nil if that is the last one.
    @inlinable
    func leafFollowing(leafOf key: Key) -> ImageNode? {
        if isLeaf { return nil }
        let index = childIndex(for: key)
        if let found = withChild(index, { $0.leafFollowing(leafOf: key) }) { return found }
        return index &+ 1 < size ? withChild(index &+ 1) { $0.firstLeaf } : nil
    }

    @inlinable var firstLeaf: ImageNode { isLeaf ? self : withChild(0) { $0.firstLeaf } }

    /// Count and digest of the entries at or below this node whose keys are below `key`.
    @inlinable
    func summary(below key: Key) -> Summary {
        var result = Summary()
        if isLeaf {
            for index in 0..<lowerBound(key) { result.add(unsafe values[index].hash) }
            return result
        }
        let index = childIndex(for: key)
        for lower in 0..<index { result += withChild(lower) { $0.summary } }
        result += withChild(index) { $0.summary(below: key) }
        return result
    }
}

extension ImageNode {
    /// Asks the processor to load what is needed to find the leaf for `key`, and doesn't wait for it.
    @inlinable
    func prefetchBranch(for key: Key) {
        guard level > 1 else { return }
        var node = unsafe Unmanaged.passUnretained(self)
        for _ in 1..<level {
            unsafe node = unsafe node._withUnsafeGuaranteedRef { unsafe $0.children[$0.childIndex(for: key)] }
        }
        // SAFETY: an inner node has its header, its leads, keys and children in this order; these are addresses within it,
        // and nothing is read from them.
        let start = unsafe node.toOpaque()
        let slots = Self.slots(level: 1)
        let children = slots * (8 + MemoryLayout<Key>.stride)
        unsafe fetch(start, bytes: slots * 8)
        unsafe fetch(start + children, bytes: slots * 8)
    }

    /// Asks the processor to load the leaf for `key`, and doesn't wait for it.
    @inlinable
    func prefetchLeaf(for key: Key) { unsafe leaf(for: key)._withUnsafeGuaranteedRef { $0.prefetch() } }

    /// Asks the processor to load this leaf, and doesn't wait for it.
    @inlinable
    func prefetch() {
        let bytes = Self.slots(level: 0) &* (MemoryLayout<Key>.stride &+ MemoryLayout<Value>.stride)
        // SAFETY: a leaf has at least its header's bytes before its slots, so all of these are its own.
        unsafe fetch(Unmanaged.passUnretained(self).toOpaque(), bytes: bytes)
    }
}
