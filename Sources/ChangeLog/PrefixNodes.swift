/// The nodes of a prefix tree, whatever its values are.
///
/// SAFETY: Sendable because nodes are constant as soon as two trees share them; see `PrefixNode`.
@usableFromInline
struct PrefixNodes: @unchecked Sendable {
    private var root = PrefixNode.make(room: 2)
    /// Prefixes in it.
    @usableFromInline private(set) var count = 0

    @usableFromInline init() {}

    @usableFromInline
    mutating func set(_ high: UInt64, _ low: UInt64, _ length: Int, _ value: AnyObject?) -> AnyObject? {
        let former = Self.set(PrefixBits(high, low), length, depth: 0, value, &root)
        count += (value == nil ? 0 : 1) - (former == nil ? 0 : 1)
        return former
    }

    private static func set(
        _ address: PrefixBits, _ length: Int, depth: Int, _ value: AnyObject?, _ node: inout PrefixNode
    ) -> AnyObject? {
        PrefixNode.makeUnique(&node)
        let bits = address[depth]
        let rest = length - 8 * depth
        if rest <= 8 {
            let number = 1 << rest | Int(bits) >> (8 - rest)
            return value.map { PrefixNode.set(number, $0, &node) } ?? node.removeValue(number)
        }
        var former: AnyObject?
        PrefixNode.withChild(bits, creates: value != nil, &node) { child in
            former = set(address, length, depth: depth + 1, value, &child)
        }
        return former
    }

    @usableFromInline
    func value(_ high: UInt64, _ low: UInt64, _ length: Int) -> AnyObject? {
        let address = PrefixBits(high, low)
        var (next, depth) = (root, 0)
        while length > 8 * depth + 8 {
            guard let child = unsafe next.child(address[depth]) else { return nil }
            (next, depth) = (unsafe child.takeUnretainedValue(), depth + 1)
        }
        let rest = length - 8 * depth
        return next.value(1 << rest | Int(address[depth]) >> (8 - rest))
    }

    @usableFromInline
    func prefetch(_ high: UInt64, _ low: UInt64) {
        let address = PrefixBits(high, low)
        unsafe root.child(address[0])?._withUnsafeGuaranteedRef { node in
            unsafe node.child(address[1]).map { unsafe fetch($0.toOpaque(), bytes: PrefixNode.fetchedBytes) }
        }
    }

    @usableFromInline
    func longest(_ high: UInt64, _ low: UInt64) -> (length: Int, value: AnyObject)? {
        unsafe borrowedLongest(high, low).map { unsafe ($0.length, $0.value.takeUnretainedValue()) }
    }

    @usableFromInline
    func longestIdentity(_ high: UInt64, _ low: UInt64) -> (length: Int, value: ObjectIdentifier)? {
        guard let (length, value) = unsafe borrowedLongest(high, low) else { return nil }
        return unsafe (length, value._withUnsafeGuaranteedRef { ObjectIdentifier($0) })
    }

    /// The value is borrowed from the tree.
    @inline(__always) @unsafe
    private func borrowedLongest(_ high: UInt64, _ low: UInt64) -> (length: Int, value: Unmanaged<AnyObject>)? {
        let address = PrefixBits(high, low)
        var best: Unmanaged<AnyObject>?
        var (length, depth) = (0, 0)
        var next: Unmanaged<PrefixNode>? = unsafe .passUnretained(root)
        while let node = unsafe next {
            let bits = address[depth]
            unsafe node._withUnsafeGuaranteedRef { node in
                if let found = unsafe node.longest(bits) {
                    unsafe best = found.value
                    length = unsafe 8 &* depth &+ found.length
                }
                unsafe next = node.child(bits)
            }
            depth &+= 1
        }
        return unsafe best.map { unsafe (length, $0) }
    }

    @usableFromInline
    func forEach(_ high: UInt64, _ low: UInt64, _ body: (_ length: Int, _ value: AnyObject) -> Bool) {
        let address = PrefixBits(high, low)
        var path: [PrefixNode] = [root]
        while let child = unsafe path[path.count - 1].child(address[path.count - 1]) {
            path.append(unsafe child.takeUnretainedValue())
        }
        for (depth, node) in path.enumerated().reversed() {
            let bits = Int(address[depth])
            for rest in (depth == 0 ? 0...8 : 1...8).reversed() {
                guard let value = node.value(1 << rest | bits >> (8 - rest)) else { continue }
                if !body(8 * depth + rest, value) { return }
            }
        }
    }
}

/// The bits of an address, of which each eight lead through a node. Behind those of an IPv4 address there is nothing.
struct PrefixBits {
    private let high: UInt64
    private let low: UInt64

    init(_ high: UInt64, _ low: UInt64) { (self.high, self.low) = (high, low) }

    @inline(__always)
    subscript(depth: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (depth < 8 ? high : low) &>> UInt64(56 &- 8 &* (depth & 7)))
    }
}
