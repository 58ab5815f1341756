import Addressing
import ChangeLog
import Routing

@testable import PathAttributes

/// Links with addresses, neighbours, and what routes lead by.
struct PathTestView: PathView {
    private var links: [String: Link] = [:]
    private var local: [AddressFamily: RouteTable] = [:]
    private var neighbours: [Neighbour] = []
    private var gateways: [(String, IPAddress)] = []
    var isStrict = false
    var now: UInt64 = 1_000_000

    mutating func add(_ name: String, _ addresses: String..., acceptsRedirects: Bool = true) {
        var link = Link(name: name)
        link.acceptsRedirects = acceptsRedirects
        link.addresses = addresses.compactMap { text in
            let parts = text.split(separator: "/")
            return LinkAddress(PathLab.address(String(parts[0])), length: UInt8(parts[1]) ?? 0)
        }
        links[name] = link
        for (table, route) in link.routes where table == .local {
            var image = local[route.prefix.family] ?? RouteTable(family: route.prefix.family)
            guard case .edit(let edit)? = try? image.decide(.append, route) else { continue }
            image.apply(edit, version: .zero, hash: EntryHash(high: 1, low: 1))
            local[route.prefix.family] = image
        }
    }

    mutating func add(_ address: String, on device: String, _ state: NeighbourState) {
        neighbours.append(Neighbour(device: device, address: PathLab.address(address), state: state))
    }

    mutating func lead(by gateway: String, over device: String) { gateways.append((device, PathLab.address(gateway))) }

    func table(_ family: AddressFamily, _ id: TableID) -> RouteTable? { id == .local ? local[family] : nil }
    func prefixes(_ family: AddressFamily, _ id: TableID) -> RoutePrefixes? { nil }
    func rules(_ family: AddressFamily) -> PolicyRules { PolicyRules() }
    func link(_ name: String) -> Link? { links[name] }
    func nextHopObject(_ id: UInt32) -> NextHopObject? { nil }
    func isOwn(_ address: IPAddress) -> Bool {
        links.values.contains { $0.addresses.contains { $0.address == address } }
    }
    func hashPolicy(_ family: AddressFamily) -> MultipathHashPolicy { .addresses }
    var usesNeighbours: Bool { false }
    func neighbour(_ device: String, _ address: IPAddress) -> Neighbour? {
        neighbours.first { $0.device == device && $0.address == address }
    }
    var impairments: [String: LinkImpairment] { [:] }
    func isGateway(_ address: IPAddress, over device: String) -> Bool {
        gateways.contains { $0 == (device, address) }
    }
}
