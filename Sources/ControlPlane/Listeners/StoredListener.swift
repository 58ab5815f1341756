public import ChangeLog

/// What a listener is registered for: a subscriber with a name, whose place the server remembers.
public struct ListenerSettings: Hashable, Sendable {
    public enum Role: String, Sendable {
        /// Is told.
        case observer
        /// Is told, programs hardware, and reports on that.
        case driver
    }

    /// What happens to a stream that the log has passed.
    public enum Overflow: String, Sendable {
        /// It is told to throw everything away, and gets a replay.
        case reset
        /// It ends.
        case close
    }

    public let name: String
    public let role: Role
    public var filter: EventFilter
    public var onOverflow: Overflow
    /// For how long the registration outlives the last sign of life; nil for ever.
    public var leaseSeconds: Int?

    public init(name: String, role: Role, filter: EventFilter, onOverflow: Overflow, leaseSeconds: Int?) {
        self.name = name
        self.role = role
        self.filter = filter
        self.onOverflow = onOverflow
        self.leaseSeconds = leaseSeconds
    }
}

/// A listener as the server keeps it.
public struct StoredListener: Hashable, Sendable {
    /// The number of the change that made it: names it for as long as it is there, and no other one ever.
    public let id: ChangeSequence
    public var settings: ListenerSettings
    /// The number of the change that made its settings what they are.
    public var version: ChangeSequence
    /// It has processed everything up to here. Zero if it never said so, or not since its filter is another one.
    public var acknowledged: ChangeSequence
}

/// A listener came, changed, or went. No stream is told.
public final class ListenerChange: Sendable {
    public let old: StoredListener?
    public let new: StoredListener?

    init(old: StoredListener?, new: StoredListener?) {
        self.old = old
        self.new = new
    }
}
