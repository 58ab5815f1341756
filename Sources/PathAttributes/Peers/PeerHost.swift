public import Addressing
public import ChangeLog

/// What peers need of the system that they are part of.
public protocol PeerHost: AnyObject, Sendable {
    /// Of an entry's canonical bytes.
    func hash(_ address: IPAddress, _ information: PathInformation) -> EntryHash

    /// Numbers changes, one behind the other and nothing between, each made once its number is known. It is called with the lock held
    /// under which they take effect; it must not call back.
    func commit(
        _ count: Int, because reason: PeerReason?, _ make: (_ index: Int, _ number: ChangeSequence) -> PeerChange)

    /// Now, in milliseconds since 1970.
    var now: UInt64 { get }
}

/// Something is known of a peer that wasn't, or isn't known any more.
public struct PeerChange: Sendable {
    public let old: StoredPeer?
    public let new: StoredPeer?

    init(from old: StoredPeer?, to new: StoredPeer?) { (self.old, self.new) = (old, new) }
}

/// Why peers change that no one asked for.
public enum PeerReason: Sendable {
    /// What was known of it counts no more.
    case expired
    /// No one holds it, and there are many.
    case collected
    /// All that is known was to be forgotten (R5-56).
    case flushed
    /// A link on the way has another MTU, since the change of that number.
    case mtuChanged(ChangeSequence)
    /// Their namespace is gone, since the change of that number.
    case namespaceRemoved(ChangeSequence)
}
