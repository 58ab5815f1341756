/// How it goes with making changes durable.
public enum JournalStatus: Hashable, Sendable {
    case writing
    /// The disk takes nothing at the moment, for this reason. What was applied waits; nothing new is.
    case blocked(String)
    /// The disk failed while something was being made durable. Nothing will be acknowledged any more.
    case failed(String)
    /// The server stops.
    case closed
}
