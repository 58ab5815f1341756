extension Image {
    /// Stops the process if the tree is not what its comments say. O(n); for tests.
    public func _checkInvariants() {
        let (depth, summary) = Self.check(root, isRoot: true, above: nil, below: nil)
        precondition(depth >= 1 && summary == root.summary)
    }

    /// Depth and recomputed summary of `node`, whose keys must lie in `above ..< below`.
    private static func check(_ node: Node, isRoot: Bool, above: Key?, below: Key?) -> (Int, Summary) {
        precondition(node.size <= node.slots, "node of \(node.size) entries")
        precondition(isRoot || node.size >= 1, "empty node")
        var summary = Summary()
        var depth = 1
        for index in 0..<node.size {
            let key = unsafe node.keys[index]
            let next = index + 1 < node.size ? unsafe node.keys[index + 1] : below
            precondition(next.map { key < $0 } ?? true, "keys out of order")
            precondition(above.map { $0 <= key } ?? true, "key below its separator")
            if node.isLeaf {
                summary.add(unsafe node.values[index].hash)
            } else {
                precondition(unsafe node.leads[index] == key.leading, "the first word of another key")
                let (childDepth, part) = node.withChild(index) { check($0, isRoot: false, above: key, below: next) }
                precondition(index == 0 || childDepth + 1 == depth, "leaves at different depths")
                depth = childDepth + 1
                summary += part
            }
        }
        precondition(summary == node.summary, "summary \(node.summary) of a node with \(summary)")
        return (depth, summary)
    }
}
