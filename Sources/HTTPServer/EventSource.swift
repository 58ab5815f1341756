/// What feeds one event stream. All calls are made on the stream thread, which serves all streams: be quick.
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

/// What waits to be sent on one stream: a queue of byte arrays, which are shared and not copied.
public struct StreamOutput {
    /// A fair amount for one call of `fill`.
    public static let turnBytes = 256 * 1024

    private var slices: [[UInt8]] = []
    private var head = 0
    /// Bytes of `slices[head]` that were sent.
    private var headOffset = 0
    public private(set) var queuedBytes = 0

    public init() {}

    /// Keeps `bytes` until they are sent. Many streams may be given the same array.
    public mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        slices.append(bytes)
        queuedBytes += bytes.count
    }

    /// The first slices, at most `limit`, without what was sent of the first one.
    func front(_ limit: Int) -> (slices: ArraySlice<[UInt8]>, offset: Int) {
        (slices[head..<min(slices.count, head + limit)], headOffset)
    }

    mutating func drop(_ sent: Int) {
        queuedBytes -= sent
        headOffset += sent
        while head < slices.count, headOffset >= slices[head].count {
            headOffset -= slices[head].count
            slices[head] = []
            head += 1
        }
        guard head == slices.count else { return }
        // An idle stream keeps the room of a usual turn, not that of its replay.
        slices.removeAll(keepingCapacity: slices.capacity <= 64)
        head = 0
    }
}
