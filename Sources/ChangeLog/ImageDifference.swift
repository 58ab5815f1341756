/// Walks two states of an image and leaves out whatever nodes they share, which is all that no one wrote to in between.
///
/// What comes is every entry that is in one of them only, or under one key in both with values of different writes; beside
/// these, entries that are the same in both and had neighbours that are not: values can't be compared here.
///
/// Both are walked in step, in the order of keys. A node that both have stands at the same place of that order, however
/// the nodes around it were split, joined or lifted since: whoever comes to it first waits before its first entry, since
/// that is in the other one too, and then both leave it out whole, of whatever level.
///
/// Cost: O(changed leaves × height × slots of a node).
///
/// SAFETY: Sendable as images are: it holds the roots of both.
@frozen public struct ImageDifference<Key: ImageKey, Value: ImageValue>: @unchecked Sendable {
    /// What is under a key in each of them.
    public typealias Entry = (key: Key, old: Value?, new: Value?)

    @usableFromInline var old: ImagePath<Key, Value>
    @usableFromInline var new: ImagePath<Key, Value>
    @usableFromInline let includesShared: Bool

    /// - Parameter includesShared: whether all entries of both are to come. O(n) then.
    @inlinable
    public init(from old: Image<Key, Value>, to new: Image<Key, Value>, includingShared includesShared: Bool = false) {
        self.old = ImagePath(root: old.root)
        self.new = ImagePath(root: new.root)
        self.includesShared = includesShared
    }

    /// Whether nothing is left of either.
    @inlinable public var isAtEnd: Bool { old.isAtEnd && new.isAtEnd }

    /// How many nodes were entered so far, of both together.
    @inlinable public var visits: Int { old.visits + new.visits }

    /// The next entry; nil at the end of both, or when `steps` are used up, of which each takes the same short time.
    @inlinable
    public mutating func next(steps: inout Int) -> Entry? {
        while steps > 0, !isAtEnd {
            steps -= 1
            if !includesShared, leaveOutShared() { continue }
            let (oldLevel, newLevel) = (old.level, new.level)
            if oldLevel == 0, newLevel == 0 { return takeEntry() }
            if oldLevel >= newLevel { old.enter() }
            if newLevel >= oldLevel { new.enter() }
        }
        return nil
    }

    /// Goes on with the first entry whose key is not below `key`, which is not below the one that came last. O(log n).
    @inlinable
    public mutating func skip(to key: Key) {
        old.move(to: key)
        new.move(to: key)
    }

    /// False if what comes next isn't shared, or can't be told to be at this level.
    @inlinable
    mutating func leaveOutShared() -> Bool {
        if old.isAtEnd || new.isAtEnd { return false }
        if old.isSame(as: new) {
            old.advanceBehindNode()
            new.advanceBehindNode()
            return true
        }
        let level = old.level
        guard level > 0, level == new.level, old.hasSameChild(as: new) else { return false }
        old.advance()
        new.advance()
        return true
    }

    /// Of the lower key, where both stand before an entry or at the end.
    @inlinable
    mutating func takeEntry() -> Entry {
        let isOld = new.isAtEnd || !old.isAtEnd && !(new.key < old.key)
        let isNew = old.isAtEnd || !new.isAtEnd && !(old.key < new.key)
        let entry = (isOld ? old.key : new.key, isOld ? old.value : nil, isNew ? new.value : nil)
        if isOld { old.advance() }
        if isNew { new.advance() }
        return entry
    }
}
