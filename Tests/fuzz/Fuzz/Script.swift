/// Requests as one writes them down: a line of method and target, lines of header fields, the body. An empty line is between
/// two requests.
struct Script {
    struct Request {
        var method = ""
        var target = ""
        var fields: [(String, String)] = []
        var body: [UInt8] = []

        var isNDJSON: Bool { fields.contains { $0.0.lowercased() == "content-type" && $0.1.contains("ndjson") } }
    }

    /// At most so many; more would only be slower.
    static let limit = 16

    let requests: [Request]

    init(_ input: some Sequence<UInt8>) {
        var requests: [Request] = []
        var lines: [ArraySlice<UInt8>] = []
        let all = Array(input).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for line in all + [[]] where requests.count < Self.limit {
            if !line.isEmpty {
                lines.append(line)
            } else if !lines.isEmpty {
                requests.append(Self.request(lines))
                lines = []
            }
        }
        self.requests = requests
    }

    private static func request(_ lines: [ArraySlice<UInt8>]) -> Request {
        let words = text(lines[0]).split(separator: " ", maxSplits: 1).map(String.init)
        var request = Request(method: words.first ?? "", target: words.count > 1 ? words[1] : "/")
        var rest = lines.dropFirst()
        while let line = rest.first, let field = field(line) {
            request.fields.append(field)
            rest.removeFirst()
        }
        request.body = Array(rest.joined(separator: [UInt8(ascii: "\n")]))
        return request
    }

    /// A header field, which JSON can't be taken for.
    private static func field(_ line: ArraySlice<UInt8>) -> (String, String)? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy({ $0 == UInt8(ascii: "-") || text([$0]).first?.isLetter == true })
        else { return nil }
        return (text(line[..<colon]), text(line[(colon + 1)...]).drop { $0 == " " }.description)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
