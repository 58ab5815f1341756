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

/// What the switch was told of namespaces, links and neighbours, by which it judges where routes lead.
struct ForwardingFacts {
    struct LinkName: Hashable, Sendable {
        let namespace: String
        let name: String
    }

    /// One thing that it was told.
    enum Fact: Sendable {
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

    mutating func learn(_ fact: Fact) {
        switch fact {
        case .namespace(let name, let settings?):
            if settings.nextHopCheck == .strict { strict.insert(name) } else { strict.remove(name) }
        case .namespace(let name, nil):
            strict.remove(name)
            excluded = excluded.filter { $0.namespace != name }
            neighbours = neighbours.filter { $0.key.namespace != name }
        case .link(let name, let isOffloaded):
            // One that isn't known counts as offloaded.
            if isOffloaded ?? true { excluded.remove(name) } else { excluded.insert(name) }
        case .neighbour(let name, let state): neighbours[name] = state
        }
    }

    /// What a route comes to once it is programmed.
    func judge(_ info: RouteInfo, _ legs: [LegName], _ profile: SwitchSettings.Profile) -> NextHopGroup.Answer {
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
            let obstacles = legs.map { obstacle(of: $0) }
            // As long as one leg can be used.
            if obstacles.contains(where: { $0 == nil }) { return .init(state: .offload) }
            return .init(state: .trap, reason: obstacles.first ?? nil)
        }
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
