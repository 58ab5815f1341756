import Addressing
import ChangeLog
import Routing
import Testing

@testable import ControlPlane
@testable import Hardware

/// A switch's model with a clock that the test moves: changes of first routes go in, and what it says of them comes out.
struct ModelLab {
    var model: SwitchModel
    var account = SwitchAccount(.init())
    /// In milliseconds.
    var now: UInt64 = 1_000
    private var sequence = ChangeSequence(rawValue: 100)
    private let tables = [
        AddressFamily.inet: TableIdentity(namespace: "default", family: .inet, id: .main),
        .inet6: TableIdentity(namespace: "default", family: .inet6, id: .main),
    ]
    private(set) var routes: [Prefix: PlacedRoute] = [:]
    /// One for each set of fields, as a namespace has them.
    private var infos: [RouteInfo.Fields: RouteInfo] = [:]

    init(_ settings: SwitchSettings = SwitchSettings()) {
        model = SwitchModel(settings)
        account = SwitchAccount(settings.capacity)
    }

    init(_ change: (inout SwitchSettings) -> Void) {
        var settings = SwitchSettings()
        change(&settings)
        self.init(settings)
    }

    // MARK: Changes

    /// The first route of the prefix is this one from now on; its hops are addresses, devices, or both with an `@`.
    @discardableResult
    mutating func put(
        _ text: String, _ hops: String..., type: RouteType = .unicast, metric: UInt32 = 1_024
    ) throws -> ChangeSequence {
        let prefix = try Prefix(text)
        return tell(prefix, try route(prefix, hops, type), metric, .own(.other))
    }

    /// One that was there already comes first again.
    @discardableResult
    mutating func promote(
        _ text: String, _ hops: String..., metric: UInt32, version: ChangeSequence
    ) throws -> ChangeSequence {
        let prefix = try Prefix(text)
        let info = try route(prefix, hops, .unicast)
        let (key, stored) = placed(prefix, info, metric, version)
        let gone = try #require(routes[prefix])
        routes[prefix] = (key, stored)
        return tell(prefix, gone.key, gone.value, nil, .promoted(.init((key, stored))))
    }

    @discardableResult
    mutating func append(_ text: String, _ hops: String...) throws -> ChangeSequence {
        let prefix = try Prefix(text)
        let old = try #require(routes[prefix])
        let info = try route(prefix, old.value.info.nextHops + hops.map(hop), .unicast)
        return tell(prefix, info, old.key.metric, .own(.joined))
    }

    /// These nexthops leave; without any, the route.
    @discardableResult
    mutating func delete(_ text: String, _ hops: String...) throws -> ChangeSequence {
        let prefix = try Prefix(text)
        // What is not there can be told to be gone as well.
        let old = try routes[prefix] ?? placed(prefix, route(prefix, ["eth9"], .unicast), 1_024, sequence)
        if hops.isEmpty {
            routes[prefix] = nil
            return tell(prefix, old.key, old.value, nil, .own(.other))
        }
        let left = old.value.info.nextHops.filter { !hops.map(hop).contains($0) }
        return tell(prefix, try route(prefix, left, .unicast), old.key.metric, .own(.left))
    }

    private mutating func tell(
        _ prefix: Prefix, _ info: RouteInfo, _ metric: UInt32, _ best: BestChange
    ) -> ChangeSequence {
        let old = routes[prefix]
        let new = placed(prefix, info, metric, sequence.next)
        routes[prefix] = new
        return tell(prefix, new.key, old?.value, new.value, best)
    }

    private mutating func tell(
        _ prefix: Prefix, _ key: RouteKey, _ old: StoredRoute?, _ new: StoredRoute?, _ best: BestChange
    ) -> ChangeSequence {
        sequence = sequence.next
        guard let table = tables[prefix.family],
            let event = RouteEvent(RouteChange(table: table, key: key, old: old, new: new, best: best))
        else { preconditionFailure("no event") }
        model.take(.route(event), sequence, now * 1_000_000)
        return sequence
    }

    // MARK: What surrounds routes

    mutating func neighbour(_ device: String, _ address: String, _ state: NeighbourState?) throws {
        sequence = sequence.next
        let address = try IPAddress(address)
        let neighbour = state.map { Neighbour(device: device, address: address, state: $0) }
        model.take(
            .neighbour(namespace: "default", device: device, address, neighbour), sequence, now * 1_000_000)
    }

