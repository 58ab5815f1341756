extension ImageNode {
    /// Removes `key`, which must be below this node.
    ///
    /// It may leave this node without anything: where sorted input has just begun one, it has a single child, which has no neighbour
    /// to be joined with. Whoever is above takes it away then; the root has two children at least.
    @inlinable
    func remove(_ key: Key) -> Value {
        if isLeaf { return removeEntry(at: lowerBound(key)) }
        let index = childIndex(for: key)
        makeChildUnique(index)
        let removed = withChild(index) { $0.remove(key) }
        header.summary.remove(removed.hash)
        if size > 1 {
            if withChild(index, { $0.size < $0.slots / 4 }) { refill(index) }
        } else if withChild(index, { $0.size == 0 }) {
            removeChild(at: index)
        }
        return removed
    }

    @inlinable
    func removeEntry(at index: Int) -> Value {
        let behind = size - index - 1
        let removed = unsafe (values + index).move()
        unsafe (values + index).moveInitialize(from: values + index + 1, count: behind)
        unsafe (keys + index).update(from: keys + index + 1, count: behind)
        header.size -= 1
        header.summary.remove(removed.hash)
        return removed
    }

    /// Joins child `index` with a neighbour or, where both together are too many, shares evenly between them.
    @inlinable
    func refill(_ index: Int) {
        let left = index == 0 ? 0 : index - 1
        makeChildUnique(left)
        makeChildUnique(left + 1)
        let lower = unsafe children[left].takeUnretainedValue()
        let upper = unsafe children[left + 1].takeUnretainedValue()
        let total = lower.size + upper.size
        if total <= lower.slots {
            upper.moveTail(from: 0, to: lower)
            return removeChild(at: left + 1)
        }
        if lower.size > total / 2 {
            lower.moveTail(from: total / 2, toFrontOf: upper)
        } else {
            upper.moveFront(total / 2 - lower.size, to: lower)
        }
        setSeparator(left + 1, to: upper.firstKey)
    }

    /// Its entries have been moved elsewhere below this node.
    @inlinable
    func removeChild(at index: Int) {
        let behind = size - index - 1
        unsafe children[index].release()
        unsafe (children + index).moveInitialize(from: children + index + 1, count: behind)
        unsafe (leads + index).update(from: leads + index + 1, count: behind)
        unsafe (keys + index).update(from: keys + index + 1, count: behind)
        header.size -= 1
    }

    /// By way of a node in between, since refilling is rare: first what is to come before, then the rest.
    @inlinable
    func moveTail(from point: Int, toFrontOf upper: ImageNode) {
        let rest = Self.make(level: level)
        upper.moveTail(from: 0, to: rest)
        moveTail(from: point, to: upper)
        rest.moveTail(from: 0, to: upper)
    }

    @inlinable
    func moveFront(_ count: Int, to lower: ImageNode) {
        let rest = Self.make(level: level)
        moveTail(from: count, to: rest)
        moveTail(from: 0, to: lower)
        rest.moveTail(from: 0, to: self)
    }
}
