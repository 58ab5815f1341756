import Addressing
import ChangeLog
import ControlPlane
import PathAttributes
import Routing
import Testing

@testable import API

@Suite("Classes of event streams")
struct EventClassTests {
    private let plane: ControlPlane
    private let reader: EventReader

    init() {
        plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20))
        reader = EventReader(log: plane.log)
    }

    private func write(_ number: UInt32) throws -> RouteOperation {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let prefix = Prefix(host: IPAddress(inet: 10 << 24 | number))
        let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
        let writer = EntryWriter()
        return .write(.add, RouteWrite(try plane.table("default", .inet, .main), route, writer))
    }

    private func makeClass(_ filter: EventFilter = EventFilter()) -> EventClass {
        Self.makeClass(plane, reader, filter)
    }

    private static func makeClass(
        _ plane: ControlPlane, _ reader: EventReader, _ filter: EventFilter
    ) -> EventClass {
        let snapshot = plane.snapshot()
        let group = EventClass(
            filter, epoch: plane.epoch, at: snapshot, filter.summaries(of: snapshot), latest: .zero, reader, plane.log)
        #expect(reader.attach(group))
        return group
    }

    @Test("A step never ends inside a transaction, however large", arguments: [UInt32(1), 100, 127, 128, 129, 1_000])
    func stepsAreWhole(size: UInt32) throws {
        let group = makeClass()
        _ = group.addReader(EventWire(format: .ndjson))
        var ends: Set<ChangeSequence> = [group.position]
        for transaction in 0..<(4_000 / size) {
            let operations = try (0..<size).map { try write(transaction * size + $0) }
            _ = try plane.transact(operations)
            ends.insert(plane.log.head)
        }
        var steps = 0
        while group.advance() == .moved {
            #expect(ends.contains(group.position))
            steps += 1
        }
        #expect(group.position == plane.log.head && steps >= 4)
        #expect(group.summaries == EventFilter().summaries(of: plane.snapshot()))
    }

    @Test("What is read is one chain for all, encoded once; without readers nothing is encoded")
    func sharesFrames() throws {
        let group = makeClass()
        let first = group.addReader(EventWire())
        let second = group.addReader(EventWire())
        #expect(first === second)
        _ = try plane.transact([try write(1)])
        #expect(group.advance() == .moved && group.advance() == .upToDate)
        #expect(first.next?.before == ChangeSequence(rawValue: plane.log.head.rawValue - 1))
        let unread = group.addReader(EventWire(format: .ndjson))
        #expect(unread.next == nil && unread.text.bytes.isEmpty)
    }

    @Test("Frames that wait for a slow stream count towards the log's bound, and are let go link by link")
    func framesAreCounted() throws {
        let group = makeClass()
        var head: FrameChunk? = group.addReader(EventWire())
        for number in 0..<20_000 as Range<UInt32> { _ = try plane.transact([try write(number)]); _ = group.advance() }
        #expect(head?.next != nil)
        head = nil
        // 20,000 links that went recursively would have ended the process here.
        #expect(group.addReader(EventWire()).next == nil)
    }

    @Test("A class that the log has left behind says so")
    func isLost() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 16))
        let reader = EventReader(log: plane.log)
        let group = Self.makeClass(plane, reader, EventFilter())
        for mode in 0..<3_000 {
            _ = try plane.putNamespace("default") { _ in
                var settings = NamespaceSettings()
                settings.notifyOnFlagChangeIPv4 = UInt8(mode % 2 + 1)
                return settings
            }
        }
        #expect(group.advance() == .lost && group.isLost)
    }

    private static func filter(_ change: (inout EventFilter) throws -> Void) rethrows -> EventFilter {
        var filter = EventFilter()
        try change(&filter)
        return filter
    }

    @Test("A change moves all classes, and concerns only those that it is for")
    func isForSome() throws {
        let all = makeClass()
        let within = makeClass(try Self.filter { $0.selection.within = [try Prefix("10.0.0.0/30")] })
        let other = makeClass(try Self.filter { $0.selection.within = [try Prefix("11.0.0.0/8")] })
        let chains = [all, within, other].map { $0.addReader(EventWire()) }
        for number: UInt32 in 1...8 { _ = try plane.transact([try write(number)]) }
        while reader.advance() {}
        #expect([all, within, other].allSatisfy { $0.position == plane.log.head })
        #expect(chains[0].next != nil && chains[1].next != nil && chains[2].next == nil)
        let summary = { (group: EventClass) in group.summaries.routes.count }
        #expect(summary(all) == 8 && summary(within) == 3 && summary(other) == 0)
        #expect(other.latest == .zero && within.latest < all.latest)
    }

    @Test(
        "A class of an earlier snapshot catches up, one of a later one isn't told what it has",
        arguments: [false, true])
    func beginsApart(isEarlier: Bool) throws {
        let first = makeClass()
        func seed() -> EventClass {
            let snapshot = plane.snapshot()
            let filter = EventFilter()
            return EventClass(
                filter, epoch: plane.epoch, at: snapshot, filter.summaries(of: snapshot), latest: .zero, reader,
                plane.log)
        }
        var second = seed()
        for number: UInt32 in 1...300 { _ = try plane.transact([try write(number)]) }
        if isEarlier { while reader.advance() {} } else { second = seed() }
        #expect(reader.attach(second) && second.position == plane.log.head)
        #expect(second.summaries.routes.count == 300)
        #expect(first.position == (isEarlier ? plane.log.head : first.start))
        _ = try plane.transact([try write(1_000)])
        while reader.advance() {}
        #expect(first.summaries == second.summaries && second.summaries.routes.count == 301)
        #expect(first.latest == second.latest && first.position == second.position)
    }

    @Test("When the log has forgotten what peers were, only classes that are told of them are lost")
    func losesThoseOfPeers() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        let reader = EventReader(log: plane.log)
        let routes = Self.makeClass(plane, reader, EventFilter())
        let peers = Self.makeClass(plane, reader, Self.filter { $0.kinds = [.peer] })
        for number: UInt32 in 0..<4_000 {
            let message = MTUMessage(IPAddress(inet: 11 << 24 | number), mtu: 1_400)
            _ = try plane.take(PathMessage(.tooLarge(message)), in: "default")
        }
        let late = Self.makeClass(plane, reader, Self.filter { $0.kinds = [.peer, .route] })
        #expect(plane.log.floor(of: .all) > routes.start && plane.log.floor(of: .main) <= routes.start)
        while reader.advance() {}
        #expect(peers.isLost && !routes.isLost && !late.isLost)
        #expect(routes.position == plane.log.head && late.position == plane.log.head)
        let message = MTUMessage(IPAddress(inet: 12 << 24), mtu: 1_400)
        _ = try plane.take(PathMessage(.tooLarge(message)), in: "default")
        while reader.advance() {}
        #expect(late.summaries == late.filter.summaries(of: plane.snapshot()))
        #expect(routes.summaries == routes.filter.summaries(of: plane.snapshot()))
    }

    @Test("What the log has forgotten loses the classes from before, and none that has begun since")
    func losesThoseBehind() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 16))
        let reader = EventReader(log: plane.log)
        let old = Self.makeClass(plane, reader, EventFilter())
        for mode in 0..<3_000 {
            _ = try plane.putNamespace("default") { _ in
                var settings = NamespaceSettings()
                settings.notifyOnFlagChangeIPv4 = UInt8(mode % 2 + 1)
                return settings
            }
        }
        let new = Self.makeClass(plane, reader, Self.filter { $0.kinds = [.namespace] })
        while reader.advance() {}
        #expect(old.isLost && !new.isLost && new.position == plane.log.head)
        _ = try plane.putNamespace("blue") { _ in NamespaceSettings() }
        while reader.advance() {}
        #expect(new.summaries == new.filter.summaries(of: plane.snapshot()) && new.latest > new.start)
    }
}
