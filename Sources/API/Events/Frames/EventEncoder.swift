internal import ChangeLog
internal import ControlPlane
internal import JSON
internal import Routing

/// How a stream is written.
enum EventFormat: Int, CaseIterable, Sendable {
    /// `text/event-stream` (WHATWG HTML, section "Server-sent events").
    case serverSentEvents
    /// `application/x-ndjson`: a line is `{"event","id","data"}`.
    case ndjson

    var contentType: String {
        switch self {
        case .serverSentEvents: "text/event-stream"
        case .ndjson: "application/x-ndjson"
        }
    }
}

/// The `id` of a frame.
enum EventID {
    case none
    /// Clears what the client remembers.
    case empty
    case cursor(ChangeSequence)
}

/// Writes frames for all streams that share a filter and a format.
final class EventEncoder: Sendable {
    let format: EventFormat
    /// Whether it says of routes what hardware makes of them.
    let showsHardware: Bool
    let words: FrameWords
    /// `<epoch>-`
    let cursorHead: [UInt8]
    /// `-<filter digits>`
    let cursorTail: [UInt8]

    convenience init(_ format: EventFormat, epoch: String, _ filter: EventFilter) {
        self.init(
            format: format, epoch: epoch, filterDigits: filter.digits, showsHardware: filter.hardware != .none)
    }

    init(format: EventFormat, epoch: String, filterDigits: String, showsHardware: Bool) {
        self.format = format
        self.showsHardware = showsHardware
        words = FrameWords.of(format)
        cursorHead = Array("\(epoch)-".utf8)
        cursorTail = Array("-\(filterDigits)".utf8)
    }

    /// Writes one frame; `data` appends the JSON text of its data, which holds no line feed.
    func frame(_ event: String, _ id: EventID, into bytes: inout [UInt8], _ data: (inout [UInt8]) -> Void) {
        switch format {
        case .serverSentEvents:
            appendID(id, "id: ", "\n", to: &bytes)
            bytes.appendASCII("event: ")
            bytes.appendASCII(event)
            bytes.appendASCII("\ndata: ")
            data(&bytes)
            bytes.appendASCII("\n\n")
        case .ndjson:
            bytes.appendASCII("{\"event\":\"")
            bytes.appendASCII(event)
            bytes.append(UInt8(ascii: "\""))
            appendID(id, ",\"id\":\"", "\"", to: &bytes)
            bytes.appendASCII(",\"data\":")
            data(&bytes)
            bytes.appendASCII("}\n")
        }
    }

    private func appendID(_ id: EventID, _ open: String, _ close: String, to bytes: inout [UInt8]) {
        switch id {
        case .none: return
        case .empty:
            bytes.appendASCII(open)
            bytes.appendASCII(close)
        case .cursor(let sequence):
            bytes.appendASCII(open)
            bytes.append(contentsOf: cursorHead)
            bytes.appendDecimal(sequence.rawValue)
            bytes.append(contentsOf: cursorTail)
            bytes.appendASCII(close)
        }
    }
}
