import HTTPServer
import TestSupport
import Testing

extension ServerTests {
    @Suite struct RequestTests {
        @Test("A GET is answered, and the connection serves the next request")
        func keepsConnection() throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            for turn in 0..<3 {
                let response = try client.request("GET", "/turn/\(turn)?a=b")
                #expect(response.status == 200)
                #expect(response.text == "GET /turn/\(turn)?a=b")
                #expect(response.header("Content-Type") == "text/plain")
                #expect(response.header("Connection") == nil)
            }
            #expect(server.server.statistics.requests == 3)
            #expect(server.server.statistics.connections == 1)
        }

        @Test(
            "An answer from the header alone leaves the connection open, whatever the method",
            arguments: ["GET", "HEAD", "DELETE", "PATCH", "POST", "PUT", "BREW"], ["", "Content-Length: 0\r\n"])
        func answersFromHeader(method: String, length: String) throws {
            let server = try TestServer { request in .answer(.response(TestServer.text(request.path))) }
            let client = try server.connect()
            let request = { (turn: Int) in "\(method) /\(turn) HTTP/1.1\r\nHost: a\r\n\(length)\r\n" }
            // Two of them together, too.
            try client.send(request(1))
            #expect(try client.readResponse(toHead: method == "HEAD").status == 200)
            try client.send(request(2) + request(3))
            for turn in 2...3 {
                let response = try client.readResponse(toHead: method == "HEAD")
                #expect(response.text == (method == "HEAD" ? "" : "/\(turn)"))
                #expect(response.header("Connection") == nil)
            }
            #expect(server.server.statistics.connections == 1)
        }

        @Test("A header of 12 KiB is served")
        func longHeader() throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            let query = String(repeating: "x", count: 6_000)
            #expect(try client.request("GET", "/?\(query)", headers: ["X: \(query)"]).text == "GET /?\(query)")
        }

        @Test("A body is collected, with a declared length or in chunks", arguments: [false, true])
        func collects(chunked: Bool) throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            for _ in 0..<2 {
                if chunked {
                    try client.sendRequest("POST", "/", headers: ["Transfer-Encoding: chunked"])
                    try client.send("3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n")
                } else {
                    try client.sendRequest("POST", "/", body: Array("abcd".utf8))
                }
                #expect(try client.readResponse().text == "POST / abcd")
            }
        }

        @Test("Any method reaches the plan, with a body too", arguments: ["GET", "DELETE", "QUERY", "BREW", "PATCH"])
        func anyMethod(method: String) throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            #expect(try client.request(method, "/x", body: Array("b".utf8)).text == "\(method) /x b")
        }

        @Test("Path and query arrive as they were sent")
        func rawTarget() throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            for target in ["/a%2Fb%20c+d/%zz?x=%2B+&&y", "/", "/?", "/??a", "//b", "*"] {
                #expect(try client.request("GET", target).text == "GET \(target)")
            }
            #expect(try client.request("GET", "http://other.example/p?q").text == "GET /p?q")
            #expect(try client.request("GET", "http://other.example").text == "GET /")
        }

        @Test("HEAD has the headers of GET and no body, and the connection goes on")
        func head() throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            let response = try client.request("HEAD", "/x")
            #expect(response.status == 200 && response.header("Content-Length") == "7")
            #expect(try client.request("GET", "/y").text == "GET /y")
        }

        @Test("Pipelined requests are answered in order, also when each waits for a worker", arguments: [false, true])
        func pipelines(onWorker: Bool) throws {
            let server = try TestServer { request in
                let path = request.path
                return .answer(
                    onWorker
                        ? .work { .response(TestServer.text(path)) } : .response(TestServer.text(path)))
            }
            let client = try server.connect()
            try client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
            for number in 0..<50 { #expect(try client.readResponse().text == "/\(number)") }
        }

        @Test("HTTP/1.0 needs no Host and is closed after the answer")
        func version10() throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            try client.send("GET /old HTTP/1.0\r\n\r\n")
            #expect(try client.readResponse().text == "GET /old")
            #expect(client.isClosedByServer())
        }

        @Test("A client that expects 100 Continue is told to go on before its body is read")
        func continues() throws {
            let server = try TestServer(plan: TestServer.echo)
            let client = try server.connect()
            try client.sendRequest("POST", "/", headers: ["Content-Length: 2", "Expect: 100-continue"])
            #expect(try client.readResponseHead().status == 100)
            try client.send("ok")
            #expect(try client.readResponse().text == "POST / ok")
        }

        @Test("A response can close the connection, and can't be given extra header lines")
        func closesAndDropsBadHeaders() throws {
            let server = try TestServer { _ in
                var response = TestServer.text("x", status: 418)
                response.headers.add("X-Split", .text("a\r\nX-Evil: 1"))
                response.headers.add("X-Good", "c")
                response.closesConnection = true
                return .answer(.response(response))
            }
            let client = try server.connect()
            let response = try client.request()
            #expect(response.status == 418 && response.header("Connection") == "close")
            #expect(response.header("X-Good") == "c" && response.header("X-Split") == nil)
            #expect(response.header("X-Evil") == nil)
            #expect(client.isClosedByServer())
        }

        @Test("A body that no one wants is dropped if it is small; otherwise the connection closes")
        func dropsBodies() throws {
            let server = try TestServer { _ in .answer(.response(TestServer.text("done"))) }
            let client = try server.connect()
            #expect(try client.request("POST", body: [UInt8](repeating: 1, count: 65_536)).text == "done")
            #expect(try client.request("POST", body: [UInt8](repeating: 1, count: 65_537)).text == "done")
            #expect(client.isClosedByServer())
            let waiting = try server.connect()
            try waiting.sendRequest("POST", headers: ["Content-Length: 9", "Expect: 100-continue"])
            #expect(try waiting.readResponseHead().status == 200)
        }
    }
}
