/// The text of a route's frames between its parts, ready to be copied. A reference, so that holding it for a row costs
/// nothing.
final class FrameWords: Sendable {
    /// Up to the number of a row.
    let row: [UInt8]
    /// Up to the cursor of a change, and from there to its operation.
    let change: [UInt8]
    let operation: [UInt8]
    /// Behind the last member of the data.
    let end: [UInt8]

    let sequence = Array("\",\"seq\":".utf8)
    let version = Array(",\"version\":".utf8)
    let previous = Array(",\"prev\":".utf8)
    let entry = Array(",\"entry\":".utf8)
    let hash = Array(",\"h\":\"".utf8)
    let was = Array(",\"was\":\"".utf8)

    private init(row: String, change: String, operation: String, end: String) {
        self.row = Array(row.utf8)
        self.change = Array(change.utf8)
        self.operation = Array(operation.utf8)
        self.end = Array(end.utf8)
    }

    static func of(_ format: EventFormat) -> FrameWords {
        switch format {
        case .serverSentEvents: serverSentEvents
        case .ndjson: ndjson
        }
    }

    private static let serverSentEvents = FrameWords(
        row: "event: route\ndata: {\"op\":\"replay\",\"seq\":", change: "id: ",
        operation: "\nevent: route\ndata: {\"op\":\"", end: "}\n\n")

    private static let ndjson = FrameWords(
        row: "{\"event\":\"route\",\"data\":{\"op\":\"replay\",\"seq\":", change: "{\"event\":\"route\",\"id\":\"",
        operation: "\",\"data\":{\"op\":\"", end: "}}\n")
}
