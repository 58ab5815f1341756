import Addressing
import ChangeLog
import PathAttributes
import Routing
import Synchronization
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// Cached routes in the running system.
@Suite struct CachedRouteStressTests {
    private let lab: PeerLab

    init() throws {
        lab = try PeerLab(logBytes: 16 << 20)
        try lab.connect()
    }

    private func state(_ id: UInt64) throws -> String {
        switch try lab.plane.checkCachedRoute(id).check {
        case .valid?: "valid"
        case .revalidated(let names)?: "revalidated: \(names.joined(separator: ", "))"
        case .obsolete(let reason)?: "obsolete: \(reason)"
        case nil: "unchecked"
        }
    }

    private func query(_ host: Int) -> LookupQuery {
        LookupQuery(destination: IPAddress(inet: 0xCB00_7100 | UInt32(host)))
    }

    @Test(
        "While peers come, change, expire and are collected, each cached route shows its peer's attributes at its next check"
    )
    func everythingAtOnce() throws {
        let (plane, clock) = (lab.plane, lab.clock)
        _ = try plane.putNamespace("default") { _ in
            var settings = NamespaceSettings()
            settings.paths.limits.threshold = 24
            return settings
        }
        let ids = try (0..<64).map { try plane.cacheRoute(query($0), in: "default").id }
        let stops = Atomic<Bool>(false)
        let checks = Atomic<Int>(0)
        var threads: [Thread] = []
        for worker in 0..<3 {
            threads.append(
                Thread(name: "check-\(worker)") {
                    var random = SeededGenerator(seed: UInt64(worker))
                    while !stops.load(ordering: .relaxed) {
                        guard let id = ids.randomElement(using: &random) else { return }
                        _ = try? plane.checkCachedRoute(id)
                        checks.wrappingAdd(1, ordering: .relaxed)
                    }
                })
        }
        for worker in 0..<2 {
            threads.append(
                Thread(name: "learn-\(worker)") { [lab] in
                    var random = SeededGenerator(seed: 100 + UInt64(worker))
                    for step in 0..<4_000 {
                        let host = "203.0.113.\(Int.random(in: 0..<64, using: &random))"
                        switch Int.random(in: 0..<20, using: &random) {
                        case 0: _ = try? plane.forgetPeer(PeerLab.address(host), in: "default")
                        case 1:
                            clock.move(seconds: UInt64.random(in: 0..<120, using: &random))
                            _ = plane.expirePeers()
                        case 2: _ = try? plane.mayTell(PeerLab.address(host), .error, in: "default")
                        default: _ = try? lab.tell(UInt32.random(in: 400..<1_500, using: &random), host)
                        }
                        if worker == 0, step % 500 == 0 { _ = try? lab.connect(mtu: step % 1_000 == 0 ? 1_500 : 1_400) }
                    }
                })
        }
        for thread in threads.suffix(2) { thread.join() }
        stops.store(true, ordering: .relaxed)
        for thread in threads.prefix(3) { thread.join() }
        #expect(checks.load(ordering: .relaxed) > 0)

        var held: [IPAddress: Int] = [:]
        for (host, id) in ids.enumerated() {
            let result = try plane.checkCachedRoute(id)
            if case .obsolete(let reason) = result.check {
                Issue.record("\(host) is obsolete: \(reason)")
                continue
            }
            let address = query(host).destination
            let stored = try plane.peer(address, in: "default").peer?.stored
            let known = stored?.information.valid(at: clock.now) ?? PathInformation()
            #expect(result.route.content.information == known, "host \(host)")
            #expect(result.route.content.way.mtu.value == 1_400)
            if let peer = result.route.peer {
                #expect(peer === stored?.peer, "host \(host) holds one that is gone")
                held[address, default: 0] += 1
            }
            #expect(try state(id) == "valid", "news where there are none")
        }
        var walk = PeerWalk(plane.snapshot(), families: nil)
        while let peer = walk.next() { #expect(peer.stored.peer.references == held[peer.address] ?? 0) }
        for id in ids { try plane.removeCachedRoute(id) }
        walk = PeerWalk(plane.snapshot(), families: nil)
        while let peer = walk.next() { #expect(peer.stored.peer.references == 0) }
    }

    @Test("There may be so many; those that no one checks go, and let go of their peers")
    func bounds() throws {
        var limits = ControlPlane.Limits(logBytes: 1 << 20)
        (limits.cachedRoutes, limits.cachedRouteIdleSeconds) = (3, 60)
        let clock = lab.clock
        let plane = ControlPlane(limits: limits, clock: { clock.now })
        #expect(throws: FIBError.self) { try plane.cacheRoute(query(1), in: "default") }
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let route = try Route.validated(prefix: .default(.inet), tos: 0, metric: nil, fields: fields)
        let table = try plane.table("default", .inet, .main)
        _ = try plane.transact([.write(.replace, RouteWrite(table, route, EntryWriter()))])
        _ = try plane.take(PathMessage(.tooLarge(MTUMessage(query(1).destination, mtu: 1_400))), in: "default")
        let ids = try (1...3).map { try plane.cacheRoute(query($0), in: "default").id }
        let refusal = #expect(throws: FIBError.self) { try plane.cacheRoute(query(4), in: "default") }
        #expect(refusal?.errno == .enobufs)
        let peer = try plane.peer(query(1).destination, in: "default").peer
        #expect(peer?.stored.peer.references == 1)
        clock.move(seconds: 50)
        _ = try plane.checkCachedRoute(ids[1])
        clock.move(seconds: 20)
        plane.removeIdleCachedRoutes()
        #expect(plane.cachedRoutes(in: nil).map(\.id) == [ids[1]])
        #expect(peer?.stored.peer.references == 0)
    }

    @Test("A route that expires is none any more from that moment on, before anyone has removed it")
    func expiringRoute() throws {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(gateway: PeerLab.address("192.0.2.2"), device: "eth0")]
        fields.expiresAt = lab.clock.now + 10_000
        let prefix = try Prefix("203.0.113.0/24")
        let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
        let table = try lab.plane.table("default", .inet, .main)
        _ = try lab.plane.transact([.write(.replace, RouteWrite(table, route, EntryWriter()))])
        let id = try lab.plane.cacheRoute(query(1), in: "default").id
        lab.clock.move(seconds: 9)
        #expect(try state(id) == "valid")
        lab.clock.move(seconds: 1)
        #expect(try state(id) == "obsolete: route")
    }
}
