import HTTPServer
import TestSupport
import Testing

extension ServerTests {
    @Suite("Header fields of responses")
    struct ResponseHeaderTests {
        private static func respond(_ change: @escaping @Sendable (inout HTTPResponseHeaders) -> Void) throws
            -> TestServer
        {
            try TestServer { _ in
                var response = TestServer.text("x")
                change(&response.headers)
                return .answer(.response(response))
            }
        }

        @Test("A value is a literal, a text, a number or an entity tag")
        func values() throws {
            let server = try Self.respond { headers in
                headers.add("X-Literal", "a, b")
                headers.add("X-Text", .text("longer than fifteen bytes: \u{e4}"))
                headers.add("X-Least", .number(0))
                headers.add("X-Most", .number(.max))
                headers.add("ETag", .tag(1_234_567_890))
            }
            let response = try server.connect().request()
            #expect(response.header("X-Literal") == "a, b")
            #expect(response.header("X-Text") == "longer than fifteen bytes: \u{e4}")
            #expect(response.header("X-Least") == "0" && response.header("X-Most") == "18446744073709551615")
            #expect(response.header("ETag") == "\"1234567890\"")
        }

        @Test("A text that can't be sent is left out", arguments: ["", "a\tb", "a\r\nX-Evil: 1", "a\u{7f}", "\0"])
        func unsendable(text: String) throws {
            let server = try Self.respond { headers in
                headers.add("X-Bad", .text(text))
                headers.add("X-Good", .text("c"))
            }
            let response = try server.connect().request()
            #expect(response.header("X-Bad") == nil && response.header("X-Evil") == nil)
            #expect(response.header("X-Good") == "c")
        }

        @Test("A field can be put in the place of others, whatever the case of its name")
        func replacing() {
            var headers = HTTPResponseHeaders()
            headers.add("Vary", "a")
            headers.add("X-Other", .number(7))
            headers.add("vary", "b")
            headers.set("VARY", .tag(1))
            #expect(headers.first("vary") == "\"1\"" && headers.first("x-other") == "7")
            headers.set("Vary", .text("\n"))
            #expect(headers.first("Vary") == nil)
        }
    }
}
