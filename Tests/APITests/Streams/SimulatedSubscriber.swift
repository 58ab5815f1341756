import ChangeLog
import ControlPlane
import TestSupport

@testable import API
@testable import HTTPServer

/// A client, its connection, and the part of the server that gives streams their turns, as far as it matters when: a stream is only
/// asked while its client has taken everything, and again only once it was scheduled or its deadline has passed.
final class SimulatedSubscriber {
    /// What a client comes with.
    enum Cursor: CaseIterable {
        case none, own, old, foreign, otherFilter, future, malformed
    }

    private(set) var checker: StreamChecker
    /// As it was some time ago, to go on from there.
    private var saved: StreamChecker?
    private(set) var request: EventRequest
    /// Of a listener.
    let listener: ChangeSequence?
    private var source: (any EventSource)?
    private var feed: EventFeed? { (source as? EventConnection)?.feed }
    private var expected: (mode: String, reason: String?) = ("replay", nil)
    /// What the server has sent and the client hasn't taken.
    private var queue: [UInt8] = []
    private var text: [UInt8] = []
    private var inflater: Inflater?
    /// The server has nothing more until then.
    private var idle: (until: UInt64, wasWaiting: Bool, wasAwaiting: Bool)?
    private var isEnding = false

    init(_ request: EventRequest, listener: ChangeSequence? = nil, epoch: String) {
        self.request = request
        self.listener = listener
        checker = StreamChecker(epoch: epoch, digits: request.filter.digits)
    }

    var isConnected: Bool { source != nil }

    /// What its filter is from here on.
    func change(_ filter: EventFilter) {
        request.filter = filter
        if isConnected {
            checker.change(digits: filter.digits)
        } else {
            checker = StreamChecker(epoch: checker.epoch, digits: filter.digits)
        }
        saved = nil
    }

    func save() { if checker.stage == .deltas, checker.cursor != nil { saved = checker } }

    // MARK: Connections

    /// False if the server has no place for it.
    func connect(_ cursor: Cursor, _ hub: EventHub, _ plane: ControlPlane) throws -> Bool {
        cut()
        if cursor == .old, let saved { checker = saved }
        request.cursorText = text(of: cursor, plane)
        expected = expectation(plane)
        do {
            source = try listener.map { try hub.open(request, for: $0) } ?? hub.open(request)
        } catch let problem as Problem where problem.status == 503 {
            return false
        }
        checker.connect()
        inflater = request.wire.isCompressed ? try Inflater() : nil
        return true
    }

    private func text(of cursor: Cursor, _ plane: ControlPlane) -> String? {
        let (epoch, digits) = (plane.epoch, request.filter.digits)
        return switch cursor {
        case .none: nil
        case .own, .old: checker.cursor
        case .foreign: "0123456789abcdef-\(checker.position)-\(digits)"
        case .otherFilter: "\(epoch)-\(checker.position)-\(digits == "0" ? "123456" : "0")"
        case .future: "\(epoch)-\(plane.log.head.rawValue + 100)-\(digits)"
        case .malformed: "\(epoch)-\(checker.position)"
        }
    }

    /// By the words of the interface, not by those of the server's code.
    private func expectation(_ plane: ControlPlane) -> (mode: String, reason: String?) {
        guard let text = request.cursorText else { return (request.replays ? "replay" : "live", nil) }
        let parts = text.split(separator: "-").map(String.init)
        guard parts.count == 3, let sequence = UInt64(parts[1]) else { return ("replay", "malformed") }
        if parts[0] != plane.epoch { return ("replay", "epoch") }
        if parts[2] != request.filter.digits { return ("replay", "filter") }
        if sequence > plane.log.head.rawValue { return ("replay", "future") }
        return sequence < plane.log.floor(of: request.filter.lanes).rawValue ? ("replay", "too-old") : ("resume", nil)
    }

    func cut() {
        source?.closed()
        (source, idle, isEnding, inflater) = (nil, nil, false, nil)
        (queue, text) = ([], [])
    }

    // MARK: The server's side

    /// Whether the server would give it a turn now.
    func isDue(_ now: UInt64) -> Bool {
        guard let feed, queue.isEmpty, !isEnding else { return false }
        guard let idle else { return true }
        return now >= idle.until || idle.wasWaiting && !feed.isWaiting || idle.wasAwaiting && !feed.awaitsDurable
    }

    func serve(_ now: UInt64) throws {
        guard let source, let feed else { return }
        var output = StreamOutput()
        let result = source.fill(&output, now: now)
        for slice in [output.first] + output.others { queue += slice }
        switch result {
        case .more: idle = nil
        case .idle(let until): idle = (until, feed.isWaiting, feed.awaitsDurable)
        case .end:
            isEnding = true
            try endIfRead()
        }
    }

    // MARK: The client's side

    /// Takes some of what was sent, and looks at every frame that is complete by then.
    func read(_ count: Int, head: UInt64, _ look: (StreamFrame, StreamChecker) throws -> Void) throws {
        let taken = Array(queue.prefix(count))
        queue.removeFirst(taken.count)
        text += try inflater?.add(taken) ?? taken
        for frame in StreamFrame.take(from: &text, isNDJSON: request.wire.format == .ndjson) {
            try checker.take(frame, head: head, expected: expected)
            try look(frame, checker)
        }
        try endIfRead()
    }

    private func endIfRead() throws {
        guard isEnding, queue.isEmpty else { return }
        if let inflater, !inflater.isAtEnd { throw StreamChecker.Violation("gzip without an end") }
        if !text.isEmpty { throw StreamChecker.Violation("a stream that ends within a frame") }
        cut()
    }

    /// For a failure's words.
    var standing: String {
        guard let feed else { return "not connected" }
        let phase = "\(feed.phase)".prefix { $0 != "(" }
        return "\(phase), waiting \(feed.isWaiting), its class at \(feed.group.position.rawValue), idle "
            + "\(idle.map { "\($0)" } ?? "no")"
    }

    var hasUnread: Bool { !queue.isEmpty }
    /// Waits for its time, after a reset.
    var deadline: UInt64? { isConnected && !isEnding ? idle?.until : nil }
}
