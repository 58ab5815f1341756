extension Image {
    /// Stops the process if the tree is not what its comments say. O(n); for tests.
    public func _checkInvariants() {
        let (depth, summary) = Self.check(root, isRoot: true, above: nil, below: nil)
        precondition(depth >= 1 && summary == root.summary)
    }

    /// Depth and recomputed summary of `node`, whose keys must lie in `above ..< below`.
    private static func check(_ node: Node, isRoot: Bool, above: Key?, below: Key?) -> (Int, Summary) {
        precondition(node.size <= Node.capacity, "node of \(node.size) entries")
        precondition(isRoot || node.size >= 1, "empty node")
        var summary = Summary()
        var depth = 1
        if node.isLeaf {
            precondition(node.keys.count == node.values.count)
            for (index, key) in node.keys.enumerated() {
                precondition(index == 0 || node.keys[index - 1] < key, "leaf out of order")
                precondition(above.map { $0 <= key } ?? true, "key below its separator")
                precondition(below.map { key < $0 } ?? true, "key above the next separator")
                summary.add(node.values[index].hash)
            }
        } else {
            precondition(node.children.count == node.keys.count && node.values.isEmpty)
            for (index, child) in node.children.enumerated() {
                let upper = index + 1 < node.keys.count ? node.keys[index + 1] : below
                let (childDepth, part) = check(child, isRoot: false, above: node.keys[index], below: upper)
                precondition(index == 0 || childDepth + 1 == depth, "leaves at different depths")
                depth = childDepth + 1
                summary += part
            }
        }
        precondition(summary == node.summary, "summary \(node.summary) of a node with \(summary)")
        return (depth, summary)
    }
}
