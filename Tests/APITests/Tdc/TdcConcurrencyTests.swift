import ServiceSupport
import Testing
import Threads

/// tc-tests/filters/concurrency.json, all seven, with 400 filters: ten who change the flower filters of one priority at
/// once (R4-73). `Tests/tdc/concurrency.py` does the same to the program, with 1,000,000 filters.
@Suite struct TdcConcurrencyTests {
    /// What one of them does, a filter after the other.
    struct Batch: Sendable {
        enum Verb: String { case add, replace, delete }
        let verb: Verb
        let handles: ClosedRange<UInt32>
        /// The third byte of source addresses.
        var mark = 0

        static func batches(_ verb: Verb, _ count: Int, from first: UInt32 = 1, mark: Int = 0) -> [Batch] {
            (0..<count).map { number in
                let start = first + UInt32(number) * size
                return Batch(verb: verb, handles: start...start + size - 1, mark: mark + number)
            }
        }

        /// All of the same filters.
        static func same(_ verb: Verb) -> [Batch] {
            (0..<10).map { Batch(verb: verb, handles: 1...size, mark: $0) }
        }

        /// All by one.
        static func one(_ handles: ClosedRange<UInt32>) -> [Batch] { [Batch(verb: .add, handles: handles)] }
    }

    /// How many filters a batch has; 100,000 there.
    static let size: UInt32 = 40
    private static let (one, half, all) = (Int(size), 5 * Int(size), 10 * Int(size))

    struct Case: Sendable, CustomTestStringConvertible {
        let id: String
        let name: String
        let first: [Batch]
        let together: [Batch]
        /// What is there in the end.
        let left: ClosedRange<UInt32>?
        let expected: Counts

        var testDescription: String { "\(id): \(name)" }
    }

    /// What came of the requests of those who worked together.
    struct Counts: Equatable, Sendable {
        var created = 0
        var replaced = 0
        var deleted = 0
        /// Deletions of filters that another one had deleted.
        var missed = 0
        var refused = 0
    }

    static let cases: [Case] = [
        Case(
            id: "e41d", name: "all are added", first: [], together: Batch.batches(.add, 10), left: 1...10 * size,
            expected: Counts(created: all)),
        Case(
            id: "6f52", name: "all are deleted", first: Batch.one(1...10 * size),
            together: Batch.batches(.delete, 10), left: nil, expected: Counts(deleted: all)),
        Case(
            id: "c9da", name: "all are replaced", first: Batch.one(1...10 * size),
            together: Batch.batches(.replace, 10), left: 1...10 * size, expected: Counts(replaced: all)),
        Case(
            id: "14be", name: "the same are replaced by all", first: Batch.one(1...size),
            together: Batch.same(.replace), left: 1...size, expected: Counts(replaced: all)),
        Case(
            id: "0c44", name: "the same are deleted by all", first: Batch.one(1...size),
            together: Batch.same(.delete), left: nil, expected: Counts(deleted: one, missed: all - one)),
        Case(
            id: "ab62", name: "some are added, others deleted", first: Batch.batches(.add, 5),
            together: Batch.batches(.add, 5, from: 5 * size + 1, mark: 5) + Batch.batches(.delete, 5),
            left: 5 * size + 1...10 * size, expected: Counts(created: half, deleted: half)),
        Case(
            id: "6e8f", name: "some are replaced, others deleted", first: Batch.batches(.add, 10),
            together: Batch.batches(.replace, 5, from: 5 * size + 1, mark: 5) + Batch.batches(.delete, 5),
            left: 5 * size + 1...10 * size, expected: Counts(replaced: half, deleted: half)),
    ]

    @Test("filters/concurrency.json", arguments: cases)
    func concurrency(_ each: Case) {
        let writers = TdcWriters()
        writers.run(each.first)
        #expect(writers.counts.refused == 0)
        writers.reset()
        writers.run(each.together)
        #expect(writers.counts == each.expected)
        #expect(writers.deletedTwice.isEmpty)
        let left = each.left.map(Array.init) ?? []
        #expect(writers.listed == left)
        // Each has an action of its own.
        #expect(writers.shown == "\(left.count) filters, \(left.count) actions, \(left.isEmpty ? 0 : 1) chains")
        #expect(writers.told == writers.shown)
        // All that was made for them is gone with them.
        #expect(TdcRequest.delete("/v1/links/dev/qdiscs/ingress").call(writers.service).status == 204)
        #expect(writers.told == "0 filters, 0 actions, 0 chains")
        #expect(TdcRequest.get("/v1/actions").call(writers.service).field("Fibd-Count") == "0")
    }
}

