/// What feeds one event stream. Calls come one at a time for all streams, from the thread that holds the turn, which may be
/// one that has other work to do: be quick.
public protocol EventSource: AnyObject, Sendable {
    /// Once, before anything else. Keep `stream` to `schedule()` it.
    func opened(_ stream: EventStream)

    /// Appends what there is to send, up to about `StreamOutput.turnBytes` a call. Called after `opened`, when the stream
    /// was scheduled, when the socket took all that was queued, or when the deadline of `idle` passed; never while the
    /// client is behind. `now` is CLOCK_MONOTONIC in nanoseconds. Spurious calls are possible.
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult

    /// Exactly once; nothing is called afterwards. After `end` it says that everything was handed to the socket, or that
    /// the client left or took too long to read it.
    func closed()
}

/// What a source has in store.
public enum FillResult: Sendable {
    /// More at once: the stream is served again after the others had their turn.
    case more
    /// Nothing until it is scheduled or this time, CLOCK_MONOTONIC in nanoseconds (UInt64.max: never).
    case idle(until: UInt64)
    /// Nothing ever again: what is queued is written, then the connection closes.
    case end
}
