import HTTPServer
import TestSupport
import Testing
import Threads

/// Frames that all of its sources send, appended by tests and read by the stream thread.
final class FrameLog: Sendable {
    struct State {
        var frames: [[UInt8]] = []
        var isEnded = false
        var streams: [EventStream] = []
        var opened = 0
        var closed = 0
        /// How far each source has been asked, by the order of their opening.
        var asked: [Int] = []
        var calledAfterClose = 0
    }
    let state = Locked(State(), rank: .leaf)

    func append(_ frames: [[UInt8]]) { state.withLock { $0.frames += frames } }
    func end() { state.withLock { $0.isEnded = true } }

    /// For the server's `onWake`.
    func scheduleAll() {
        for stream in state.withLock({ $0.streams }) { stream.schedule() }
    }
}

extension Sequence<[UInt8]> {
    /// Much faster than `joined` without optimisation.
    func concatenated() -> [UInt8] { reduce(into: []) { $0.append(contentsOf: $1) } }
}

/// Sends the log from its start, at most `batch` frames a call.
final class LogSource: EventSource {
    private struct State {
        var number = 0
        var next = 0
        var isClosed = false
    }
    private let log: FrameLog
    private let batch: Int
    private let state = Locked(State(), rank: LockRank(900, "test source"))

    init(_ log: FrameLog, batch: Int = 100) {
        self.log = log
        self.batch = batch
    }

    func opened(_ stream: EventStream) {
        state.withLock { state in
            log.state.withLock { log in
                state.number = log.opened
                log.streams.append(stream)
                log.asked.append(0)
                log.opened += 1
            }
        }
    }

    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        state.withLock { state in
            let (frames, isEnded) = log.state.withLock { log in
                if state.isClosed { log.calledAfterClose += 1 }
                let end = min(log.frames.count, state.next + batch)
                log.asked[state.number] = end
                return (log.frames[state.next..<end], log.isEnded && end == log.frames.count)
            }
            for frame in frames { output.append(frame) }
            state.next += frames.count
            if isEnded { return .end }
            return frames.count == batch ? .more : .idle(until: .max)
        }
    }

    func closed() {
        state.withLock { state in
            log.state.withLock { log in
                if state.isClosed { log.calledAfterClose += 1 }
                log.closed += 1
            }
            state.isClosed = true
        }
    }
}

/// Sends without end, as fast as it is asked.
final class EndlessSource: EventSource {
    private let piece: [UInt8]
    let closes = Locked(0, rank: .leaf)
    init(pieceBytes: Int) { piece = [UInt8](repeating: UInt8(ascii: "e"), count: pieceBytes) }
    func opened(_ stream: EventStream) {}
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        while output.queuedBytes < StreamOutput.turnBytes { output.append(piece) }
        return .more
    }
    func closed() { closes.withLock { $0 += 1 } }
}

/// Sends a tick whenever its deadline passes.
final class TickingSource: EventSource {
    private let interval: UInt64
    init(intervalMilliseconds: UInt64) { interval = intervalMilliseconds * 1_000_000 }
    func opened(_ stream: EventStream) {}
    func fill(_ output: inout StreamOutput, now: UInt64) -> FillResult {
        output.append(Array("tick\n".utf8))
        return .idle(until: now + interval)
    }
    func closed() {}
}

/// A server that streams a log at every path but "/plain".
struct StreamServer {
    let log = FrameLog()
    let base: TestServer

    init(
        _ sending: HTTPDaemon.StreamSending = .socket, batch: Int = 100,
        configure: (inout HTTPDaemon.Configuration) -> Void = { _ in }
    ) throws {
        let log = log
        let configureAll: (inout HTTPDaemon.Configuration) -> Void = {
            $0.streamSending = sending
            configure(&$0)
        }
        base = try TestServer(configure: configureAll, onWake: { log.scheduleAll() }) { request in
            if request.path == "/plain" { return .answer(.response(TestServer.text("plain"))) }
            return .answer(.stream(StreamServer.head, LogSource(log, batch: batch)))
        }
    }

    static let head: HTTPStreamHead = {
        var headers = HTTPResponseHeaders()
        headers.add("Content-Type", "text/event-stream")
        return HTTPStreamHead(headers: headers)
    }()

    func publish(_ frames: [[UInt8]]) {
        log.append(frames)
        base.server.wakeStreams()
    }

    func end() {
        log.end()
        base.server.wakeStreams()
    }

    /// Opens a stream and reads its head.
    func subscribe() throws -> StreamClient {
        let client = try base.connect()
        try client.sendRequest("GET", "/events")
        return try StreamClient(client)
    }

    static func frames(_ range: Range<Int>) -> [[UInt8]] {
        range.map { Array("data: \($0) \(String(repeating: "x", count: $0 % 200))\n\n".utf8) }
    }
}
