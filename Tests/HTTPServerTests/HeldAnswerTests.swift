import HTTPServer
import TestSupport
import Testing

extension ServerTests {
    @Suite struct HeldAnswerTests {
        /// Answers /N with N once N is released, or with 503 and "late" after so many seconds.
        private func server(seconds: Int = 30) throws -> TestServer {
            try TestServer { request in
                let mark = UInt64(request.path.dropFirst()) ?? 0
                return .answer(
                    .held(
                        HeldAnswer(mark: mark, seconds: seconds, answer: .response(TestServer.text("\(mark)"))) {
                            TestServer.text("late", status: 503)
                        }))
            }
        }

        @Test("Answers are given when their mark is released, whatever the order in which they came")
        func released() throws {
            let server = try server()
            let marks: [UInt64] = [5, 3, 9, 4, 7]
            let clients = try marks.map { mark in
                let client = try server.connect()
                try client.send("GET /\(mark) HTTP/1.1\r\nHost: a\r\n\r\n")
                return (mark, client)
            }
            #expect(eventually { server.server.statistics.suspended == 5 })
            server.server.release(upTo: 5)
            for (mark, client) in clients where mark <= 5 { #expect(try client.readResponse().text == "\(mark)") }
            #expect(server.server.statistics.suspended == 2)
            server.server.release(upTo: 9)
            for (mark, client) in clients where mark > 5 { #expect(try client.readResponse().text == "\(mark)") }
            #expect(try server.connect().request("GET", "/8").text == "8")
        }

        @Test("An answer that waits too long is given as late, and the connection goes on")
        func late() throws {
            let server = try server(seconds: 1)
            let client = try server.connect()
            let answer = try client.request("GET", "/1")
            #expect(answer.status == 503 && answer.text == "late")
            server.server.release(upTo: 1)
            #expect(try client.request("GET", "/1").text == "1")
        }

        @Test("When marks are given up, answers that are held and those to come are late at once")
        func givenUp() throws {
            let server = try server()
            let client = try server.connect()
            try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(eventually { server.server.statistics.suspended == 1 })
            server.server.giveUpHeld()
            #expect(try client.readResponse().text == "late")
            #expect(try client.request("GET", "/2").text == "late")
        }

        @Test("A stop answers what is held as late")
        func stopped() throws {
            let server = try server()
            let client = try server.connect()
            try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(eventually { server.server.statistics.suspended == 1 })
            server.server.stop()
            #expect(try client.readResponse().text == "late")
        }
    }
}
