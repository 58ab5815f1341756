import HTTPServer
import TestSupport
import Testing
import Threads

extension ServerTests {
    @Suite struct AwaitedAnswerTests {
        /// Answers every request with what is given to the next of the answers.
        private func server(_ answers: [AwaitedAnswer]) throws -> TestServer {
            let rest = Locked(answers[...], rank: .leaf)
            return try TestServer { _ in
                guard let answer = rest.withLock({ $0.popFirst() }) else {
                    return .answer(.response(TestServer.text("none left")))
                }
                return .answer(.awaited(answer) { $0 })
            }
        }

        private func answer(seconds: Int = 30) -> AwaitedAnswer {
            AwaitedAnswer(seconds: seconds) { TestServer.text("late", status: 202) }
        }

        @Test("An answer is given when someone gives it, before or after the request came, and only the first counts")
        func given() throws {
            let answers = [answer(), answer()]
            let server = try server(answers)
            answers[1].give(.response(TestServer.text("early")))
            answers[1].give(.response(TestServer.text("again")))
            let first = try server.connect()
            try first.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(eventually { server.server.statistics.suspended == 1 })
            #expect(try server.connect().request("GET", "/2").text == "early")
            answers[0].give(.response(TestServer.text("given")))
            answers[0].give(.response(TestServer.text("again")))
            #expect(try first.readResponse().text == "given")
            #expect(try first.request("GET", "/3").text == "none left")
        }

        @Test("Work may follow what was given")
        func work() throws {
            let answers = [answer()]
            let server = try server(answers)
            answers[0].give(.work { .response(TestServer.text("worked")) })
            #expect(try server.connect().request("GET", "/1").text == "worked")
        }

        @Test("What comes too late goes nowhere, and the connection goes on")
        func late() throws {
            let answers = [answer(seconds: 1)]
            let server = try server(answers)
            let client = try server.connect()
            let response = try client.request("GET", "/1")
            #expect(response.status == 202 && response.text == "late")
            answers[0].give(.response(TestServer.text("given")))
            #expect(try client.request("GET", "/2").text == "none left")
        }

        @Test("A stop and a server that gives up answer at once what is awaited", arguments: [true, false])
        func ended(byStop: Bool) throws {
            let server = try server([answer(), answer()])
            let client = try server.connect()
            try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(eventually { server.server.statistics.suspended == 1 })
            if byStop { server.server.stop() } else { server.server.giveUpHeld() }
            #expect(try client.readResponse().text == "late")
            if !byStop { #expect(try client.request("GET", "/2").text == "late") }
        }

        @Test("Answers that come while others are late each go to their own request, once")
        func race() throws {
            let answers = (0..<64).map { _ in answer(seconds: 1) }
            let server = try server(answers)
            let clients = try answers.map { _ in try server.connect() }
            for client in clients { try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n") }
            #expect(eventually { server.server.statistics.suspended == 64 })
            let giver = Thread(name: "giver") {
                // About when the time is over.
                for (index, answer) in answers.enumerated() {
                    if index % 8 == 0 { Signal().wait(milliseconds: 150) }
                    answer.give(.response(TestServer.text("given")))
                }
            }
            for client in clients {
                let text = try client.readResponse().text
                #expect(text == "given" || text == "late")
                #expect(try client.request("GET", "/2").text == "none left")
            }
            giver.join()
        }
    }
}
