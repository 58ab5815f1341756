import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane

/// A control plane with links, and what its log says of each step, in short.
struct LinkLab {
    let plane: ControlPlane
    private var position: ChangeSequence

    init(_ plane: ControlPlane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))) {
        self.plane = plane
        position = plane.log.head
    }

    @discardableResult
    func put(
        _ name: String, _ addresses: [String]? = nil, isUp: Bool? = nil, disablesIPv6: Bool? = nil, mtu: UInt32? = nil,
        group: UInt32? = nil, ignoresLinkDown: Bool? = nil
    ) throws -> ObjectResult {
        var edit = LinkEdit(name: name)
        edit.addresses = try addresses.map { try $0.map(linkAddress) }
        edit.isUp = isUp
        edit.disablesIPv6 = disablesIPv6
        edit.mtu = mtu
        edit.group = group
        edit.ignoresLinkDown = ignoresLinkDown
        return try plane.change(ObjectOperation("default", .putLink(edit)))
    }

    @discardableResult
    func remove(_ name: String) throws -> ObjectResult {
        try plane.change(ObjectOperation("default", .removeLink(name), existence: .present))
    }

    func setCarrier(_ name: String, _ hasCarrier: Bool) throws {
        _ = try plane.change(ObjectOperation("default", .setCarrier(name, hasCarrier), existence: .present))
    }

    func neighbour(_ device: String, _ address: String, _ state: NeighbourState = .reachable) throws {
        let neighbour = Neighbour(device: device, address: try IPAddress(address), state: state)
        _ = try plane.change(ObjectOperation("default", .putNeighbour(neighbour)))
    }

    /// - Parameter hops: each `address`, `address%device` or `device`.
    func add(
        _ text: String, _ hops: String..., source: String? = nil, metric: UInt32? = nil, verb: RouteVerb = .add,
        table: TableID = .main
    ) throws {
        let prefix = try Prefix(text)
        var fields = RouteInfo.Fields()
        fields.nextHops = try hops.map(leg)
        fields.preferredSource = try source.map { try IPAddress($0) }
        let route = try Route.validated(prefix: prefix, tos: 0, metric: metric, fields: fields)
        _ = try plane.write(
            verb, RouteWrite(try plane.table("default", prefix.family, table), route, EntryWriter()))
    }

    /// A nexthop object; what it is then.
    @discardableResult
    func nextHop(
        _ id: UInt32?, verb: RouteVerb = .replace, _ fill: (inout NextHopFields) throws -> Void
    ) throws -> NextHopObject {
        var fields = NextHopFields()
        fields.id = id
        try fill(&fields)
        let result = try plane.change(ObjectOperation("default", .writeNextHop(verb, fields)))
        return try #require(result.object.nextHop)
    }

    /// One over a link, through a gateway if one is given.
    @discardableResult
    func nextHop(_ id: UInt32, _ hop: String) throws -> NextHopObject {
        try nextHop(id) { fields in
            let leg = try leg(hop)
            (fields.gateway, fields.device) = (leg.gateway, leg.device)
        }
    }

    @discardableResult
    func group(_ id: UInt32, _ members: UInt32...) throws -> NextHopObject {
        try nextHop(id) { $0.members = members.map { NextHopObject.Member(id: $0) } }
    }

    func removeNextHop(_ id: UInt32) throws {
        _ = try plane.change(ObjectOperation("default", .removeNextHop(id)))
    }

    /// A route that leads where a nexthop object does.
    func add(
        _ text: String, nhid: UInt32, scope: RouteScope = .global, source: String? = nil, verb: RouteVerb = .add
    ) throws {
        let prefix = try Prefix(text)
        var fields = RouteInfo.Fields()
        (fields.nextHopID, fields.scope) = (nhid, scope)
        fields.preferredSource = try source.map { try IPAddress($0) }
        let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
        _ = try plane.write(
            verb, RouteWrite(try plane.table("default", prefix.family, .main), route, EntryWriter()))
    }

    /// What the log says since the last time, but for its numbers. `#n` is the place of a cause among these changes.
    mutating func news() -> [String] {
        var changes: [Change] = []
        while let run = plane.log.read(after: position), let last = run.last {
            changes += run
            position = last.sequence
        }
        return changes.compactMap { change in
            guard let text = Self.text(change) else { return nil }
            guard let cause = change.batch?.cause else { return text }
            let place = changes.firstIndex { $0.sequence == cause.sequence }.map { "#\($0)" } ?? "earlier"
            return "\(text) (\(cause.reason) \(place))"
        }
    }

    private static func text(_ change: Change) -> String? {
        let name = change.operation.name
        switch change.object {
        case .object(let object):
            let key =
                object.object.link?.name ?? object.object.nextHop.map { "\($0.id)" }
                ?? object.object.neighbour.map { "\($0.address)%\($0.device)" } ?? object.object.namespace
            return "\(object.object.kind) \(name) \(key)"
        case .route(let route):
            let info = route.new?.info ?? route.old?.info
            var hops = (info?.nextHops ?? []).map { hop in
                [hop.gateway.map { "\($0)" }, hop.device.isEmpty ? nil : hop.device].compactMap(\.self)
                    .joined(separator: "%")
            }
            if let id = info?.fields.nextHopID, id != 0 { hops = ["nhid \(id)"] }
            let table = route.table.id == .main ? "" : " \(route.table.id.name)"
            return "\(name) \(route.key.prefix(route.table.family)) \(hops.joined(separator: ","))\(table)"
        case .status(let status):
            let legs = status.legs.map { leg in
                leg.contains(.dead) ? "dead" : leg.contains(.linkDown) ? "linkdown" : "-"
            }
            return "\(name) \(status.key.prefix(status.table.family)) \(legs.joined(separator: ","))"
        case .traffic, .peer, .peerStorage, .hardware, .device, .listener, .operationEnd, .notice: return nil
        }
    }

    /// Prefixes and hops of all routes in table main that no kernel made.
    var routes: [String] {
        var selection = RouteSelection()
        selection.tables = [.main]
        selection.spared = .kernel
        var walk = RouteWalk(plane.snapshot(), selection)
        var texts: [String] = []
        while let (table, route) = walk.next() { texts.append("\(route.key.prefix(table.family))") }
        return texts
    }
}

func linkAddress(_ text: String) throws -> LinkAddress {
    let parts = text.split(separator: "/")
    return try #require(LinkAddress(try IPAddress(String(parts[0])), length: UInt8(parts[1]) ?? 255))
}

func leg(_ text: String) throws -> NextHop {
    let parts = text.split(separator: "%").map(String.init)
    if parts.count == 2 { return NextHop(gateway: try IPAddress(parts[0]), device: parts[1]) }
    return (try? IPAddress(text)).map { NextHop(gateway: $0) } ?? NextHop(device: text)
}
