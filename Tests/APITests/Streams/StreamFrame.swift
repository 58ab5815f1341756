import TestSupport

/// What a client reads of a frame to check the rules of a stream. Members are found by their names and places, since frames are
/// many, and their form is checked elsewhere.
struct StreamFrame {
    let event: String
    /// Nil if it has none; empty if it clears what the client remembers.
    let id: String?
    private let data: [UInt8]
    /// Behind the entry, where members may have the names of others within it.
    private let tail: Int

    /// The frames that are complete at the start of the text, which they are taken off.
    static func take(from text: inout [UInt8], isNDJSON: Bool) -> [StreamFrame] {
        var (frames, start): ([StreamFrame], Int) = ([], 0)
        while let end = text.firstPlace(of: isNDJSON ? "\n" : "\n\n", from: start) {
            frames.append(StreamFrame(Array(text[start..<end]), isNDJSON: isNDJSON))
            start = end + (isNDJSON ? 1 : 2)
        }
        text.removeFirst(start)
        return frames
    }

    private init(_ bytes: [UInt8], isNDJSON: Bool) {
        let data = bytes.firstPlace(of: isNDJSON ? ",\"data\":" : "data: ") ?? bytes.count
        if isNDJSON {
            event = Self.text(bytes, behind: "\"event\":\"", until: "\"", to: data) ?? ""
            id = Self.text(bytes, behind: ",\"id\":\"", until: "\"", to: data)
        } else {
            event = Self.text(bytes, behind: "event: ", until: "\n", to: data) ?? ""
            id = Self.text(bytes, behind: "id: ", until: "\n", to: data)
        }
        self.data = Array(bytes[data...])
        tail = self.data.lastPlace(of: "},\"h\":\"") ?? self.data.lastPlace(of: "},\"was\":\"") ?? 0
    }

    private static func text(
        _ bytes: [UInt8], behind start: StaticString, until end: StaticString, from: Int = 0, to limit: Int? = nil
    ) -> String? {
        guard let place = bytes.firstPlace(of: start, from: from, to: limit) else { return nil }
        let first = place + start.utf8CodeUnitCount
        return String(decoding: bytes[first..<(bytes.firstPlace(of: end, from: first) ?? bytes.count)], as: UTF8.self)
    }

    private func number(_ name: StaticString, from start: Int) -> UInt64? {
        guard let place = data.firstPlace(of: name, from: start) else { return nil }
        let digits = data[(place + name.utf8CodeUnitCount)...].prefix { (48...57).contains($0) }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    private func hash(_ name: StaticString, from start: Int) -> UInt128? {
        Self.text(data, behind: name, until: "\"", from: start).flatMap { UInt128($0, radix: 16) }
    }

    var operation: String? { Self.text(data, behind: "\"op\":\"", until: "\"") }
    var sequence: UInt64? { number("\"seq\":", from: 0) }
    var previous: UInt64? { number("\"prev\":", from: 0) }
    /// Of a transaction, its number.
    var transaction: UInt64? { number(",\"tx\":", from: tail) }
    var isCatchUp: Bool { data.firstPlace(of: "\"catchup\":true", from: tail) != nil }
    var hash: UInt128? { hash(",\"h\":\"", from: tail) }
    var former: UInt128? { hash(",\"was\":\"", from: tail) }

    // Of other events.
    var mode: String? { Self.text(data, behind: "\"mode\":\"", until: "\"") }
    var reason: String? { Self.text(data, behind: "\"reason\":\"", until: "\"") }
    var epoch: String? { Self.text(data, behind: "\"epoch\":\"", until: "\"") }
    var count: UInt64? { number("\"count\":", from: 0) }
    var digest: UInt128? { hash("\"digest\":\"", from: 0) }
}
