internal import Addressing
internal import ControlPlane
internal import Routing

/// How the kernel's simulator counts, before anything is programmed: each route that becomes the first of its prefix takes a
/// place at once, and what turns out to have replaced another one gives it back later (R3-26). So at the limit even a
/// replacement is refused.
struct SwitchAccount {
    private(set) var counts = SwitchModel.FamilyCounts()
    private(set) var rules = SwitchModel.FamilyCounts()
    private(set) var nextHops = 0
    /// What of that each nexthop object takes.
    private var held: [ForwardingFacts.NextHopName: Int] = [:]
    /// Admitted, and not yet heard of again.
    private var admitted: [NextHopObject: Int] = [:]
    /// Those that held when the device began (R3-25).
    private let capacity: SwitchSettings.Capacity

    init(_ capacity: SwitchSettings.Capacity) { self.capacity = capacity }

    /// What is appended is not counted.
    mutating func admit(_ event: RouteEvent) throws(ChainVeto) {
        guard event.operation == .replace else { return }
        let family = event.table.family
        if let limit = family == .inet ? capacity.ipv4 : capacity.ipv6, counts[family] >= limit {
            throw ChainVeto("its \(Self.name(family)) table is used up (\(counts[family]) of \(limit))")
        }
        counts[family] += 1
    }

    mutating func withdraw(_ event: RouteEvent) {
        guard event.operation == .replace else { return }
        giveBack(1, event.table.family)
    }

    /// R3-27.
    mutating func admit(_ rule: PolicyRule) throws(ChainVeto) {
        let family = rule.family
        if let limit = family == .inet ? capacity.ipv4Rules : capacity.ipv6Rules, rules[family] >= limit {
            throw ChainVeto("its room for \(Self.name(family)) rules is used up (\(rules[family]) of \(limit))")
        }
        rules[family] += 1
    }

    mutating func withdraw(_ rule: PolicyRule) { rules[rule.family] = max(0, rules[rule.family] - 1) }

    /// A single one takes one place, a group the sum of its weights; also where it takes the place of another one, which gives its
    /// own back afterwards (R3-33).
    mutating func admit(_ object: NextHopObject) throws(ChainVeto) {
        let wanted = Self.places(of: object)
        if let limit = capacity.nexthops, nextHops + wanted > limit {
            throw ChainVeto("its nexthop table has no room for \(wanted) more (\(nextHops) of \(limit))")
        }
        nextHops += wanted
        admitted[object, default: 0] += 1
    }

    mutating func withdraw(_ object: NextHopObject) { if leaveAdmitted(object) { nextHops -= Self.places(of: object) } }

    /// It has come about: what was admitted, or a group that has lost a member; or it is gone.
    mutating func settle(_ namespace: String, _ id: UInt32, _ object: NextHopObject?) {
        let name = ForwardingFacts.NextHopName(namespace: namespace, id: id)
        let places = object.map(Self.places) ?? 0
        if let object, leaveAdmitted(object) { nextHops -= places }
        nextHops += places - (held[name] ?? 0)
        held[name] = object == nil ? nil : places
    }

    private mutating func leaveAdmitted(_ object: NextHopObject) -> Bool {
        guard let count = admitted[object] else { return false }
        admitted[object] = count > 1 ? count - 1 : nil
        return true
    }

    private static func places(of object: NextHopObject) -> Int {
        object.isGroup ? object.members.reduce(0) { $0 + Int($1.weight) } : 1
    }

    mutating func giveBack(_ places: SwitchModel.FamilyCounts) {
        for family in AddressFamily.allCases { giveBack(places[family], family) }
    }

    /// Never below none.
    private mutating func giveBack(_ places: Int, _ family: AddressFamily) {
        counts[family] = max(0, counts[family] - places)
    }

    private static func name(_ family: AddressFamily) -> String { family == .inet ? "IPv4" : "IPv6" }
}
