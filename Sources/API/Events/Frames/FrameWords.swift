/// The text of a change's frame between its parts. Texts that stand in the program, so that no references are counted for
/// each that is copied.
struct FrameWords: Sendable {
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
        change: "id: ", operation: "\nevent: route\ndata: {\"op\":\"", end: "}\n\n")

    private static let ndjson = FrameWords(
        change: "{\"event\":\"route\",\"id\":\"", operation: "\",\"data\":{\"op\":\"", end: "}}\n")
}
