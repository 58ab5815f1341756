import ChangeLog
import TestSupport
import Testing

/// Streams with `Content-Encoding: gzip`.
@Suite struct GzipStreamTests {
    let server: RunningServer

    init() throws { server = try RunningServer() }

    private func add(_ count: Int) throws {
        let rows = (0..<count).map { "{\"dst\":\"10.\($0 >> 8).\($0 & 255).0/24\",\"dev\":\"eth0\"}\n" }.joined()
        let response = try server.request(
            "POST", "/v1/routes", rows, headers: ["Content-Type: application/x-ndjson"])
        #expect(response.status == 200)
    }

    @Test(
        "A dump that asks for gzip comes with it, ends as gzip ends, and is what it is without",
        arguments: ["", "&view=best"])
    func dump(query: String) throws {
        try add(5_000)
        let target = "/v1/events?until=sync\(query)"
        let plain = try server.curl(target)
        let compressed = try server.curl("--compressed", target)
        #expect(plain.header("Content-Encoding") == nil && compressed.header("Content-Encoding") == "gzip")
        #expect(compressed.text == plain.text && plain.text.contains("event: sync"))
        for response in [plain, compressed] { #expect(response.header("Vary")?.contains("Accept-Encoding") ?? false) }
    }

    @Test(
        "Only who names gzip gets it",
        arguments: [
            ("gzip", true), ("br, GZIP;q=0.5", true), ("x-gzip", true), ("gzip;q=0", false), ("gzip; q=0.000", false),
            ("gzip;q=0.05", true), ("*", false), ("identity", false), ("", false),
        ])
    func negotiation(accepted: String, isCompressed: Bool) throws {
        let response = try server.request(
            "HEAD", "/v1/events", "", headers: accepted.isEmpty ? [] : ["Accept-Encoding: \(accepted)"])
        #expect(response.status == 200 && (response.header("Content-Encoding") == "gzip") == isCompressed)
    }

    @Test("What happens later comes at once, each piece complete, and the end is right when the server goes")
    func live() throws {
        try add(100)
        let client = try server.client()
        try client.send(
            "GET /v1/events?kinds=route HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nAccept: application/x-ndjson\r\n\r\n"
        )
        let head = try client.read(through: "\r\n\r\n")
        #expect(head.contains("Content-Encoding: gzip"))
        let inflater = try Inflater()
        var text = ""
        func read(until wanted: String) throws {
            while !text.contains(wanted) {
                text += String(decoding: try inflater.add(client.read(1)), as: UTF8.self)
            }
        }
        try read(until: "\"event\":\"sync\"")
        #expect(text.split(separator: "\n").count { $0.contains("\"op\":\"replay\"") } == 100)
        _ = try server.request("PUT", "/v1/routes/192.0.2.0/24", "{\"dev\":\"eth1\"}")
        try read(until: "192.0.2.0/24")
        _ = try server.delete("/v1/routes/192.0.2.0/24")
        try read(until: "\"op\":\"delete\"")
        #expect(!inflater.isAtEnd)
        #expect(server.stop() == 0)
        let rest = String(decoding: try inflater.add(client.readToEnd()), as: UTF8.self)
        #expect(rest.contains("\"event\":\"drain\"") && inflater.isAtEnd)
    }
}