/// Ten who write, and what came of it.
private final class TdcWriters: Sendable {
    let service = LocalService()
    private static let filters = "/v1/blocks/dev:ingress/filters"
    private let state = Locked((TdcConcurrencyTests.Counts(), [UInt32: Int]()), rank: .leaf)

    init() {
        for request in [TdcRequest.link("dev"), .qdisc("ingress", on: "dev")] { _ = request.call(service) }
    }

    var counts: TdcConcurrencyTests.Counts { state.withLock { $0.0 } }
    var deletedTwice: [UInt32] { state.withLock { $0.1.filter { $0.value > 1 }.map(\.key) } }
    func reset() { state.withLock { $0 = (TdcConcurrencyTests.Counts(), [:]) } }

    /// Each batch on a thread of its own.
    func run(_ batches: [TdcConcurrencyTests.Batch]) {
        let threads = batches.map { batch in Thread(name: "writer") { [self] in run(batch) } }
        for thread in threads { thread.join() }
    }

    private func run(_ batch: TdcConcurrencyTests.Batch) {
        if batch.verb == .delete { return batch.handles.forEach(delete) }
        let rows = batch.handles.enumerated().map { number, handle in Self.filter(handle, batch.mark, number) }
        let reply = TdcRequest.lines("\(Self.filters)?mode=\(batch.verb.rawValue)", rows).call(service)
        state.withLock { state in
            state.0.created += reply.number("created")
            state.0.replaced += reply.number("replaced")
            state.0.refused += reply.number("rejected_count")
        }
    }

    private func delete(_ handle: UInt32) {
        let reply = TdcRequest.delete("/v1/blocks/dev:ingress/chains/0/filters/1/\(handle)").call(service)
        state.withLock { state in
            switch reply.outcome {
            case "204":
                state.0.deleted += 1
                state.1[handle, default: 0] += 1
            case "404 ENOENT": state.0.missed += 1
            default: state.0.refused += 1
            }
        }
    }

    private static func filter(_ handle: UInt32, _ mark: Int, _ number: Int) -> String {
        func hexadecimal(_ byte: Int) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        let mac = "00:\(hexadecimal(number / 256)):\(hexadecimal(number % 256))"
        return #"{"protocol":"ip","pref":1,"handle":\#(handle),"kind":"flower","options":{"skip_hw":true,"keys":"#
            + #"{"src_mac":"e4:11:\#(hexadecimal(mark)):\#(mac)","dst_mac":"e4:12:00:\#(mac)"}},"#
            + #""actions":[{"kind":"gact","control_action":{"type":"drop"}}]}"#
    }

    // MARK: What is there

    /// Handles in the order of the list.
    var listed: [UInt32] {
        service.call("GET", Self.filters, "", ("Accept", "application/x-ndjson")).body.split(separator: "\n").map {
            UInt32(LocalService.Reply.number("handle", in: $0))
        }.sorted()
    }

    var shown: String {
        let counts = [Self.filters, "/v1/actions/gact", "/v1/blocks/dev:ingress/chains"].map {
            TdcRequest.get($0).call(service).field("Fibd-Count") ?? ""
        }
        return "\(counts[0]) filters, \(counts[1]) actions, \(counts[2]) chains"
    }

    /// What a stream counts.
    var told: String {
        let reply = TdcRequest.get("/v1/events?until=sync&replay=none&kinds=filter,action,chain").call(service)
        let counts = ["filter", "action", "chain"].map(reply.number)
        return "\(counts[0]) filters, \(counts[1]) actions, \(counts[2]) chains"
    }
}

extension LocalService.Reply {
    /// A member that is a number; -1 if there is none.
    func number(_ name: String) -> Int { Self.number(name, in: body[...]) }

    static func number(_ name: String, in text: Substring) -> Int {
        guard let start = text.firstRange(of: "\"\(name)\":") else { return -1 }
        return Int(text[start.upperBound...].prefix { $0.isNumber }) ?? -1
    }
}
