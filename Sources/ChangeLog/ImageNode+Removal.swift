extension ImageNode {
    /// Removes `key`, which must be below this node.
    @inlinable
    func remove(_ key: Key) -> Value {
        if isLeaf {
            let removed = entries.remove(at: lowerBound(key)).value
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
            separators.remove(at: left + 1)
        } else {
            let half = lower.size / 2
            children[left + 1] = lower.isLeaf ? lower.splitEntries(at: half) : lower.splitChildren(at: half)
            separators[left + 1] = children[left + 1].firstKey
        }
    }

    @inlinable
    func absorb(_ upper: ImageNode) {
        entries.append(contentsOf: upper.entries)
        children.append(contentsOf: upper.children)
        separators.append(contentsOf: upper.separators)
        summary += upper.summary
    }
}
