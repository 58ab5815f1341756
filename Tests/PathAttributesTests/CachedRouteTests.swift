import Addressing
import ChangeLog
import Routing
import Synchronization
import Testing
import Threads

@testable import PathAttributes

/// Ways that are kept, and how they learn of news.
@Suite struct CachedRouteTests {
    /// One route to everything, whose gateway can be moved, and neighbours that answer or not.
    private final class World: CachedRoute.Surroundings, Sendable {
        let lab = PathLab()
        private let generation = Atomic<UInt64>(0)
        private let state = Locked((gateway: 1, silent: Set<IPAddress>()), rank: .leaf)
        /// What happens when the time is asked for so many times.
        private let interruption = Locked<(reads: Int, body: @Sendable () -> Void)?>(nil, rank: .leaf)

        var routeGeneration: UInt64 { generation.load(ordering: .acquiring) }
        var peers: PeerStore { lab.peers }
        var now: UInt64 {
            let body = interruption.withLock { interruption -> (@Sendable () -> Void)? in
                interruption?.reads -= 1
                guard interruption?.reads == 0 else { return nil }
                return interruption.take()?.body
            }
            body?()
            return lab.host.now
        }

        func interrupt(afterReads reads: Int, _ body: @escaping @Sendable () -> Void) {
            interruption.withLock { $0 = (reads, body) }
        }

        func way(of query: LookupQuery) -> ResolvedWay? {
            let gateway = state.withLock { $0.gateway }
            guard gateway > 0 else { return nil }
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(gateway: IPAddress(inet: 0xC000_0200 | UInt32(gateway)), device: "eth0")]
            return ResolvedWay(
                table: .main, prefix: .default(.inet), info: RouteInfo(fields), device: "eth0",
                gateway: fields.nextHops[0].gateway, source: nil, mtu: RouteMTU(1_500))
        }

        func answers(_ gateway: IPAddress, over device: String) -> Bool {
            !state.withLock { $0.silent.contains(gateway) }
        }

        func move(to gateway: Int) {
            state.withLock { $0.gateway = gateway }
            touch()
        }

        /// Some route changes.
        func touch() { generation.wrappingAdd(1, ordering: .releasing) }

        func silence(_ gateway: String) { state.withLock { _ = $0.silent.insert(PathLab.address(gateway)) } }

        func redirect(to gateway: String) {
            _ = peers.learn(of: destination, from: nil, sourceLimit: nil) { known in
                var information = known ?? PathInformation()
                information.redirect = .init(to: PathLab.address(gateway), expires: now + 300_000)
                return .accepted(information, "R5-36", "")
            }
        }

