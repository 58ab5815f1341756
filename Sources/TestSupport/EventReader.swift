/// One frame of an event stream, as it came.
public struct EventFrame: Sendable {
    public var event = ""
    /// Nil where the frame has none; an empty one clears what a client remembers.
    public var id: String?
    public var retry: String?
    public var data = ""
}

/// A subscriber: reads the frames of `GET /v1/events` one by one.
public final class EventReader {
    public let client: TestClient
    public let head: TestResponse

    /// - Parameter target: the path with its query.
    public init(_ client: TestClient, _ target: String, headers: [String] = []) throws(TestClientError) {
        self.client = client
        try client.sendRequest("GET", target, headers: headers)
        head = try client.readResponseHead()
    }

    /// The next frame of a `text/event-stream`.
    public func next() throws(TestClientError) -> EventFrame {
        let text = try client.read(through: "\n\n")
        var frame = EventFrame()
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { throw .malformed(String(line)) }
            let rest = line[line.index(after: colon)...]
            let value = String(rest.first == " " ? rest.dropFirst() : rest)
            switch line[..<colon] {
            case "event": frame.event = value
            case "id": frame.id = value
            case "retry": frame.retry = value
            case "data": frame.data += value
            default: throw .malformed(String(line))
            }
        }
        return frame
    }

    /// Frames up to and including the first of that name.
    public func frames(through event: String) throws(TestClientError) -> [EventFrame] {
        var frames: [EventFrame] = []
        repeat { frames.append(try next()) } while frames.last?.event != event
        return frames
    }

    public func frames(_ count: Int) throws(TestClientError) -> [EventFrame] {
        var frames: [EventFrame] = []
        while frames.count < count { frames.append(try next()) }
        return frames
    }
}

extension RunningServer {
    /// Reads the stream of a listener.
    public func followListener(_ name: String, _ query: String = "", headers: [String] = []) throws -> EventReader {
        try EventReader(client(), "/v1/listeners/\(name)/events\(query)", headers: headers)
    }

    /// Subscribes; `query` is what follows `/v1/events`.
    public func follow(
        _ query: String = "", headers: [String] = [], receiveBuffer: Int32? = nil
    ) throws -> EventReader {
        try EventReader(client(receiveBuffer: receiveBuffer), "/v1/events\(query)", headers: headers)
    }
}
