import Addressing
import ChangeLog
import ControlPlane
import Routing
import Testing

@testable import API

@Suite("Classes of event streams")
struct EventClassTests {
    private let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20))

    private func write(_ number: UInt32) throws -> RouteOperation {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let prefix = Prefix(host: IPAddress(inet: 10 << 24 | number))
        let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
        let writer = EntryWriter()
        return .write(.add, RouteWrite(try plane.table("default", .inet, .main), route, writer))
    }

    private func makeClass() -> EventClass {
        let snapshot = plane.snapshot()
        let filter = EventFilter()
        return EventClass(
            filter, epoch: plane.epoch, at: snapshot, filter.summaries(of: snapshot), latest: .zero,
            log: plane.log)
    }

    @Test("A step never ends inside a transaction, however large", arguments: [UInt32(1), 100, 127, 128, 129, 1_000])
    func stepsAreWhole(size: UInt32) throws {
        let group = makeClass()
        _ = group.addReader(.ndjson)
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
        let first = group.addReader(.serverSentEvents)
        let second = group.addReader(.serverSentEvents)
        #expect(first === second)
        _ = try plane.transact([try write(1)])
        #expect(group.advance() == .moved && group.advance() == .upToDate)
        #expect(first.next?.last == plane.log.head)
        let unread = group.tails[EventFormat.ndjson.rawValue]
        #expect(unread.next == nil && unread.bytes.isEmpty)
    }

    @Test("Frames that wait for a slow stream count towards the log's bound, and are let go link by link")
    func framesAreCounted() throws {
        let group = makeClass()
        var head: FrameChunk? = group.addReader(.serverSentEvents)
        for number in 0..<20_000 as Range<UInt32> { _ = try plane.transact([try write(number)]); _ = group.advance() }
        #expect(head?.next != nil)
        head = nil
        // 20,000 links that went recursively would have ended the process here.
        #expect(group.tails[EventFormat.serverSentEvents.rawValue].next == nil)
    }

    @Test("A class that the log has left behind says so")
    func isLost() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 16))
        let filter = EventFilter()
        let snapshot = plane.snapshot()
        let group = EventClass(
            filter, epoch: plane.epoch, at: snapshot, filter.summaries(of: snapshot), latest: .zero,
            log: plane.log)
        for mode in 0..<3_000 {
            _ = try plane.putNamespace("default") { _ in
                var settings = NamespaceSettings()
                settings.notifyOnFlagChangeIPv4 = UInt8(mode % 2 + 1)
                return settings
            }
        }
        #expect(group.advance() == .lost && group.isLost)
    }
}
