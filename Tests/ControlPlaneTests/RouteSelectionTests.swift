import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Testing

@Suite struct RouteSelectionTests {
    @Test("Of prefixes within one another only the outermost count", arguments: UInt64(1)...20)
    func outermost(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var prefixes: [Prefix] = []
        for _ in 0..<Int.random(in: 0..<40, using: &random) {
            let isIPv4 = Bool.random(using: &random)
            let address =
                isIPv4
                ? IPAddress(inet: .random(in: .min ... .max, using: &random) & 0xff0f_0000)
                : IPAddress(inet6: .random(in: .min ... .max, using: &random) & 0xf << 60, 0)
            prefixes.append(try Prefix(masking: address, length: .random(in: 0...20, using: &random)))
        }
        let expected = Set(prefixes).filter { one in !prefixes.contains { $0 != one && $0.contains(one) } }
        let result = RouteSelection.outermost(prefixes)
        #expect(Set(result) == expected && result.count == expected.count)
        #expect(result == result.sorted())
    }

    @Test(
        "A walk yields what agrees with every part of the selection, and its summary counts just that",
        arguments: UInt64(1)...20)
    func walksWhatAgrees(seed: UInt64) throws {
        let plane = ControlPlane(limits: .init(logBytes: 16 << 20))
        var writer = RandomWriter(seed: seed)
        for _ in 0..<300 { writer.step(plane) }
        let snapshot = plane.snapshot()
        let everything = Self.rows(snapshot, RouteSelection())
        let prefixes = try [
            "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.255.255.255/32", "::/0", "2001:db8::/32", "255.0.0.0/8",
        ]
        .map { try Prefix($0) }
        for prefix in prefixes {
            var within = RouteSelection()
            within.within = [prefix]
            var covers = RouteSelection()
            covers.covers = prefix
            var exact = RouteSelection()
            exact.destination = prefix
            exact.tables = [.main]
            for (selection, agrees) in [
                (within, { (row: Row) in prefix.contains(row.prefix) }), (covers, { $0.prefix.contains(prefix) }),
                (exact, { $0.prefix == prefix && $0.table == .main }),
            ] as [(RouteSelection, (Row) -> Bool)] {
                let rows = Self.rows(snapshot, selection)
                #expect(rows == everything.filter(agrees))
                #expect(snapshot.summary(of: selection).count == rows.count)
            }
        }
    }

    @Test("Pages of any length, put together, are the whole list", arguments: 1...7)
    func pagesAreTheList(length: Int) {
        let plane = ControlPlane(limits: .init(logBytes: 16 << 20))
        var writer = RandomWriter(seed: 5)
        // A flush may have come just before.
        for _ in 0..<500 { writer.step(plane) }
        while plane.snapshot().summary(of: RouteSelection()).count < 8 { writer.step(plane) }
        let snapshot = plane.snapshot()
        var selection = RouteSelection()
        selection.within = [.tenEight, .default(.inet6)]
        var pages: [Row] = []
        var last: (TableIdentity, RouteKey)?
        while true {
            var walk = RouteWalk(snapshot, selection)
            if let (table, key) = last { walk.skip(to: table.namespace, table.family, table.id, behind: key) }
            var count = 0
            while count < length, let (table, route) = walk.next() {
                pages.append(Row(table, route.key))
                last = (table, route.key)
                count += 1
            }
            if count < length { break }
        }
        #expect(pages == Self.rows(snapshot, selection) && pages.count > 3)
    }

    struct Row: Equatable {
        let namespace: String
        let table: TableID
        let prefix: Prefix
        let key: RouteKey

        init(_ table: TableIdentity, _ key: RouteKey) {
            namespace = table.namespace
            self.table = table.id
            prefix = key.prefix(table.family)
            self.key = key
        }
    }

    static func rows(_ snapshot: Snapshot, _ selection: RouteSelection) -> [Row] {
        var walk = RouteWalk(snapshot, selection)
        var rows: [Row] = []
        while let (table, route) = walk.next() { rows.append(Row(table, route.key)) }
        return rows
    }
}
