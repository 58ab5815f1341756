/// Where a key is in an image, or would be: found by one search, then looked at and written to without another.
///
/// Good for the image that it was found in, until that changes.
@frozen public struct ImagePlace: Sendable {
    /// The child that the way takes at each level, six bits each: an inner node has 64 at most.
    @usableFromInline var children: UInt64 = 0
    /// In the leaf: of the first entry that is not below the key.
    @usableFromInline var index = 0

    @inlinable init() {}

    @inlinable func child(at level: Int) -> Int { Int(children &>> UInt64(6 &* level) & 63) }

    @inlinable
    mutating func take(_ child: Int, at level: Int) { children |= UInt64(child) &<< UInt64(6 &* level) }
}

extension Image {
    /// O(log n).
    @inlinable public func place(of key: Key) -> ImagePlace { root.place(of: key) }

    /// The keys before and behind the gap into which a new key of this place would go, `behind` nil at the very end; nil if
    /// one of them is in another node.
    @inlinable public func neighbours(at place: ImagePlace) -> (before: Key, behind: Key?)? {
        unsafe root.leaf(at: place)._withUnsafeGuaranteedRef { leaf in
            guard place.index > 0 else { return nil }
            let before = unsafe leaf.keys[place.index - 1]
            if place.index < leaf.size { return unsafe (before, leaf.keys[place.index]) }
            return root.isAtEnd(place) ? (before, nil) : nil
        }
    }

    /// Stores `value` under `key`, whose place it is, and returns what was there.
    @inlinable @discardableResult
    public mutating func insert(_ value: Value, for key: Key, at place: ImagePlace) -> Value? {
        makeRootUnique()
        let (old, split) = root.insert(value, for: key, at: place)
        if let split { addLevel(beside: split) }
        return old
    }
}

extension ImageNode {
    @inlinable
    func place(of key: Key) -> ImagePlace {
        var place = ImagePlace()
        var node = unsafe Unmanaged.passUnretained(self)
        for level in stride(from: level, to: 0, by: -1) {
            unsafe node = unsafe node._withUnsafeGuaranteedRef { node in
                let index = node.childIndex(for: key)
                place.take(index, at: level)
                return unsafe node.children[index]
            }
        }
        place.index = unsafe node._withUnsafeGuaranteedRef { $0.lowerBound(key) }
        return place
    }

    /// Whether the place is in the last leaf below this node.
    @inlinable
    func isAtEnd(_ place: ImagePlace) -> Bool {
        if isLeaf { return true }
        let index = place.child(at: level)
        return index == size - 1 && withChild(index) { $0.isAtEnd(place) }
    }

    @inlinable
    func leaf(at place: ImagePlace) -> Unmanaged<ImageNode> {
        var node = unsafe Unmanaged.passUnretained(self)
        for level in stride(from: level, to: 0, by: -1) {
            unsafe node = unsafe node._withUnsafeGuaranteedRef { unsafe $0.children[place.child(at: level)] }
        }
        return unsafe node
    }
}
