/// The text of a route's frames between its parts. Texts that stand in the program, so that no references are counted for
/// each that is copied.
struct FrameWords: Sendable {
    /// Up to the number of a row.
    let row: StaticString
    /// Up to the cursor of a change, and from there to its operation.
    let change: StaticString
    let operation: StaticString
    /// Behind the last member of the data.
    let end: StaticString

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
