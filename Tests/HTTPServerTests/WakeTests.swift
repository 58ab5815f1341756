import HTTPServer
import TestSupport
import Testing
import Threads

extension ServerTests {
    @Suite struct WakeTests {
        @Test("News wakes no one while there are no streams; the first stream finds it, and is woken by what follows")
        func wakesForStreamsOnly() throws {
            let log = FrameLog()
            let wakes = Locked(0, rank: .leaf)
            let base = try TestServer(
                onWake: {
                    wakes.withLock { $0 += 1 }
                    log.scheduleAll()
                },
                plan: { _ in .answer(.stream(StreamServer.head, LogSource(log))) })
            for number in 0..<100 {
                log.append([Array("early \(number)\n".utf8)])
                base.server.wakeStreams()
            }
            let client = try base.connect()
            try client.sendRequest()
            _ = try client.readResponseHead()
            for number in 0..<100 { #expect(try client.read(through: "\n") == "early \(number)\n") }
            // The one that opened the stream.
            #expect(wakes.withLock { $0 } == 1)
            log.append([Array("late\n".utf8)])
            base.server.wakeStreams()
            #expect(try client.read(through: "\n") == "late\n")
        }
    }
}
