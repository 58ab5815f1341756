import Addressing
import ControlPlane
import Routing

/// Host routes from 10.0.0.0 on, over 64 gateways.
struct Routes {
    let plane: ControlPlane
    private let table: TableIdentity
    private let writer = EntryWriter()
    private let infos: [RouteInfo]

    init(_ plane: ControlPlane) throws {
        self.plane = plane
        table = try plane.table("default", .inet, .main)
        infos = (1...64).map { number in
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(gateway: IPAddress(inet: 0xc000_0200 + UInt32(number)))]
            return RouteInfo(fields)
        }
    }

    /// - Parameter round: another one, another gateway.
    func write(_ number: Int, round: Int = 0) throws -> RouteWrite {
        let prefix = Prefix(host: IPAddress(inet: 0x0a00_0000 + UInt32(number)))
        let route = try Route.validated(
            prefix: prefix, tos: 0, metric: nil, info: infos[(number + round) % infos.count])
        return RouteWrite(table, route, writer)
    }

    /// So many routes, in the order of their addresses.
    func load(_ count: Int) throws {
        for start in stride(from: 0, to: count, by: 10_000) {
            let rows = try (start..<min(count, start + 10_000)).map { try write($0) }
            plane.write(.add, rows: rows) { _, result in
                if case .failure(let error) = result { preconditionFailure("a new route is refused: \(error)") }
                return true
            }
        }
    }

    /// `offload` of all routes that there are.
    func reports(_ count: Int) -> [HardwareReport] {
        var reports: [HardwareReport] = []
        reports.reserveCapacity(count)
        var walk = RouteWalk(plane.snapshot(), RouteSelection())
        while let (table, route) = walk.next() {
            reports.append(HardwareReport(table, route.key, version: route.value.version, state: .offload))
        }
        return reports
    }

    static func plane() -> ControlPlane { ControlPlane(limits: ControlPlane.Limits(logBytes: 256 << 20)) }
}
