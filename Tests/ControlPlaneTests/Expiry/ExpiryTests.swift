import Addressing
import ChangeLog
import Routing
import Synchronization
import TestSupport
import Testing

@testable import ControlPlane

/// Routes that are there until some time only, by a clock that the test moves.
@Suite struct ExpiryTests {
    private final class Clock: Sendable {
        let now = Atomic<UInt64>(1_000_000)
        func move(to time: UInt64) { now.store(time, ordering: .relaxed) }
    }

    private let clock = Clock()

    private func lab() -> LinkLab {
        LinkLab(
            ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20)) { [clock] in clock.now.load(ordering: .relaxed)
            })
    }

    private func add(
        _ lab: LinkLab, _ text: String, _ hop: String, until time: UInt64, metric: UInt32? = nil,
        verb: RouteVerb = .add
    ) throws {
        let prefix = try Prefix(text)
        var fields = RouteInfo.Fields()
        fields.nextHops = [try leg(hop)]
        fields.expiresAt = time
        let route = try Route.validated(prefix: prefix, tos: 0, metric: metric, fields: fields)
        _ = try lab.plane.write(
            verb, RouteWrite(try lab.plane.table("default", prefix.family, .main), route, EntryWriter()))
    }

    private func device(_ lab: LinkLab, _ destination: String) throws -> String? {
        var trace: LookupTrace?
        let view = try lab.plane.forwarding("default")
        guard case .route(let found) = view.lookup(.init(destination: try IPAddress(destination)), &trace) else {
            return nil
        }
        return found.hop?.device
    }

    @Test("R1-48: from the moment on in which it expires, a lookup passes a route over, gone or not")
    func lookups() throws {
        let lab = lab()
        try lab.add("10.0.0.0/8", "eth0")
        try add(lab, "10.1.0.0/16", "eth1", until: 1_000_500)
        try add(lab, "2001:db8::/32", "eth1", until: 1_000_500)
        clock.move(to: 1_000_499)
        #expect(try device(lab, "10.1.0.1") == "eth1" && device(lab, "2001:db8::1") == "eth1")
        clock.move(to: 1_000_500)
        #expect(try device(lab, "10.1.0.1") == "eth0" && device(lab, "2001:db8::1") == nil)
        #expect(lab.routes.count == 3)
    }

    @Test("What has expired goes, each once and with a cause, and no other")
    func removal() throws {
        var lab = lab()
        try add(lab, "10.2.0.0/16", "eth1", until: 1_000_300)
        try add(lab, "10.1.0.0/16", "eth1", until: 1_000_200)
        try add(lab, "10.3.0.0/16", "eth1", until: 1_000_900)
        try lab.add("10.4.0.0/16", "eth1")
        #expect(lab.plane.removeExpired() == 1_000_200)
        _ = lab.news()
        clock.move(to: 1_000_400)
        #expect(lab.plane.removeExpired() == 1_000_900)
        #expect(
            lab.news() == ["delete 10.1.0.0/16 eth1 (expired #0)", "delete 10.2.0.0/16 eth1 (expired #0)"])
        clock.move(to: 2_000_000)
        #expect(lab.plane.removeExpired() == nil)
        #expect(lab.routes == ["10.4.0.0/16"] && lab.news().count == 1)
        lab.plane.snapshot()._checkInvariants()
    }

    @Test("A route that is replaced expires when the new one does, also among many of one key whose places move")
    func replacement() throws {
        let lab = lab()
        try add(lab, "10.0.0.0/8", "eth1", until: 1_000_200)
        try add(lab, "10.0.0.0/8", "eth1", until: 1_000_800, verb: .replace)
        try add(lab, "10.1.0.0/16", "eth1", until: 1_000_200)
        try lab.add("10.1.0.0/16", "eth1", verb: .replace)
        for number in 0..<300 { try add(lab, "10.2.0.0/16", "eth\(number)", until: 1_000_200, verb: .prepend) }
        lab.plane.snapshot()._checkInvariants()
        clock.move(to: 1_000_400)
        #expect(lab.plane.removeExpired() == 1_000_800 && lab.routes == ["10.0.0.0/8", "10.1.0.0/16"])
    }

    @Test("An IPv6 route that expires is no sibling of others: it would take them with it (R1-24)")
    func siblings() throws {
        let lab = lab()
        try lab.add("2001:db8::/32", "fe80::1%eth0")
        try add(lab, "2001:db8::/32", "fe80::2%eth0", until: 1_000_200, verb: .append)
        #expect(lab.routes.count == 2)
        clock.move(to: 1_000_400)
        lab.plane.removeExpired()
        #expect(lab.routes.count == 1)
    }

    @Test("More than fit into one run go in several; what is refused or has passed changes nothing")
    func many() throws {
        let lab = lab()
        for number in 0..<2_500 {
            try add(lab, "10.\(number / 256).\(number % 256).0/24", "eth0", until: 1_000_200 + UInt64(number % 7))
        }
        let head = lab.plane.log.head
        #expect(throws: FIBError.self) { try lab.plane.checkExpiry(1_000_000) }
        try lab.plane.checkExpiry(1_000_001)
        #expect(lab.plane.log.head == head)
        clock.move(to: 1_000_203)
        #expect(lab.plane.removeExpired() == 1_000_204)
        #expect(lab.routes.count == 2_500 / 7 * 3)
        clock.move(to: 1_000_300)
        #expect(lab.plane.removeExpired() == nil && lab.routes.isEmpty)
    }

    @Test("What expired while the server was away goes when it is back")
    func restart() throws {
        let store = MemoryStore()
        let limits = ControlPlane.Limits(logBytes: 4 << 20)
        let first = try ControlPlane(limits: limits, store: store) { 1_000_000 }
        try add(LinkLab(first), "10.0.0.0/8", "eth0", until: 1_000_200)
        try add(LinkLab(first), "10.1.0.0/16", "eth0", until: 1_000_900)
        first.close()
        let second = try ControlPlane(limits: limits, store: store.reopened()) { 1_000_500 }
        defer { second.close() }
        #expect(LinkLab(second).routes == ["10.0.0.0/8", "10.1.0.0/16"])
        #expect(second.removeExpired() == 1_000_900)
        #expect(LinkLab(second).routes == ["10.1.0.0/16"])
    }

    @Test("The watch removes on its own what expires")
    func watch() throws {
        let lab = lab()
        try add(lab, "10.0.0.0/8", "eth0", until: 1_000_200)
        let watch = ExpiryWatch(lab.plane)
        watch.start()
        defer { watch.stop() }
        clock.move(to: 1_000_200)
        #expect(eventually { lab.routes.isEmpty })
    }
}
