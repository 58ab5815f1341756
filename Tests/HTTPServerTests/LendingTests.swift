import Glibc
import HTTPServer
import TestSupport
import Testing
import Threads

extension ServerTests {
    /// Turns of the streams that other threads make while the stream thread sleeps.
    @Suite struct LendingTests {
        @Test("News that a request brings go out on the event thread, though the stream thread sleeps")
        func deliversByEventThread() throws {
            let server = try PublishingServer()
            let (publisher, stream) = try (server.base.connect(), server.subscribe())
            // As soon as the stream thread has come to rest, which nothing else tells of.
            var number = 0
            let isServed = try eventually {
                _ = try publisher.request("GET", "/publish")
                #expect(try stream.readLine() == "n\(number)\n")
                number += 1
                return server.threads.withLock { $0.served.contains($0.event) }
            }
            #expect(isServed)
        }

        @Test("The stream thread serves alone where there are many streams")
        func leavesManyToStreamThread() throws {
            let server = try PublishingServer()
            let streams = try (0..<40).map { _ in try server.subscribe() }
            let publisher = try server.base.connect()
            server.threads.withLock { $0.served = [] }
            for number in 0..<50 {
                _ = try publisher.request("GET", "/publish")
                for stream in streams { #expect(try stream.readLine() == "n\(number)\n") }
            }
            #expect(server.threads.withLock { $0.served.count == 1 && !$0.served.contains($0.event) })
        }

        @Test("What a lent turn doesn't get done, the stream thread does")
        func leavesTheRest() throws {
            let server = try StreamServer(batch: 10)
            let stream = try server.subscribe()
            for round in 0..<200 {
                let frames = StreamServer.frames(round * 25..<(round + 1) * 25)
                server.log.append(frames)
                server.base.server.serveStreams()
                let expected = frames.concatenated()
                #expect(try stream.read(expected.count) == expected)
            }
        }

        @Test("A deadline that is set in a lent turn comes in time")
        func deadline() throws {
            let echo = DelayedEcho()
            let base = try TestServer(onWake: { echo.wake() }) { _ in .answer(.stream(StreamServer.head, echo)) }
            let connection = try base.connect()
            try connection.sendRequest()
            let stream = try StreamClient(connection)
            for _ in 0..<50 {
                base.server.serveStreams()
                #expect(try stream.readLine() == "echo\n")
            }
        }

        @Test("Nothing is lost or mixed up while threads of all kinds bring news and streams come and go")
        func stress() throws {
            let server = try PublishingServer()
            let port = server.base.port
            let streams = try (0..<4).map { _ in try server.subscribe() }
            let writers = (0..<4).map { index in
                Thread(name: "writer") {
                    guard let publisher = try? TestClient(port: port) else { return }
                    for _ in 0..<500 {
                        switch index {
                        case 0: _ = try? publisher.request("GET", "/publish")
                        case 1: server.publish { $0.wakeStreams() }
                        default: server.publish { $0.serveStreams() }
                        }
                    }
                }
            }
            let visitors = (0..<2).map { index in
                Thread(name: "visitor") {
                    for _ in 0..<50 {
                        guard let stream = try? server.subscribe() else { return }
                        _ = try? stream.readLine()
                        if index == 0 { stream.reset() } else { stream.close() }
                    }
                }
            }
            for stream in streams { for number in 0..<2_000 { #expect(try stream.readLine() == "n\(number)\n") } }
            for thread in writers + visitors { thread.join() }
            #expect(eventually { server.log.state.withLock { $0.closed == 100 && $0.opened == 104 } })
            server.base.server.stop()
            server.base.server.serveStreams()
            #expect(server.log.state.withLock { $0.closed == 104 && $0.calledAfterClose == 0 })
        }
    }
}

/// Answers "/publish" once it has brought news on the event thread; every other path is a stream of them.
private struct PublishingServer {
    struct Threads {
        var event: UInt = 0
        /// Those that were asked to schedule the streams.
        var served: Set<UInt> = []
    }
    let log: FrameLog
    let threads = Locked(Threads(), rank: .leaf)
    let base: TestServer
    private let server = Locked<HTTPDaemon?>(nil, rank: .leaf)

    init() throws {
        let (log, threads, server) = (FrameLog(), threads, server)
        self.log = log
        base = try TestServer(
            onWake: {
                _ = threads.withLock { $0.served.insert(UInt(pthread_self())) }
                log.scheduleAll()
            },
            plan: { request in
                guard request.path == "/publish" else { return .answer(.stream(StreamServer.head, LogSource(log))) }
                threads.withLock { $0.event = UInt(pthread_self()) }
                log.appendNumbered()
                server.withLock { $0 }?.wakeStreams()
                return .answer(.response(TestServer.text("published")))
            })
        server.withLock { $0 = base.server }
    }

    func publish(_ tell: (HTTPDaemon) -> Void) {
        log.appendNumbered()
        tell(base.server)
    }

    func subscribe() throws -> StreamClient {
        let client = try base.connect()
        try client.sendRequest("GET", "/events")
        return try StreamClient(client)
    }
}

extension FrameLog {
    fileprivate func appendNumbered() { state.withLock { $0.frames.append(Array("n\($0.frames.count)\n".utf8)) } }
}

/// Sends a line a little while after it was woken.
private final class DelayedEcho: EventSource {
    private struct State {
        var stream: EventStream?
        var isWoken = false
        var dueAt = UInt64.max
    }
    private let state = Locked(State(), rank: .leaf)

    func wake() {
        let stream = state.withLock { state in
            state.isWoken = true
            return state.stream
        }
        stream?.schedule()
    }

    func opened(_ stream: EventStream) { state.withLock { $0.stream = stream } }

    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        state.withLock { state in
            if state.isWoken { (state.isWoken, state.dueAt) = (false, now + 2_000_000) }
            if now >= state.dueAt {
                output.append(Array("echo\n".utf8))
                state.dueAt = .max
            }
            return .idle(until: state.dueAt)
        }
    }

    func closed() { state.withLock { $0.stream = nil } }
}
