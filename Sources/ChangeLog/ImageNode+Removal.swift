extension ImageNode {
    /// Removes `key`, which must be below this node.
    @inlinable
    func remove(_ key: Key) -> Value {
        if isLeaf {
            let index = lowerBound(key)
            keys.remove(at: index)
            let removed = values.remove(at: index)
            summary.remove(removed.hash)
            return removed
        }
        let index = childIndex(for: key)
        let child = uniqueChild(index)
        let removed = child.remove(key)
        summary.remove(removed.hash)
        if child.size < Self.minimum, children.count > 1 { refill(index) }
        return removed
    }

    /// Joins child `index` with a neighbour or, where both together are too many, shares evenly between them.
    @inlinable
    func refill(_ index: Int) {
        let left = index == 0 ? 0 : index - 1
        let lower = uniqueChild(left)
        let upper = uniqueChild(left + 1)
        lower.absorb(upper)
        if lower.size <= Self.capacity {
            children.remove(at: left + 1)
            keys.remove(at: left + 1)
        } else {
            let half = lower.size / 2
            children[left + 1] = lower.isLeaf ? lower.splitEntries(at: half) : lower.splitChildren(at: half)
            keys[left + 1] = children[left + 1].firstKey
        }
    }

    @inlinable
    func absorb(_ upper: ImageNode) {
        keys.append(contentsOf: upper.keys)
        values.append(contentsOf: upper.values)
        children.append(contentsOf: upper.children)
        summary += upper.summary
    }
}