        let destination = PathLab.address("203.0.113.9")
        var query: LookupQuery { LookupQuery(destination: destination) }
    }

    private let world = World()

    private func check(_ route: CachedRoute) -> String {
        let result =
            switch route.check(world) {
            case .valid: "valid"
            case .revalidated(let names): "revalidated [\(names.joined(separator: " "))]"
            case .obsolete(let why): "obsolete \(why)"
            }
        let content = route.content
        return "\(result) \(content.gateway.map { "\($0)" } ?? "") \(content.mtu ?? 0)"
    }

    @Test("R5-13, R5-14: a route learns at its next check of a peer that came after it, and then has it")
    func learns() throws {
        let route = try #require(CachedRoute(world.query, world))
        #expect(check(route) == "valid 192.0.2.1 1500" && route.peer == nil)
        _ = world.lab.tell(1_400, to: "203.0.113.8")
        // News of others have it look, and find nothing.
        #expect(check(route) == "revalidated [] 192.0.2.1 1500" && check(route) == "valid 192.0.2.1 1500")
        _ = world.lab.tell(1_400)
        #expect(check(route) == "revalidated [mtu expires_at] 192.0.2.1 1400")
        #expect(check(route) == "valid 192.0.2.1 1400" && route.peer?.references == 1)
        // R5-15: what it has it shares.
        _ = world.lab.tell(100)
        #expect(check(route) == "revalidated [mtu locked] 192.0.2.1 552")
        world.redirect(to: "192.0.2.77")
        #expect(check(route) == "revalidated [gateway expires_at] 192.0.2.77 552")
    }

    @Test("R5-16: a peer that comes between the look for it and the end of the check is seen by the next check")
    func lostUpdate() throws {
        let route = try #require(CachedRoute(world.query, world))
        _ = world.lab.tell(1_400, to: "203.0.113.8")
        let lab = world.lab
        // The second time is read when it is known that there is no peer yet.
        world.interrupt(afterReads: 2) { _ = lab.tell(1_300) }
        #expect(check(route) == "revalidated [] 192.0.2.1 1500")
        #expect(world.peers.find(world.destination) != nil)
        #expect(check(route) == "revalidated [mtu expires_at] 192.0.2.1 1300")
    }

    @Test("R5-11: of two who attach a peer at once one does, and the other gives his reference back")
    func attachedTwice() throws {
        let route = try #require(CachedRoute(world.query, world))
        _ = world.lab.tell(1_400)
        let world = world
        world.interrupt(afterReads: 2) { _ = route.check(world) }
        #expect(check(route).hasSuffix(" 192.0.2.1 1400"))
        #expect(world.peers.find(world.destination)?.peer.references == 1)
    }

    @Test("R5-24: a new route has at once what is known already")
    func begins() throws {
        _ = world.lab.tell(1_400)
        let route = try #require(CachedRoute(world.query, world))
        #expect(check(route) == "valid 192.0.2.1 1400" && route.peer?.references == 1)
        route.release(world)
        #expect(world.peers.find(world.destination)?.peer.references == 0)
        world.move(to: 0)
        #expect(CachedRoute(world.query, world) == nil)
    }

    @Test("R5-22: what has come to its end counts no more from that moment on, whatever the generations say")
    func expiry() throws {
        _ = world.lab.tell(1_400)
        let route = try #require(CachedRoute(world.query, world))
        world.lab.host.wait(milliseconds: 599_999)
        #expect(check(route) == "valid 192.0.2.1 1400")
        world.lab.host.wait(milliseconds: 1)
        #expect(check(route) == "revalidated [mtu expires_at] 192.0.2.1 1500")
        #expect(check(route) == "valid 192.0.2.1 1500")
    }

    @Test("It goes on when other routes change, and is obsolete when its own does, with its peer let go of")
    func routes() throws {
        _ = world.lab.tell(1_400)
        let route = try #require(CachedRoute(world.query, world))
        world.touch()
        #expect(check(route) == "revalidated [] 192.0.2.1 1400")
        world.move(to: 2)
        #expect(check(route) == "obsolete route 192.0.2.1 1400" && check(route) == "obsolete route 192.0.2.1 1400")
        #expect(world.peers.find(world.destination)?.peer.references == 0 && route.peer == nil)
        // Once it is, it stays so.
        world.move(to: 1)
        #expect(check(route) == "obsolete route 192.0.2.1 1400")
    }

    @Test("R5-35: if the router of a redirect doesn't answer, the way is to be looked up anew")
    func silentRouter() throws {
        let route = try #require(CachedRoute(world.query, world))
        world.redirect(to: "192.0.2.77")
        world.silence("192.0.2.77")
        #expect(check(route) == "obsolete neighbour 192.0.2.1 1500")
        #expect(world.peers.find(world.destination)?.peer.references == 0)
    }

    @Test(
        "Routes that are checked by many at once while peers come, change, expire and go have what there is in the end, and counts are exact"
    )
    func everythingAtOnce() throws {
        let world = world
        let routes = try (0..<40).map { number in
            try #require(CachedRoute(LookupQuery(destination: IPAddress(inet: 10 << 24 | UInt32(number % 20))), world))
        }
        let isOver = Atomic<Bool>(false)
        let checkers = (0..<3).map { place in
            Thread(name: "checker-\(place)") {
                while !isOver.load(ordering: .acquiring) { for route in routes { _ = route.check(world) } }
            }
        }
        for step in 0..<3_000 {
            let target = "10.0.0.\(step * 7 % 20)"
            switch step % 7 {
            case 0..<4: _ = world.lab.tell(UInt32(600 + step % 800), to: target)
            case 4: _ = world.peers.forget(PathLab.address(target))
            case 5: _ = world.peers.expire()
            default: world.touch()
            }
            if step % 50 == 0 { world.lab.host.wait(seconds: 97) }
        }
        isOver.store(true, ordering: .releasing)
        for checker in checkers { checker.join() }
        var holders: [IPAddress: Int] = [:]
        for route in routes {
            _ = route.check(world)
            let known = world.peers.find(route.query.destination)?.information.valid(at: world.now) ?? PathInformation()
            #expect(route.content.information == known)
            if route.peer != nil { holders[route.query.destination, default: 0] += 1 }
        }
        var cursor = world.peers.image.cursor()
        while let (_, stored) = cursor.next() {
            #expect(stored.peer.references == holders[stored.address] ?? 0)
        }
        for route in routes { route.release(world) }
        cursor = world.peers.image.cursor()
        while let (_, stored) = cursor.next() { #expect(stored.peer.references == 0) }
    }
}
