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

/// Who asks to make a change while too much waits for the disk.
enum Patience {
    /// The event thread, which never waits.
    case none
    /// One of few workers, which others need too.
    case ofWorker
    /// A thread that has nothing else to do, such as that of an import.
    case ofItsOwn
}
