import Addressing
import ChangeLog
import ControlPlane
import Routing
import TestSupport
import Testing

/// That what a writer remembers changes nothing of what it writes.
@Suite struct EntryWriterTests {
    /// Leads through one to 64 devices, whose names differ from those of all other numbers.
    private static func info(_ number: Int) -> RouteInfo {
        var fields = RouteInfo.Fields()
        fields.nextHops = (0..<(number % 9 == 0 ? 64 : 1)).map { NextHop(device: "d\(number)-\($0)") }
        return RouteInfo(fields)
    }

    private static func image(_ count: UInt32, _ infos: [RouteInfo], _ random: inout SeededGenerator) -> Image<
        RouteKey, StoredRoute
    > {
        var image = Image<RouteKey, StoredRoute>()
        for number in 0..<count {
            let prefix = Prefix(host: IPAddress(inet: number &* 2_654_435_761))
            let key = RouteKey(
                prefix, tos: UInt8(number % 3),
                metric: UInt32(truncatingIfNeeded: random.next() >> (random.next() & 63)),
                position: 0)
            let version = ChangeSequence(rawValue: random.next() >> (random.next() & 63))
            let hash = EntryHash(high: random.next(), low: random.next())
            image.insert(
                StoredRoute(version: version, hash: hash, info: infos.randomElement(using: &random) ?? infos[0]),
                for: key)
        }
        return image
    }

    @Test("A run is written as its routes one by one would be", arguments: [1, 2, 60, 3_000])
    func runs(infoCount: Int) throws {
        var random = SeededGenerator(seed: UInt64(infoCount))
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let tables = try [TableID.main, .local].map { try plane.table("default", .inet, $0) }
        let image = Self.image(3_000, (0..<infoCount).map(Self.info), &random)
        let writer = EntryWriter()
        for round in 0..<4 {
            var cursor = image.cursor()
            while let run = cursor.nextRun() {
                let table = tables[round % 2]
                var (together, single, expected): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
                for place in 0..<run.count {
                    let route = (key: run.key(place), value: run.value(place))
                    writer.append(table, route.key, route.value, as: ListedForm(.lineFeedBehind), to: &single)
                    RouteEntry.appendRow(table, route, RowContext(), to: &expected)
                    expected.append(UInt8(ascii: "\n"))
                }
                writer.append(table, run, as: ListedForm(.lineFeedBehind), to: &together)
                #expect(together == expected && single == expected)
            }
        }
    }

    @Test("A run with what devices said is written to its end when all devices are gone")
    func devicesGone() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let table = try plane.table("default", .inet, .main)
        let device = plane.addDevice("asic", RouteSelection())
        for text in ["10.0.0.0/8", "11.0.0.0/8"] {
            _ = try plane.write(.add, try routeWrite(plane, text, metric: 5, ["eth1"]))
        }
        for hasDevice in [true, false] {
            if !hasDevice { plane.removeDevice(device.line) }
            let snapshot = plane.snapshot()
            var walk = RouteWalk(snapshot, RouteSelection())
            let writer = EntryWriter()
            writer.use(snapshot.context)
            var written: [UInt8] = []
            while let (_, run) = walk.nextRun() {
                writer.append(table, run, as: ListedForm(.lineFeedBehind), to: &written)
            }
            let lines = written.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
            #expect(lines.map { $0.contains(#""hw":{"device":"asic""#) } == [hasDevice, hasDevice])
        }
    }

    @Test("What an info that is gone looked like is not taken for that of another at its address")
    func addressesComeBack() throws {
        let plane = ControlPlane(limits: .init(logBytes: 1 << 20))
        let table = try plane.table("default", .inet, .main)
        let key = RouteKey(.default(.inet), tos: 0, metric: 0, position: 0)
        let writer = EntryWriter()
        for number in 0..<2_000 {
            let info = Self.info(number)
            var (written, expected): ([UInt8], [UInt8]) = ([], [])
            writer.append(table, key, info, to: &written)
            RouteEntry.append(table, key, info, to: &expected)
            #expect(written == expected)
        }
    }
}
