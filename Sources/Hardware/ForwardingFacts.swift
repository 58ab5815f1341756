internal import Addressing
internal import ControlPlane
internal import Routing

/// One way out, wherever it is used: what is resolved, and what is counted as a nexthop.
struct LegName: Hashable, Sendable {
    let namespace: String
    /// Empty if the route named none.
    let device: String
    let gateway: IPAddress?
}

/// What the switch was told of namespaces, links, neighbours and nexthop objects, by which it judges where routes lead.
struct ForwardingFacts {
    struct LinkName: Hashable, Sendable {
        let namespace: String
        let name: String
    }

    struct NextHopName: Hashable, Sendable {
        let namespace: String
        let id: UInt32
    }

    /// One thing that it was told.
    enum Fact: Sendable {
        case nextHop(NextHopName, NextHopObject?)
        case namespace(String, NamespaceSettings?)
        case link(LinkName, isOffloaded: Bool?)
        case neighbour(LegName, NeighbourState?)
    }

    /// What is on a device that hardware leaves alone, or on none that is named.
    enum Path {
        case none, elsewhere, hardware
    }

    private var strict: Set<String> = []
    /// Those that hardware is to leave alone.
    private var excluded: Set<LinkName> = []
    private var neighbours: [LegName: NeighbourState] = [:]
    private var nextHops: [NextHopName: NextHopObject] = [:]

    mutating func learn(_ fact: Fact) {
        switch fact {
        case .namespace(let name, let settings?):
            if settings.nextHopCheck == .strict { strict.insert(name) } else { strict.remove(name) }
        case .namespace(let name, nil):
            strict.remove(name)
            excluded = excluded.filter { $0.namespace != name }
            neighbours = neighbours.filter { $0.key.namespace != name }
            nextHops = nextHops.filter { $0.key.namespace != name }
        case .link(let name, let isOffloaded):
            // One that isn't known counts as offloaded.
            if isOffloaded ?? true { excluded.remove(name) } else { excluded.insert(name) }
        case .neighbour(let name, let state): neighbours[name] = state
        case .nextHop(let name, let object): nextHops[name] = object
        }
    }

    // MARK: Where routes lead

    /// Its legs, none twice: its own, or those of its nexthop object.
    func legs(_ info: RouteInfo, in namespace: String) -> [LegName] {
        var names: [LegName] = []
        for hop in hops(info, namespace) {
            let name = LegName(namespace: namespace, device: hop.device, gateway: hop.gateway)
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private func hops(_ info: RouteInfo, _ namespace: String) -> [NextHop] {
        let id = info.fields.nextHopID
        return id == 0 ? info.nextHops : objects(id, namespace).compactMap(\.leg)
    }

    /// It, or the members of the group that it is.
    private func objects(_ id: UInt32, _ namespace: String) -> [NextHopObject] {
        guard let object = nextHops[NextHopName(namespace: namespace, id: id)] else { return [] }
        if !object.isGroup { return [object] }
        return object.members.compactMap { nextHops[NextHopName(namespace: namespace, id: $0.id)] }
    }

    /// Groups that it is in.
    func groups(with name: NextHopName) -> [UInt32] {
        nextHops.compactMap { other, object in
            other.namespace == name.namespace && object.members.contains { $0.id == name.id } ? object.id : nil
        }
    }

    /// What a route comes to once it is programmed.
    func judge(
        _ info: RouteInfo, in namespace: String, _ legs: [LegName], _ profile: SwitchSettings.Profile
    ) -> NextHopGroup.Answer {
        if profile == .netdevsim { return .init(state: .trap) }
        let paths = legs.map { path(of: $0) }
        if paths.contains(where: { $0 == .elsewhere }), !paths.contains(where: { $0 == .hardware }) {
            return .init(state: .none, reason: "link-not-offloaded")
        }
        switch info.type {
        case .blackhole: return .init(state: .offload)
        case .local, .broadcast, .anycast, .multicast, .unreachable, .prohibit, .throw, .nat, .xresolve:
            return .init(state: .trap)
        case .unicast:
            if info.fields.nextHopID != 0, legs.isEmpty { return judgeLegless(info, namespace) }
            let obstacles = legs.map { obstacle(of: $0) }
            // As long as one leg can be used.
            if obstacles.contains(where: { $0 == nil }) { return .init(state: .offload) }
            return .init(state: .trap, reason: obstacles.first ?? nil)
        }
    }

    private func judgeLegless(_ info: RouteInfo, _ namespace: String) -> NextHopGroup.Answer {
        let id = info.fields.nextHopID
        let isBlackhole = objects(id, namespace).contains { $0.target == .blackhole }
        return isBlackhole ? .init(state: .offload) : .init(state: .trap, reason: "nexthop \(id) is gone")
    }

    private func path(of leg: LegName) -> Path {
        if leg.device.isEmpty { return .none }
        return excluded.contains(LinkName(namespace: leg.namespace, name: leg.device)) ? .elsewhere : .hardware
    }

    /// Why packets can't be sent over the leg; nil if they can.
    private func obstacle(of leg: LegName) -> String? {
        guard let gateway = leg.gateway else { return nil }
        let place = leg.device.isEmpty ? "" : " on \(leg.device)"
        guard let state = neighbours[leg] else {
            return strict.contains(leg.namespace) ? "neighbour \(gateway)\(place) is not known" : nil
        }
        return state.isValid ? nil : "neighbour \(gateway)\(place) is \(state.name)"
    }
}
