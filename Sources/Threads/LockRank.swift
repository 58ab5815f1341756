internal import Glibc

/// The place of a lock in the one order in which locks may be taken: a thread that holds a lock takes only locks of a
/// higher rank. Each target names its ranks in an extension; `docs/LOCKING.md` holds the whole order with its reasons.
///
/// Debug builds check the order at every acquisition and stop the process at the first violation. Release builds keep
/// only the number.
public struct LockRank: Hashable, Sendable {
    public let order: Int
    public let name: StaticString

    public init(_ order: Int, _ name: StaticString) {
        self.order = order
        self.name = name
    }

    public static func == (a: Self, b: Self) -> Bool { a.order == b.order }
    public func hash(into hasher: inout Hasher) { hasher.combine(order) }

    /// For locks under which no other lock is ever taken.
    public static let leaf = LockRank(1_000, "leaf")
}

/// What this thread holds, in debug builds only.
@usableFromInline
enum HeldLocks {
    @usableFromInline
    static func willAcquire(_ rank: LockRank) {
        let held = HeldLocks.current
        if let top = held.ranks.last, top.order >= rank.order {
            preconditionFailure(
                "lock order: '\(rank.name)' (\(rank.order)) taken while '\(top.name)' (\(top.order)) is held")
        }
        held.ranks.append(rank)
    }

    @usableFromInline
    static func didRelease(_ rank: LockRank) {
        let held = HeldLocks.current
        guard let index = held.ranks.lastIndex(of: rank) else {
            preconditionFailure("lock order: '\(rank.name)' released but not held by this thread")
        }
        held.ranks.remove(at: index)
    }

    private final class Stack {
        var ranks: [LockRank] = []
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let failed = unsafe pthread_key_create(&key) { stack in
            // SAFETY: the value of this key is only ever the retained Stack stored below.
            if let stack = unsafe stack { unsafe Unmanaged<Stack>.fromOpaque(stack).release() }
        }
        precondition(failed == 0, "pthread_key_create: errno \(failed)")
        return key
    }()

    private static var current: Stack {
        if let raw = unsafe pthread_getspecific(key) {
            return unsafe Unmanaged<Stack>.fromOpaque(raw).takeUnretainedValue()
        }
        let stack = Stack()
        unsafe pthread_setspecific(key, Unmanaged.passRetained(stack).toOpaque())
        return stack
    }
}
