import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Testing

@testable import API
@testable import HTTPServer

@Suite("Rows that replays share")
struct ReplayCacheTests {
    private static func table(_ range: Range<UInt32>, device: String, on plane: ControlPlane) throws {
        let table = try plane.table("default", .inet, .main)
        let writer = EntryWriter()
        let operations = try range.map { number in
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(device: device)]
            let prefix = Prefix(host: IPAddress(inet: 10 << 24 | number))
            let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
            return RouteOperation.write(.replace, RouteWrite(table, route, writer))
        }
        _ = try plane.transact(operations)
    }

    private static func dump(_ hub: EventHub, _ change: (inout EventRequest) -> Void = { _ in }) throws -> [UInt8] {
        var request = EventRequest()
        request.endsAtSync = true
        change(&request)
        let source = try hub.open(request)
        return source.drainedBytes(now: 1_000_000_000)
    }

    private static func cache(of hub: EventHub) -> ReplayCache { hub.cache }

    /// Each wire, with and without what hardware makes of routes.
    static let wires: [(wire: EventWire, hardware: HardwareNotice)] = EventFormat.allCases.flatMap { format in
        [false, true].flatMap { isCompressed in
            [HardwareNotice.none, .all].map { (EventWire(format: format, isCompressed: isCompressed), $0) }
        }
    }

    @Test("What is shared is what each would have made, whatever is written and however devices come and go between")
    func equalsUnshared() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        let shared = EventHub(plane: plane, maximumFilters: 64, replayCacheBytes: 16 << 20)
        let unshared = EventHub(plane: plane, maximumFilters: 64, replayCacheBytes: 0)
        var random = SeededGenerator(seed: 1)
        var device: Device?
        for round: UInt32 in 0..<12 {
            let start = UInt32.random(in: 0..<2_000, using: &random)
            try Self.table(start..<start + 300, device: "eth\(round)", on: plane)
            if round == 4 { device = plane.addDevice("switch0", RouteSelection()) }
            if round == 8, let line = device?.line { device = plane.restartDevice(line) }
            for (wire, hardware) in Self.wires {
                let change: (inout EventRequest) -> Void = { request in
                    request.wire = wire
                    request.filter.hardware = hardware
                }
                let (one, other) = (try Self.dump(shared, change), try Self.dump(unshared, change))
                let text = wire.isCompressed ? try Inflater.text(of: one) : one
                let wanted = wire.isCompressed ? try Inflater.text(of: other) : other
                #expect(text == wanted, "round \(round), \(wire), \(hardware)")
            }
        }
        #expect(Self.cache(of: shared).count > 10 && Self.cache(of: unshared).isEmpty)
    }

    @Test(
        "A replay alone keeps nothing; the second one does, for those that follow, whatever part of the table they want"
    )
    func sharesFromTheSecond() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        try Self.table(0..<3_000, device: "eth0", on: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: 16 << 20)
        _ = try Self.dump(hub)
        #expect(Self.cache(of: hub).isEmpty)
        _ = try Self.dump(hub)
        let bytes = Self.cache(of: hub).bytes
        #expect(bytes > 3_000 * 200)
        _ = try Self.dump(hub)
        let within = try Prefix("10.0.0.0/8")
        _ = try Self.dump(hub) { $0.filter.selection.within = [within] }
        #expect(Self.cache(of: hub).bytes == bytes)
    }

    @Test("Compressed rows are kept from the first replay on, and take a fraction of the room")
    func keepsCompressed() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        try Self.table(0..<3_000, device: "eth0", on: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: 16 << 20)
        let sent = try Self.dump(hub) { $0.wire.isCompressed = true }
        #expect(Self.cache(of: hub).count > 50)
        let text = try Inflater.text(of: sent)
        #expect(text.count > 5 * sent.count && text.count > 3_000 * 200)
    }

    @Test(
        "What is kept stays within its bound, and rows that don't fit are sent all the same", arguments: [1, 100_000])
    func isBounded(limit: Int) throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        try Self.table(0..<3_000, device: "eth0", on: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: limit)
        let first = try Self.dump(hub)
        for _ in 0..<3 {
            #expect(try Self.dump(hub) == first)
            // A leaf has 32 rows at most.
            #expect(Self.cache(of: hub).bytes < limit + 16_384)
        }
        #expect(Self.cache(of: hub).count >= 1)
    }

    @Test("Rows of leaves that no table has any more are let go of as others come")
    func agesByChange() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        try Self.table(0..<3_000, device: "eth0", on: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: 64 << 20)
        for _ in 0..<2 { _ = try Self.dump(hub) }
        let one = Self.cache(of: hub).bytes
        for round in 0..<6 {
            try Self.table(0..<3_000, device: "eth\(round)", on: plane)
            _ = try Self.dump(hub)
        }
        #expect(Self.cache(of: hub).bytes < 5 * one / 2)
    }

    @Test("Without a replay for a minute nothing is kept")
    func agesByTime() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        try Self.table(0..<1_000, device: "eth0", on: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: 16 << 20)
        for _ in 0..<2 { _ = try Self.dump(hub) }
        #expect(hub.ageReplays(60_000_000_000) && !Self.cache(of: hub).isEmpty)
        let without = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: 0)
        _ = try Self.dump(without)
        #expect(!without.ageReplays(2_000_000_000))
        #expect(!hub.ageReplays(61_000_000_001) && Self.cache(of: hub).isEmpty && Self.cache(of: hub).bytes == 0)
    }

    @Test("A link that something is wrong with is in the rows as it is at the snapshot, shared or not")
    func showsLinks() throws {
        let plane = ControlPlane(limits: .init(logBytes: 64 << 20))
        try Self.table(0..<1_000, device: "eth0", on: plane)
        let hub = EventHub(plane: plane, maximumFilters: 8, replayCacheBytes: 16 << 20)
        for _ in 0..<3 { _ = try Self.dump(hub) }
        let service = LocalService(plane)
        #expect(service.call("PUT", "/v1/links/eth0", #"{"operstate":"UP"}"#).status < 300)
        #expect(service.call("PUT", "/v1/links/eth0/carrier", #"{"carrier":false}"#).status < 300)
        let text = String(decoding: try Self.dump(hub), as: UTF8.self)
        #expect(text.split(separator: "\n").count { $0.contains("linkdown") } >= 1_000)
    }
}
