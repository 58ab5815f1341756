import Addressing
import ChangeLog
import ControlPlane
import PathAttributes
import Routing
import ServiceSupport
import TestSupport
import Testing
import Threads

@testable import API
@testable import HTTPServer

/// Streams without sockets: what a feed appends when it is asked to.
@Suite("Event feeds")
struct EventFeedTests {
    private static func add(_ range: Range<UInt32>, to plane: ControlPlane) throws {
        let table = try plane.table("default", .inet, .main)
        let writer = EntryWriter()
        let operations = try range.map { number in
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(device: "eth0")]
            let prefix = Prefix(host: IPAddress(inet: 10 << 24 | number))
            let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
            return RouteOperation.write(.add, RouteWrite(table, route, writer))
        }
        _ = try plane.transact(operations)
    }

    /// Asks until the source has nothing more at once; the names of the frames it gave.
    private static func drain(_ source: any EventSource, now: UInt64 = 0) -> [String] {
        source.drained(now: now).split(separator: "\n").compactMap { line in
            line.hasPrefix("event: ") ? String(line.dropFirst(7)) : nil
        }
    }

    /// Of a replay: the namespace comes with its rules.
    private static let start = ["hello", "namespace", "rule", "rule", "rule", "rule", "rule"]

    @Test("A live stream begins with hello and sync, however far its class has gone meanwhile")
    func liveOrder() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let first = try hub.open(EventRequest())
        #expect(Self.drain(first) == Self.start + ["sync"])
        var request = EventRequest()
        request.replays = false
        let live = try hub.open(request)
        try Self.add(0..<5, to: plane)
        #expect(Self.drain(first) == Array(repeating: "route", count: 5))
        #expect(Self.drain(live) == ["hello", "sync"])
        try Self.add(5..<6, to: plane)
        #expect(Self.drain(live) == ["route"])
    }

    @Test("A stream tells nothing that isn't durable, whatever class it joins")
    func durable() throws {
        let store = MemoryStore()
        let plane = try ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20), store: store)
        defer { plane.close() }
        #expect(eventually { plane.log.durable == plane.log.head })
        let early = plane.snapshot()
        store.hold()
        try Self.add(0..<1, to: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let late = try hub.open(EventRequest())
        let later = try hub.open(EventRequest())
        #expect(Self.drain(late) == [] && Self.drain(later) == [])
        // Its snapshot is durable; the class that it finds was made from a later one.
        let group = try #require(hub.state.withLock { $0.classes.values.first })
        let feed = EventFeed(EventRequest(), .live, early, latest: .zero, group)
        guard case .awaiting(let position, _) = feed.phase else { Issue.record("it doesn't wait"); return }
        #expect(early.sequence == plane.log.durable && position == group.position && position > early.sequence)
        store.release()
        #expect(eventually { plane.log.durable == plane.log.head })
        for stream in [late, later] { #expect(Self.drain(stream) == Self.start + ["route", "sync"]) }
    }

    @Test("Who waits is woken even if another stream comes upon the change before its wake-up does")
    func wakesOthers() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let (busy, waiting) = (try hub.open(EventRequest()), try hub.open(EventRequest()))
        for source in [busy, waiting] { #expect(Self.drain(source) == Self.start + ["sync"]) }
        try Self.add(0..<1, to: plane)
        // The busy one has a turn of its own, and moves the class; the wake-up of the change then finds it moved.
        #expect(Self.drain(busy) == ["route"])
        hub.wake()
        #expect(hub.state.withLock { $0.feeds.values.filter(\.isWaiting).count } == 1)
        #expect(Self.drain(waiting) == ["route"])
    }

    @Test(
        "Who is behind what the log has of routes begins anew, also when it has forgotten later changes of peers before"
    )
    func behindAfterAStorm() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let (busy, slow) = (try hub.open(EventRequest()), try hub.open(EventRequest()))
        for source in [busy, slow] { _ = Self.drain(source) }
        try Self.add(0..<300, to: plane)
        _ = Self.drain(busy)
        for number: UInt32 in 0..<2_000 {
            let message = MTUMessage(IPAddress(inet: 11 << 24 | number), mtu: 1_400)
            _ = try plane.take(PathMessage(.tooLarge(message)), in: "default")
        }
        hub.wake()
        let forgotten = plane.log.floor(of: .all)
        var added: UInt32 = 300
        while plane.log.floor(of: .main).rawValue < 100, added < 20_000 {
            try Self.add(added..<added + 50, to: plane)
            added += 50
            _ = Self.drain(busy)
            hub.wake()
        }
        #expect((100..<forgotten.rawValue).contains(plane.log.floor(of: .main).rawValue))
        #expect(Self.drain(slow).first == "reset")
    }

    @Test("Who waits in a class that was replaced begins anew, and waits in the new one")
    func replacedClass() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 16))
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let waiting = try hub.open(EventRequest())
        #expect(Self.drain(waiting) == Self.start + ["sync"])
        // More than the log holds, and another stream of the same filter before anyone was woken.
        try Self.add(0..<2_000, to: plane)
        let other = try hub.open(EventRequest())
        hub.wake()
        let frames = Self.drain(waiting, now: 1)
        #expect(frames.first == "reset")
        #expect(Self.drain(waiting, now: 1).last == "sync" || frames.last == "sync")
        #expect(Self.drain(other).last == "sync")
        let groups = hub.state.withLock { state in
            state.feeds.values.allSatisfy { $0.isWaiting && $0.group === state.classes[$0.request.filter] }
        }
        #expect(groups, "a feed waits in a class that no one moves")
        try Self.add(2_000..<2_001, to: plane)
        hub.wake()
        #expect(Self.drain(waiting, now: 2) == ["route"] && Self.drain(other, now: 2) == ["route"])
    }

    @Test(
        "Who begins after many changes that aren't for it is told of the next that is, in sequence, without a look at all of them"
    )
    func beginsFarBehind() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20))
        let hub = EventHub(plane: plane, maximumFilters: 8)
        try Self.add(0..<1, to: plane)
        let selected = plane.log.head.rawValue
        try Self.add(1_000..<11_000, to: plane)
        var request = EventRequest()
        request.filter.selection.within = [try Prefix("10.0.0.0/30")]
        request.wire.format = .ndjson
        let source = try hub.open(request)
        let before = plane.log.head.rawValue
        var bytes = source.drainedBytes()
        #expect(StreamFrame.take(from: &bytes, isNDJSON: true).last?.sequence == before)
        try Self.add(1..<2, to: plane)
        bytes = source.drainedBytes()
        let delta = try #require(StreamFrame.take(from: &bytes, isNDJSON: true).first)
        let previous = try #require(delta.previous)
        // No change that the filter selects lies behind it, and the client has all up to there.
        #expect(previous >= selected && previous <= before && before - previous < 5_000)
    }
}
