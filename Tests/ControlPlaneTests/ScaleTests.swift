import Addressing
import ChangeLog
import Routing
import ServiceSupport
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// The FIB at its limits, and what is left when all of it has gone.
@Suite struct ScaleTests {
    private func write(_ plane: ControlPlane, _ prefix: Prefix, table: UInt32 = 254) throws -> RouteWrite {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
        return RouteWrite(try plane.table("default", prefix.family, TableID(rawValue: table)), route, EntryWriter())
    }

    @Test("65,536 tables of a namespace, each with a route and asked by a rule; one more is refused")
    func tables() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))
        let count: UInt32 = 65_536
        for id in 1...count {
            let prefix = Prefix(unchecked: IPAddress(inet: 10 << 24 | id << 8), 24)
            _ = try plane.write(.add, write(plane, prefix, table: id + 1_000))
        }
        #expect(throws: FIBError.self) { try plane.write(.add, write(plane, .default(.inet), table: 9)) }
        for id in [1, count / 2, count] {
            try RuleLab(plane).add(id) { $0.table = TableID(rawValue: id + 1_000) }
        }
        for id in [1, count / 2, count] {
            let address = IPAddress(inet: 10 << 24 | id << 8 | 7)
            #expect(try RuleLab(plane).get("\(address)") == "eth0")
        }
        #expect(try RuleLab(plane).get("10.0.2.7") == "nothing")
        #expect(try plane.flush(RouteSelection()).count == Int(count))
    }

    @Test("A namespace that goes while others write to it and look up in it goes whole, and comes back empty")
    func removalUnderLoad() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))
        let isDone = Locked(false, rank: .leaf)
        let writers = (0..<3 as Range<UInt64>).map { number in
            Thread(name: "writer-\(number)") {
                var writer = RandomWriter(seed: number + 1, namespaces: ["blue"])
                while !isDone.withLock({ $0 }) {
                    if let operation = try? writer.operation(plane) { _ = try? plane.transact([operation]) }
                    var fields = RuleFields()
                    fields.mark = UInt32(number)
                    _ = try? plane.change(ObjectOperation("blue", .writeRule(.add, fields)))
                    _ = try? plane.change(ObjectOperation("blue", .putLink(LinkEdit(name: "eth\(number)"))))
                    var trace: LookupTrace?
                    if let view = try? plane.forwarding("blue") {
                        _ = view.lookup(LookupQuery(destination: IPAddress(inet: 10 << 24)), &trace)
                    }
                }
            }
        }
        for round in 0..<50 {
            _ = try plane.putNamespace("blue") { _ in NamespaceSettings() }
            let head = plane.log.head
            _ = eventually { plane.log.head.rawValue > head.rawValue + 20 }
            _ = try plane.deleteNamespace("blue")
            #expect(!plane.snapshot().namespaces.contains { $0.name == "blue" }, "round \(round)")
        }
        isDone.withLock { $0 = true }
        for writer in writers { writer.join() }
        plane.snapshot()._checkInvariants()
        let left = EventFilter.everything.objects(of: plane.snapshot())
        #expect(left.count == 6 && left.allSatisfy { $0.namespace == "default" })
    }

    @Test("Of routes that were added and removed in no order no info is kept, once the log has let go of them")
    func references() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        var random = SeededGenerator(seed: 7)
        // Each with an info of its own.
        func write(_ number: UInt32, _ round: Int) throws -> RouteWrite {
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(gateway: IPAddress(inet: 192 << 24 | number), device: "eth\(round)")]
            let prefix = Prefix(unchecked: IPAddress(inet: number << 12), 20)
            let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
            return RouteWrite(try plane.table("default", .inet, .main), route, EntryWriter())
        }
        weak var info: RouteInfo?
        for round in 0..<3 {
            var numbers = Array(1...20_000 as ClosedRange<UInt32>).shuffled(using: &random)
            for number in numbers {
                let stored = try #require(try plane.write(.add, write(number, round))).stored
                if round == 0, number == 7 { info = stored.info }
            }
            _ = try plane.forwarding("default")
            numbers.shuffle(using: &random)
            for number in numbers {
                let selector = RouteSelector(prefix: Prefix(unchecked: IPAddress(inet: number << 12), 20))
                _ = try plane.delete("default", .main, selector)
            }
            #expect(plane.snapshot().summary(of: RouteSelection()).count == 0)
        }
        #expect(info == nil)
        // Of the last round only those of which the log still speaks, by and large.
        let kept = try plane.namespace("default").state.withLock { $0.infos.count }
        #expect(kept < 20_000)
    }
}
