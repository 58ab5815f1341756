import Addressing
import ControlPlane
import Foundation
import PathAttributes
import Routing
import Shared

/// The same in the running system, with its log, its entries and their hashes, and a route to look up for each message.
enum Served {
    static func run() throws {
        let plane = ControlPlane(limits: .init(logBytes: 256 << 20))
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let route = try Route.validated(prefix: .default(.inet), tos: 0, metric: nil, fields: fields)
        let table = try plane.table("default", .inet, .main)
        _ = try plane.write(.replace, RouteWrite(table, route, EntryWriter()))
        try checks(plane)
        try storm(plane, 500_000)
    }

    private static func checks(_ plane: ControlPlane) throws {
        let id = try plane.cacheRoute(LookupQuery(destination: IPAddress(inet: 7)), in: "default").id
        var upToDate = 0
        let hit = rate(2_000_000) { _ in
            if case .valid? = try? plane.checkCachedRoute(id).check { upToDate += 1 }
        }
        precondition(upToDate == 2_000_000, "a route isn't up to date")
        print("served: a check without news, found by its id, \(Int(1e9 / hit)) ns")
    }

    private static func storm(_ plane: ControlPlane, _ count: Int) throws {
        var random = SplitMix64(state: 3)
        func batch() -> Double {
            rate(count) { _ in
                let bits = UInt32(truncatingIfNeeded: random.next()) >> 3 | 0x1000_0000
                var message = MTUMessage(IPAddress(inet: bits), mtu: 1_400)
                (message.packetLength, message.sender) = (1_500, IPAddress(inet: bits.byteSwapped))
                _ = try? plane.take(PathMessage(.tooLarge(message)), in: "default", announces: false)
            }
        }
        _ = batch()
        let before = residentBytes()
        let second = batch()
        let floor = plane.log.mark.floor.rawValue
        precondition(floor == 0, "the storm has let the log forget routes")
        print(
            "served: storm: \(Int(second / 1_000)) k messages/s, \(plane.peerSummaries[0].count) peers, "
                + "\((residentBytes() - before) >> 20) MiB more after the second half million")
    }
}
