import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Testing

@Suite("Which of many filters may select a change")
struct EventFilterIndexTests {
    private var random = SeededGenerator(seed: 1)

    private static let prefixes = [
        "10.0.0.0/8", "10.0.0.0/24", "10.255.0.0/16", "::/0", "2001:db8::/48", "192.0.2.0/24",
    ]
    .compactMap { try? Prefix($0) }

    private static func some<Value>(of values: [Value], _ random: inout SeededGenerator) -> [Value]? {
        guard Bool.random(using: &random) else { return nil }
        return values.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    }

    private static func filter(_ random: inout SeededGenerator) -> EventFilter {
        var filter = EventFilter()
        if Bool.random(using: &random) { filter.kinds = Set(some(of: ObjectKind.allCases, &random) ?? [.route]) }
        filter.selection.namespaces = some(of: ["blue", "default", "red"], &random)
        filter.selection.families = some(of: [.inet, .inet6], &random)
        filter.selection.tables = some(of: [.main, TableID(rawValue: 100)], &random)
        filter.selection.protocols = some(of: [.static, .bgp, .boot, .kernel], &random)
        filter.selection.within = some(of: prefixes, &random)
        filter.view = Bool.random(using: &random) ? .best : .routes
        filter.hardware = HardwareNotice.allCases.randomElement(using: &random) ?? .all
        return filter
    }

    private static func changes(_ plane: ControlPlane) throws -> [Change] {
        var result: [Change] = []
        var position = ChangeSequence.zero
        while position < plane.log.head {
            let run = try #require(plane.log.read(after: position, .all))
            result += run
            position = run.end
        }
        return result
    }

    @Test("Finds every filter that selects it, once, whichever came and went before", arguments: UInt64(1)...16)
    func findsAll(seed: UInt64) throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var (writer, random) = (RandomWriter(seed: seed), SeededGenerator(seed: seed))
        for _ in 0..<300 { writer.step(plane) }
        var index = EventFilterIndex()
        var filters: [Int: EventFilter] = [:]
        var (selected, found) = (0, 0)
        for change in try Self.changes(plane) {
            let number = Int.random(in: 0..<64, using: &random)
            if let filter = filters.removeValue(forKey: number) {
                index.remove(filter, number)
            } else {
                filters[number] = Self.filter(&random)
                filters[number].map { index.insert($0, number) }
            }
            var numbers: [Int] = []
            index.find(change, into: &numbers)
            let wanted = filters.filter { _, filter in
                if case .notice(let notice) = change.object { return filter.selects(notice) }
                return filter.selects(change)
            }
            #expect(Set(numbers).count == numbers.count, "found twice")
            #expect(Set(numbers).isSuperset(of: wanted.keys), "\(change)")
            #expect(Set(numbers).isSubset(of: filters.keys), "one that is gone")
            (selected, found) = (selected + wanted.count, found + numbers.count)
        }
        #expect(selected > 100 && found < 8 * selected)
        for (number, filter) in filters { index.remove(filter, number) }
        for change in try Self.changes(plane) {
            var numbers: [Int] = []
            index.find(change, into: &numbers)
            #expect(numbers.isEmpty)
        }
    }

    @Test("Of 1,024 filters that differ in prefix, table, namespace or protocol it finds those that the change is for")
    func findsFew() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        var index = EventFilterIndex()
        for number in 0..<1_024 {
            var filter = EventFilter()
            filter.kinds = [.route]
            switch number % 4 {
            case 0: filter.selection.within = [try Prefix("10.\(number / 4).0.0/16")]
            case 1: filter.selection.tables = [TableID(rawValue: UInt32(1_000 + number))]
            case 2: filter.selection.namespaces = ["n\(number)"]
            default: filter.selection.protocols = [RouteProtocol(rawValue: UInt8(number / 4))]
            }
            index.insert(filter, number)
        }
        var fields = RouteInfo.Fields()
        fields.protocol = .bgp
        fields.nextHops = [NextHop(device: "eth0")]
        let route = try Route.validated(prefix: Prefix("10.7.1.0/24"), tos: 0, metric: nil, fields: fields)
        let table = try plane.table("default", .inet, .main)
        _ = try plane.transact([.write(.add, RouteWrite(table, route, EntryWriter()))])
        let change = try #require(try Self.changes(plane).last)
        var found: [Int] = []
        index.find(change, into: &found)
        #expect(Set(found) == [7 * 4, Int(RouteProtocol.bgp.rawValue) * 4 + 3])
    }
}