    mutating func link(_ name: String, isOffloaded: Bool?) {
        sequence = sequence.next
        let link = isOffloaded.map { isOffloaded in
            var link = Link(name: name)
            link.isOffloaded = isOffloaded
            return link
        }
        model.take(.link(namespace: "default", name: name, link), sequence, now * 1_000_000)
    }

    /// A nexthop object, gone without a hop, which is as those of routes are.
    mutating func nextHop(_ id: UInt32, _ text: String?) {
        tell(text.map { NextHopObject(id: id, family: .inet, .leg(hop($0))) }, id)
    }

    mutating func blackhole(_ id: UInt32) { tell(NextHopObject(id: id, family: .inet, .blackhole), id) }

    mutating func group(_ id: UInt32, _ members: UInt32...) {
        tell(members.isEmpty ? nil : NextHopObject(id: id, family: nil, .group(members.map { .init(id: $0) })), id)
    }

    private mutating func tell(_ object: NextHopObject?, _ id: UInt32) {
        sequence = sequence.next
        model.take(.nextHopObject(namespace: "default", id: id, object), sequence, now * 1_000_000)
    }

    /// The first route of the prefix leads where that nexthop object leads.
    mutating func put(_ text: String, nhid: UInt32, metric: UInt32 = 1_024) throws {
        let prefix = try Prefix(text)
        var fields = RouteInfo.Fields()
        fields.nextHopID = nhid
        _ = tell(prefix, shared(fields), metric, .own(.other))
    }

    mutating func check(_ check: NextHopCheck) {
        sequence = sequence.next
        var settings = NamespaceSettings()
        settings.nextHopCheck = check
        model.take(.namespace(name: "default", settings), sequence, now * 1_000_000)
    }

    mutating func retry(_ text: String) throws {
        let prefix = try Prefix(text)
        guard let table = tables[prefix.family] else { preconditionFailure("no table") }
        model.retry(table, RouteKey(prefix, tos: 0, metric: 0, position: 0), now * 1_000_000)
    }

    mutating func change(_ change: (inout SwitchSettings) -> Void) {
        var settings = model.settings
        change(&settings)
        model.change(settings)
    }

    // MARK: What it says

    /// Lets time pass; everything that is reported by then.
    mutating func reports(after milliseconds: UInt64 = 2) -> [HardwareReport] {
        now += milliseconds
        var all: [HardwareReport] = []
        while let deadline = model.deadline, deadline <= now * 1_000_000 {
            all += model.advance(to: now * 1_000_000, limit: 8)
            model._checkInvariants()
        }
        return all
    }

    /// The same as text: prefix, state and reason; the number of the entry if it isn't that of the present first route.
    mutating func said(after milliseconds: UInt64 = 2) -> [String] {
        reports(after: milliseconds).map { report in
            let prefix = report.key.prefix(report.table.family)
            let isPresent = routes[prefix].map { $0.value.version == report.version && $0.key == report.key } ?? false
            return "\(prefix) \(report.state.name)" + (report.reason.map { ": \($0)" } ?? "")
                + (isPresent ? "" : " (\(report.version.rawValue))")
        }
    }

    // MARK: Values

    private mutating func route(_ prefix: Prefix, _ hops: [String], _ type: RouteType) throws -> RouteInfo {
        try route(prefix, hops.map(hop), type)
    }

    private mutating func route(_ prefix: Prefix, _ hops: [NextHop], _ type: RouteType) throws -> RouteInfo {
        var fields = RouteInfo.Fields()
        fields.type = type
        fields.nextHops = hops
        return shared(fields)
    }

    private mutating func shared(_ fields: RouteInfo.Fields) -> RouteInfo {
        if let known = infos[fields] { return known }
        let info = RouteInfo(fields)
        infos[fields] = info
        return info
    }

    private func placed(
        _ prefix: Prefix, _ info: RouteInfo, _ metric: UInt32, _ version: ChangeSequence
    ) -> PlacedRoute {
        (
            RouteKey(prefix, tos: 0, metric: metric, position: 0x8000),
            StoredRoute(version: version, hash: EntryHash(high: 0, low: 0), info: info.with(metric: metric))
        )
    }
}

/// `192.0.2.1`, `eth0`, or `192.0.2.1@eth0`.
private func hop(_ text: String) -> NextHop {
    let parts = text.split(separator: "@").map(String.init)
    if parts.count == 2 { return NextHop(gateway: try? IPAddress(parts[0]), device: parts[1]) }
    return (try? IPAddress(text)).map { NextHop(gateway: $0) } ?? NextHop(device: text)
}
