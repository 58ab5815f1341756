internal import Atomics

/// What readers look at without a lock, while writers change what it is made from under one: made anew by the first reader after
/// a change.
///
/// It stands in for RCU: what a reader got stays as it is for as long as the reader holds it. Many changes without a reader cost
/// nothing but a store each.
public final class Published<Value: Sendable>: Sendable {
    private final class Box: AtomicReference, Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private let current = ManagedAtomic<Box?>(nil)

    public init() {}

    /// - Parameter make: takes the lock under which `change` is called, and calls `publish` within it.
    public func value(orMake make: () -> Value) -> Value { current.load(ordering: .acquiring)?.value ?? make() }

    /// Only under the lock, so that it is of the latest change.
    public func publish(_ value: Value) -> Value {
        current.store(Box(value), ordering: .releasing)
        return value
    }

    /// Only under the lock. From its return on, readers find what was changed before it.
    public func change() { current.store(nil, ordering: .releasing) }
}
