/// Where a walk stands in an image, as the way there from the root: before an entry of a leaf, or before a whole subtree
/// that it may enter or leave out.
///
/// SAFETY: the nodes of the way are below the root, which is held; so they stay, and no writer changes them.
@frozen @usableFromInline @safe
struct ImagePath<Key: ImageKey, Value: ImageValue> {
    @usableFromInline typealias Node = ImageNode<Key, Value>

    /// A node on the way, and which of its children the way goes through.
    @frozen @usableFromInline @safe
    struct Turn {
        @usableFromInline let node: Unmanaged<Node>
        @usableFromInline let index: Int

        @inlinable
        init(_ node: Unmanaged<Node>, _ index: Int) {
            unsafe self.node = unsafe node
            self.index = index
        }
    }

    @usableFromInline let root: Node
    @usableFromInline var turns: [Turn] = []
    /// The node at which the way ends.
    @usableFromInline var node: Unmanaged<Node>
    /// Before which of its entries or children; only at the end of the image there is none.
    @usableFromInline var index = 0
    @usableFromInline var size: Int
    /// How many nodes were entered.
    @usableFromInline var visits = 1

    @inlinable
    init(root: Node) {
        self.root = root
        unsafe node = Unmanaged.passUnretained(root)
        size = root.size
    }

    @inlinable var isAtEnd: Bool { index == size }
    /// Of the node; at the end, where nothing can be entered, that of a leaf.
    @inlinable var level: Int { unsafe isAtEnd ? 0 : node._withUnsafeGuaranteedRef { $0.level } }
    /// Of the next entry; in a leaf.
    @inlinable var key: Key { unsafe node._withUnsafeGuaranteedRef { unsafe $0.keys[index] } }
    @inlinable var value: Value { unsafe node._withUnsafeGuaranteedRef { unsafe $0.values[index] } }
    @inlinable @unsafe
    var child: Unmanaged<Node> { unsafe node._withUnsafeGuaranteedRef { unsafe $0.children[index] } }

    /// Whether the same follows in the node of both.
    @inlinable
    func isSame(as other: ImagePath) -> Bool {
        unsafe index == other.index && node.toOpaque() == other.node.toOpaque()
    }

    /// Whether both stand before the same subtree; of two that are at the same level, above leaves.
    @inlinable
    func hasSameChild(as other: ImagePath) -> Bool { unsafe child.toOpaque() == other.child.toOpaque() }

    /// Goes into the subtree, to its start. No node of an image is empty but the root of an empty one.
    @inlinable
    mutating func enter() {
        let next = unsafe child
        unsafe turns.append(Turn(node, index))
        unsafe stand(at: next, 0)
        visits += 1
    }

    /// Goes on behind the entry or the subtree.
    @inlinable
    mutating func advance() {
        index += 1
        leaveNodes()
    }

    /// Goes on behind the node.
    @inlinable
    mutating func advanceBehindNode() {
        index = size
        leaveNodes()
    }

    /// Goes to the first entry whose key is not below `key`, wherever it stands.
    @inlinable
    mutating func move(to key: Key) {
        turns.removeAll(keepingCapacity: true)
        unsafe stand(at: Unmanaged.passUnretained(root), 0)
        visits += 1
        while level > 0 {
            index = unsafe node._withUnsafeGuaranteedRef { $0.childIndex(for: key) }
            enter()
        }
        index = unsafe node._withUnsafeGuaranteedRef { $0.lowerBound(key) }
        leaveNodes()
    }

    /// Up from all nodes of which nothing is left.
    @inlinable
    mutating func leaveNodes() {
        while index == size, let turn = turns.popLast() { unsafe stand(at: turn.node, turn.index + 1) }
    }

    @inlinable @unsafe
    mutating func stand(at node: Unmanaged<Node>, _ index: Int) {
        unsafe self.node = unsafe node
        self.index = index
        size = unsafe node._withUnsafeGuaranteedRef { $0.size }
    }
}
