extension ImageNode {
    /// Stores `value` under `key`. Returns what was there, and the upper part of this node if it had to be split.
    @inlinable
    func insert(_ value: Value, for key: Key, at place: ImagePlace) -> (old: Value?, split: ImageNode?) {
        if isLeaf { return insertEntry(value, for: key, at: place.index) }
        let index = place.child(at: level)
        if unsafe key < keys[index] { setSeparator(index, to: key) }
        makeChildUnique(index)
        let (old, split) = withChild(index) { $0.insert(value, for: key, at: place) }
        if let old { header.summary.remove(old.hash) }
        header.summary.add(value.hash)
        return (old, split.flatMap { insertChild($0, at: index + 1) })
    }

    @inlinable
    func insertEntry(_ value: Value, for key: Key, at index: Int) -> (old: Value?, split: ImageNode?) {
        if unsafe index < size && keys[index] == key {
            let old = unsafe values[index]
            unsafe values[index] = value
            header.summary.add(value.hash)
            header.summary.remove(old.hash)
            return (old, nil)
        }
        guard size == slots else {
            place(value, key, at: index)
            return (nil, nil)
        }
        let upper = split(for: index)
        if index > size || size == slots {
            upper.place(value, key, at: index - size)
        } else {
            place(value, key, at: index)
        }
        return (nil, upper)
    }

    /// Into a leaf that has room.
    @inlinable
    func place(_ value: Value, _ key: Key, at index: Int) {
        let behind = size - index
        unsafe (keys + index + 1).update(from: keys + index, count: behind)
        unsafe keys[index] = key
        unsafe (values + index + 1).moveInitialize(from: values + index, count: behind)
        unsafe (values + index).initialize(to: value)
        header.size += 1
        header.summary.add(value.hash)
    }

    /// Its entries are counted in this node's summary already. Returns the upper part if this node had to be split.
    @inlinable
    func insertChild(_ child: ImageNode, at index: Int) -> ImageNode? {
        guard size == slots else {
            placeChild(child, at: index)
            return nil
        }
        let upper = split(for: index)
        if index > size || size == slots {
            // What was added below has moved up; it was counted here.
            header.summary -= child.summary
            upper.placeChild(child, at: index - size)
            upper.header.summary += child.summary
        } else {
            placeChild(child, at: index)
        }
        return upper
    }

    @inlinable
    func placeChild(_ child: ImageNode, at index: Int) {
        let behind = size - index
        unsafe (keys + index + 1).update(from: keys + index, count: behind)
        unsafe (leads + index + 1).update(from: leads + index, count: behind)
        setSeparator(index, to: child.firstKey)
        unsafe (children + index + 1).moveInitialize(from: children + index, count: behind)
        unsafe (children + index).initialize(to: Unmanaged.passRetained(child))
        header.size += 1
    }

    /// Moves the upper half of a full node to a new one; nothing if what comes in goes to the very end: sorted input then
    /// fills its nodes.
    @inlinable
    func split(for index: Int) -> ImageNode {
        let upper = Self.make(level: level)
        if index < size { moveTail(from: size / 2, to: upper) }
        return upper
    }
}
