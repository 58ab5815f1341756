import Addressing
import ChangeLog
import Dispatch
import Foundation
import PathAttributes
import Routing
import Shared
import Synchronization

/// Peers and cached routes, in process: `paths [PEERS]`, 1,000,000 by default.
///
/// What a check of a cached route costs without news and with news of others; how many peers are found a second; what memory one takes;
/// and how a storm of messages from forged sources goes, of which no two are about the same destination; by themselves, and as a part of
/// the server.
@main
struct Paths {
    static func main() throws {
        let count = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1_000_000
        let world = World()
        var limits = PeerLimits()
        limits.threshold = UInt32(2 * count)
        world.peers.set(limits)
        let before = residentBytes()
        let filling = rate(count) { tell(world, address($0)) }
        print("\(count) peers, \((residentBytes() - before) / count) bytes each; made at \(Int(filling / 1_000)) k/s")
        lookups(world, count)
        checks(world)
        storm(1_000_000)
        try Served.run()
    }

    /// Scattered, each once.
    private static func address(_ number: Int) -> IPAddress {
        IPAddress(inet: UInt32(truncatingIfNeeded: number) &* 2_654_435_761)
    }

    private static func tell(_ world: World, _ destination: IPAddress, from source: IPAddress? = nil) {
        var message = MTUMessage(destination, mtu: 1_400)
        message.packetLength = 1_500
        let (final, settings) = (message, PathSettings(.inet))
        _ = world.peers.learn(of: destination, from: source, sourceLimit: source == nil ? nil : 64) { known in
            final.decide(known, RouteMTU(1_500), settings, least: settings.leastMTU, now: world.now)
        }
    }

    private static func lookups(_ world: World, _ count: Int) {
        var random = SplitMix64(state: 1)
        let targets = (0..<1_000_000).map { _ in address(Int.random(in: 0..<count, using: &random)) }
        var found = 0
        let each = rate(targets.count) { if world.peers.find(targets[$0]) != nil { found += 1 } }
        precondition(found == targets.count, "a peer isn't found")
        print("lookups: \(Int(each / 1_000)) k/s")
    }

    private static func checks(_ world: World) {
        guard let route = CachedRoute(LookupQuery(destination: address(7)), world) else { return }
        var upToDate = 0
        let compared = rate(20_000_000) { _ in
            if route.isUpToDate(world.peers.generation, world.routeGeneration, now: 1) { upToDate += 1 }
        }
        let hit = rate(5_000_000) { _ in if case .valid = route.check(world) { upToDate += 1 } }
        precondition(upToDate == 25_000_000, "a route isn't up to date")
        let miss = rate(500_000) { number in
            tell(world, address(9))
            _ = route.check(world)
        }
        let telling = rate(500_000) { _ in tell(world, address(9)) }
        print(
            """
            check: the comparison \(text(compared)), with its answer \(text(hit)), with news of others \
            \(Int((1e9 / miss) - (1e9 / telling))) ns
            """)
    }

    private static func text(_ rate: Double) -> String { "\((1e10 / rate).rounded() / 10) ns" }

    /// With the kernel's limits.
    private static func storm(_ count: Int) {
        let world = World()
        var random = SplitMix64(state: 2)
        func batch() -> Double {
            rate(count) { _ in
                let bits = UInt32(truncatingIfNeeded: random.next())
                tell(world, IPAddress(inet: bits), from: IPAddress(inet: bits.byteSwapped))
            }
        }
        _ = batch()
        let before = residentBytes()
        let second = batch()
        print(
            "storm: \(Int(second / 1_000)) k messages/s, \(world.peers.image.count) peers, "
                + "\((residentBytes() - before) >> 20) MiB more after the second million")
    }

}

/// How often a second.
func rate(_ count: Int, _ body: (Int) -> Void) -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    for number in 0..<count { body(number) }
    return Double(count) / (Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
}

func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
}

/// One route to everything.
private final class World: CachedRoute.Surroundings {
    private let host = Host()
    private let info = RouteInfo(RouteInfo.Fields())
    let routeGeneration: UInt64 = 0
    let peers: PeerStore
    var now: UInt64 { host.now }

    init() { peers = PeerStore(.inet, host) }

    func way(of query: LookupQuery) -> ResolvedWay? {
        ResolvedWay(
            table: .main, prefix: .default(.inet), info: info, device: "eth0", gateway: nil, source: nil,
            mtu: RouteMTU(1_500))
    }

    func answers(_ gateway: IPAddress, over device: String) -> Bool { true }
}

/// Numbers changes and forgets them; its clock moves a millisecond with every hundred.
private final class Host: PeerHost {
    private let number = Atomic<UInt64>(0)
    var now: UInt64 { 1_000_000 + number.load(ordering: .relaxed) / 100 }

    /// Of as many bytes as an entry has.
    func hash(_ address: IPAddress, _ information: PathInformation) -> EntryHash {
        var bytes = [UInt8](repeating: 0x20, count: 110)
        for place in 0..<8 { bytes[place] = UInt8(truncatingIfNeeded: address.high >> UInt64(8 * place)) }
        return EntryHash(of: bytes.span)
    }

    func commit(_ count: Int, because reason: PeerReason?, _ make: (Int, ChangeSequence) -> PeerChange) {
        for index in 0..<count {
            _ = make(index, ChangeSequence(rawValue: number.wrappingAdd(1, ordering: .relaxed).newValue))
        }
    }
}
