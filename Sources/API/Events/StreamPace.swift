internal import HTTPServer

/// How much is done at once for streams, by and large: others wait meanwhile. Tests go in smaller steps.
struct StreamPace: Sendable {
    /// Bytes of frames for one stream in one of its turns.
    var turnBytes = StreamOutput.turnBytes
    /// Bytes of rows that a replay makes in one piece.
    var pieceBytes = 64 << 10
    /// Bytes of frames that one step of the reader makes for one class, and for all, and changes that it looks at.
    var stepBytes = 128 << 10
    var stepTotalBytes = 2 << 20
    var stepChanges = 4_096
}
