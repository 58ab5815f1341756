/// Finds the longest of many prefixes that holds an address, and those that it lies in: a trie of which each node is eight bits
/// wide and keeps only what is in it ("tree bitmap", Eatherton, Varghese and Dittia, 2004). A node of the IPv4 Internet is found
/// in three steps.
///
/// A value: copying it is one retain, and a copy never changes. Each prefix has an object. Addresses are two words, left-aligned;
/// a prefix has no bits behind its length.
@frozen public struct PrefixTree<Value: AnyObject & Sendable>: Sendable {
    @usableFromInline var nodes = PrefixNodes()

    @inlinable public init() {}

    /// Prefixes in it.
    @inlinable public var count: Int { nodes.count }

    /// Sets the value of a prefix, with nil the prefix goes; what its value was before.
    @inlinable @discardableResult
    public mutating func set(_ high: UInt64, _ low: UInt64, length: Int, _ value: Value?) -> Value? {
        nodes.set(high, low, length, value).map(Self.value)
    }

    @inlinable public func value(_ high: UInt64, _ low: UInt64, length: Int) -> Value? {
        nodes.value(high, low, length).map(Self.value)
    }

    /// The longest prefix that holds the address; nil if there is none.
    @inlinable public func longest(_ high: UInt64, _ low: UInt64) -> (length: Int, value: Value)? {
        nodes.longest(high, low).map { ($0.length, Self.value($0.value)) }
    }

    /// The longest prefix that holds the address, and which value it has: good as long as the value stays in a tree. Counts no
    /// reference, for which threads that look up the same would have to wait for one another.
    @inlinable public func longestIdentity(_ high: UInt64, _ low: UInt64) -> (length: Int, value: ObjectIdentifier)? {
        nodes.longestIdentity(high, low)
    }

    /// Every prefix that holds the address, the longest first, until the body returns false.
    @inlinable public func forEach(
        holding high: UInt64, _ low: UInt64, _ body: (_ length: Int, _ value: Value) -> Bool
    ) {
        nodes.forEach(high, low) { body($0, Self.value($1)) }
    }

    /// Begins to load what a lookup of the address will look at: nodes below the first two levels, which in a large table no
    /// cache holds. The third level is where most prefixes of the IPv4 Internet are.
    @inlinable public func prefetch(_ high: UInt64, _ low: UInt64) { nodes.prefetch(high, low) }

    /// What was put in as a `Value` comes out as one.
    @inlinable static func value(_ object: AnyObject) -> Value { unsafe unsafeDowncast(object, to: Value.self) }
}
