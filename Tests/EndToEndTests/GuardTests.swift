import TestSupport
import Testing

/// Who may call: the gate against web pages that reach for an open port, and against ambiguous requests.
@Suite struct GuardTests {
    private func answer(_ server: RunningServer, _ lines: String...) throws -> TestResponse {
        let client = try server.client()
        try client.send((lines + ["", ""]).joined(separator: "\r\n"))
        return try client.readResponse()
    }

    @Test(
        "Foreign hosts are 421; addresses, localhost and listed names are served",
        arguments: [
            ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example", 421),
            ("evil.example:80", 421),
            ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1", 200), ("192.0.2.7:8080", 200), ("[::1]", 200),
            ("[2001:db8::1]:8080", 200), ("fib.example", 200), ("FIB.example:1", 200), ("localhost:x", 421),
            ("[::1", 421), ("[::1]x", 421), ("localhost:99999", 421), ("a localhost", 421),
            ("localhost:", 200), ("localhost:+80", 421), ("127.0.0.1:80:80", 421), ("::1", 421), ("[127.0.0.1]", 421),
        ])
    func host(name: String, status: Int) throws {
        let server = try RunningServer("--host-names", "fib.example")
        let response = try answer(server, "GET /v1 HTTP/1.1", "Host: \(name)")
        #expect(response.status == status, "\(response.text)")
        if status == 421 { #expect(try response.problem()["reason"] == .string("unknown-host")) }
    }

    @Test("Pages of a foreign origin are refused, even with simple requests; listed ones may read the answer")
    func origin() throws {
        let server = try RunningServer("--cors-origins", "https://noc.example")
        let before = try server.state()
        for origin in ["https://evil.example", "null", "http://localhost:1", "https://noc.example.evil.example"] {
            let response = try server.request(
                "POST", "/v1/routes", #"{"dst":"10.0.0.0/8","dev":"a"}"#,
                headers: ["Origin: \(origin)", "Content-Type: text/plain"])
            #expect(response.status == 403, "\(origin)")
            #expect(response.header("Access-Control-Allow-Origin") == nil)
            #expect(try response.problem()["reason"] == .string("foreign-origin"))
            #expect(try server.get("/v1/events?until=sync", headers: ["Origin: \(origin)"]).status == 403)
        }
        #expect(try server.state() == before)
        #expect(try server.get("/v1", headers: ["Origin: http://localhost"]).status == 200)
        let listed = try server.get("/v1", headers: ["Origin: https://noc.example"])
        #expect(listed.header("Access-Control-Allow-Origin") == "https://noc.example")
        #expect(listed.header("Vary")?.contains("Origin") == true)
        let preflight = try server.request(
            "OPTIONS", "/v1/routes",
            headers: ["Origin: https://noc.example", "Access-Control-Request-Method: DELETE"])
        #expect(preflight.header("Access-Control-Allow-Methods")?.contains("DELETE") == true)
    }

    @Test(
        "Requests that two servers could read differently are refused, and the connection closed",
        arguments: [
            ["GET /v1 HTTP/1.1"], ["GET /v1 HTTP/1.1", "Host: localhost", "Host: localhost"],
            ["POST /v1/routes HTTP/1.1", "Host: localhost", "Content-Length: 2", "Content-Length: 2", "", "{}"],
            ["POST /v1/routes HTTP/1.1", "Host: localhost", "Content-Length: 2", "Content-Length: 3", "", "{}"],
            [
                "POST /v1/routes HTTP/1.1", "Host: localhost", "Content-Length: 2", "Transfer-Encoding: chunked", "",
                "0",
            ],
            ["GET /v1 HTTP/1.1", "Host : localhost"],
        ])
    func ambiguous(lines: [String]) throws {
        let server = try RunningServer()
        let client = try server.client()
        try client.send((lines + ["", ""]).joined(separator: "\r\n"))
        #expect(try client.readResponse().status == 400)
        #expect(client.isClosedByServer())
        #expect(try server.get("/livez").status == 200)
    }

    @Test("Encodings that the server doesn't know are 501")
    func unknownEncoding() throws {
        let server = try RunningServer()
        let response = try answer(
            server, "POST /v1/routes HTTP/1.1", "Host: localhost", "Content-Type: application/json",
            "Transfer-Encoding: gzip")
        #expect(response.status == 501)
    }

    @Test(
        "A request that is no HTTP ends its connection only",
        arguments: [
            "\u{16}\u{3}\u{1}\r\n\r\n", "GET\r\n\r\n", "GET /v1 HTTP/9.9\r\nHost: localhost\r\n\r\n",
            "\r\n\r\n\r\nx\r\n\r\n",
            "GET /v1/routes/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1?a=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ])
    func notHTTP(bytes: String) throws {
        let server = try RunningServer()
        let client = try server.client(timeoutSeconds: 2)
        try client.send(bytes)
        if let response = try? client.readResponse() {
            #expect((400..<500).contains(response.status) || response.status == 505, "\(response.status)")
        }
        #expect(try server.get("/livez").text == "ok\n")
    }

    @Test("A header without end is refused or cut off, and doesn't fill the memory")
    func hugeHeader() throws {
        let server = try RunningServer()
        let before = server.residentKiB
        let client = try server.client()
        try client.send("GET /v1 HTTP/1.1\r\nHost: localhost\r\n")
        let line = "X-Filler: " + String(repeating: "x", count: 8_000) + "\r\n"
        for _ in 0..<1_000 {
            do { try client.send(line) } catch { break }
        }
        if let response = try? client.readResponseHead() { #expect([413, 431].contains(response.status)) }
        #expect(try server.get("/livez").text == "ok\n")
        #expect(server.residentKiB - before < 4_096)
    }
}
