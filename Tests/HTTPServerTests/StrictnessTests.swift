import HTTPServer
import TestSupport
import Testing

extension ServerTests {
    @Suite struct StrictnessTests {
        struct Case: CustomTestStringConvertible, Sendable {
            let request: String
            let status: Int
            let reason: HTTPRefusal
            init(_ request: String, _ status: Int, _ reason: HTTPRefusal) {
                self.request = request
                self.status = status
                self.reason = reason
            }
            var testDescription: String { "\(status) \(reason.rawValue): \(request.debugDescription)" }
        }

        static let ambiguous = [
            Case("GET / HTTP/1.1\r\n\r\n", 400, .missingHost),
            Case("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400, .duplicateHost),
            Case("GET / HTTP/1.0\r\nHost: a\r\nHOST: b\r\n\r\n", 400, .duplicateHost),
            Case(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400,
                .duplicateContentLength),
            Case(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\nx", 400,
                .duplicateContentLength),
            Case(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                .ambiguousLength),
            Case("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, .transferEncoding),
            Case("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501, .transferEncoding),
            Case("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501, .transferEncoding),
            Case(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
                .transferEncoding),
            Case("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, .transferEncoding),
            Case("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello", 400, .malformedHeader),
            Case("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, .malformedHeader),
            Case("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, .malformedTarget),
            Case("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", 400, .malformedTarget),
            Case("GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, .malformedTarget),
        ]

        @Test(
            "A request whose meaning others could see differently is refused, and the connection closed",
            arguments: ambiguous)
        func refusesAmbiguity(example: Case) throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            try client.send(example.request)
            let response = try client.readResponse()
            #expect(response.status == example.status && response.text == example.reason.rawValue)
            #expect(response.header("Connection") == "close" && response.header("Date") != nil)
            #expect(client.isClosedByServer())
        }

        @Test(
            "What libmicrohttpd refuses by itself never reaches the plan",
            arguments: [
                ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400),
                ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400),
                ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
                ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n", 431),
            ])
        func libraryRefuses(request: String, status: Int) throws {
            let server = try TestServer { _ in
                Issue.record("planned")
                return .answer(.response(TestServer.text("")))
            }
            let client = try server.connect()
            try client.send(request)
            #expect(try client.readResponse().status == status)
        }

        @Test(
            "A body over the limit gets 413: before it is read, or while it is read in chunks",
            arguments: [false, true])
        func limitsBodies(chunked: Bool) throws {
            let server = try TestServer { _ in .collect(limit: 1_000) { .response(TestServer.text("\($0.count)")) } }
            let client = try server.connect()
            #expect(try client.request("POST", body: [UInt8](repeating: 1, count: 1_000)).text == "1000")
            if chunked {
                try client.sendRequest("POST", headers: ["Transfer-Encoding: chunked"])
                for _ in 0..<11 { try client.send("64\r\n\(String(repeating: "x", count: 100))\r\n") }
            } else {
                try client.sendRequest("POST", headers: ["Content-Length: 1001"])
            }
            let response = try client.readResponse()
            #expect(response.status == 413 && response.text == "body-too-large")
            #expect(client.isClosedByServer())
        }

        @Test("A client that is still sending a refused body can read the answer")
        func answersWhileBodyArrives() throws {
            let server = try TestServer { _ in .collect(limit: 10) { _ in .response(TestServer.text("")) } }
            let client = try server.connect()
            let body = [UInt8](repeating: 7, count: 8 << 20)
            try client.sendRequest("PUT", body: body)
            #expect(try client.readResponse().status == 413)
        }

        @Test("Targets are decoded strictly")
        func decodesTargets() throws {
            let target = try HTTPTarget(path: "/v1/a%2Fb/%e4%bd%a0/", query: "x=1&y=%26+%3D&x=2&z&&=e")
            #expect(target.segments == ["v1", "a/b", "\u{4f60}", ""])
            #expect(target.items.map(\.name) == ["x", "y", "x", "z", ""])
            #expect(target.items.map(\.value) == ["1", "&+=", "2", "", "e"])
            #expect(try HTTPTarget(path: "/", query: nil).segments == [""])
        }

        @Test(
            "Targets that can't be decoded say why",
            arguments: [
                ("/%", HTTPTargetError.malformedEscape(in: "%")), ("/a/%4", .malformedEscape(in: "%4")),
                ("/%g0", .malformedEscape(in: "%g0")), ("/%00", .containsNUL(in: "%00")),
                ("/%ff", .invalidUTF8(in: "%ff")), ("/%c0%af", .invalidUTF8(in: "%c0%af")), ("*", .notAbsolute("*")),
            ])
        func refusesTargets(path: String, error: HTTPTargetError) {
            #expect(throws: error) { try HTTPTarget(path: path, query: nil) }
        }
    }
}
