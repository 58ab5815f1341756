/// How the bytes of one stream get to its client. Used only by who holds the turn, but for its creation.
///
/// A transport sees to it that the loop hears when a client that was behind can take more again
/// (`StreamLoop.becameWritable`), and, as soon as it knows itself, that the client left (`StreamLoop.close`).
protocol StreamTransport: Sendable {
    /// Once, before anything is sent. `tag` names the stream in the loop's poll. False if the system refused; then the
    /// stream is closed.
    func open(tag: UInt64) -> Bool

    /// Takes what the client can take now, from the front.
    func send(_ output: inout StreamOutput) -> StreamProgress

    /// What the loop's poll said of this transport, if it is registered there.
    func handle(_ event: Poll.Event)

    /// Everything was taken, and nothing follows. nil if the stream can be closed at once; else how long the client is
    /// given to close it from its side, in nanoseconds.
    func finish() -> UInt64?

    /// Once, and last. Whatever the client has not got yet may be lost. Tells the event thread.
    func close()
}

/// What became of the bytes that a stream had to send.
enum StreamProgress {
    /// All were taken.
    case taken
    /// The client can take no more for now.
    case blocked
    /// There is no one to send to.
    case gone
}
