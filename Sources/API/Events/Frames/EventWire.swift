internal import Compression
internal import HTTPServer

/// How frames go out: in a format, and as they are or with gzip.
struct EventWire: Hashable, Sendable {
    var format = EventFormat.serverSentEvents
    /// `Content-Encoding: gzip` (RFC 9110, section 8.4.1.3).
    var isCompressed = false
}

/// Some frames as they go out: made once, and sent to many.
enum FrameText: Sendable {
    case plain([UInt8])
    case deflated(DeflatedBlock)

    /// What is sent.
    var bytes: [UInt8] {
        switch self {
        case .plain(let bytes): bytes
        case .deflated(let block): block.bytes
        }
    }
}
