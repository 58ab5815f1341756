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
struct EventEncoder: Sendable {
    let format: EventFormat
    /// `<epoch>-`
    private let cursorHead: [UInt8]
    /// `-<filter digits>`
    private let cursorTail: [UInt8]

    init(format: EventFormat, epoch: String, filterDigits: String) {
        self.format = format
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

extension EventEncoder {
    /// A row of a replay.
    func row(_ entry: SelectedChange.Entry, into bytes: inout [UInt8]) {
        frame(entry.kind.rawValue, .none, into: &bytes) { bytes in
            bytes.appendASCII("{\"op\":\"replay\",\"seq\":")
            bytes.appendDecimal(entry.version.rawValue)
            bytes.appendASCII(",\"version\":")
            bytes.appendDecimal(entry.version.rawValue)
            bytes.appendASCII(",\"entry\":")
            entry.append(to: &bytes)
            bytes.appendASCII(",\"h\":\"")
            bytes.append(entry.hash)
            bytes.appendASCII("\"}")
        }
    }

    /// A change, as the filter sees it. `previous` is the number of the latest earlier change that the filter selects.
    func delta(
        _ change: Change, _ selected: SelectedChange, previous: ChangeSequence, into bytes: inout [UInt8]
    ) {
        guard let entry = selected.new ?? selected.old else { return }
        frame(entry.kind.rawValue, .cursor(change.sequence), into: &bytes) { bytes in
            bytes.appendASCII("{\"op\":\"")
            bytes.appendASCII(selected.operation.name)
            bytes.appendASCII("\",\"seq\":")
            bytes.appendDecimal(change.sequence.rawValue)
            bytes.appendASCII(",\"version\":")
            bytes.appendDecimal((selected.new == nil ? change.sequence : entry.version).rawValue)
            bytes.appendASCII(",\"prev\":")
            bytes.appendDecimal(previous.rawValue)
            bytes.appendASCII(",\"entry\":")
            entry.append(to: &bytes)
            if let new = selected.new { append(new.hash, as: ",\"h\":\"", to: &bytes) }
            if let old = selected.old { append(old.hash, as: ",\"was\":\"", to: &bytes) }
            if let batch = change.batch { append(batch, to: &bytes) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// A change that was found by comparing states: the client learns what is different, not how it came about.
    func difference(
        _ selected: SelectedChange, from old: ChangeSequence, to new: ChangeSequence, into bytes: inout [UInt8]
    ) {
        guard let entry = selected.new ?? selected.old else { return }
        frame(entry.kind.rawValue, .none, into: &bytes) { bytes in
            bytes.appendASCII("{\"op\":\"\(selected.operation.name)\",\"seq\":\(new.rawValue),\"version\":")
            bytes.appendDecimal((selected.new == nil ? new : entry.version).rawValue)
            bytes.appendASCII(",\"prev\":\(old.rawValue),\"entry\":")
            entry.append(to: &bytes)
            if let new = selected.new { append(new.hash, as: ",\"h\":\"", to: &bytes) }
            if let old = selected.old { append(old.hash, as: ",\"was\":\"", to: &bytes) }
            bytes.appendASCII(",\"tx\":\(new.rawValue),\"catchup\":true}")
        }
    }

    private func append(_ hash: EntryHash, as member: String, to bytes: inout [UInt8]) {
        bytes.appendASCII(member)
        bytes.append(hash)
        bytes.append(UInt8(ascii: "\""))
    }

    private func append(_ batch: ChangeBatch, to bytes: inout [UInt8]) {
        if let cause = batch.cause {
            bytes.appendASCII(",\"cause\":{\"reason\":")
            bytes.appendJSON(string: cause.reason)
            bytes.appendASCII(",\"seq\":")
            bytes.appendDecimal(cause.sequence.rawValue)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.appendASCII(",\"tx\":")
        bytes.appendDecimal(batch.transaction.rawValue)
    }
}

extension SelectedChange.Entry {
    var kind: ObjectKind {
        switch self {
        case .route: .route
        case .namespace: .namespace
        }
    }

    /// The entry's canonical bytes.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .route(let table, let key, let stored): RouteEntry.append(table, key, stored.info, to: &bytes)
        case .namespace(let name, let stored): stored.settings.appendEntry(name: name, to: &bytes)
        }
    }
}
