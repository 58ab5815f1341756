internal import Addressing
internal import ControlPlane
internal import Routing

/// How the kernel's simulator counts, before anything is programmed: each route that becomes the first of its prefix takes a
/// place at once, and what turns out to have replaced another one gives it back later (R3-26). So at the limit even a
/// replacement is refused.
struct SwitchAccount {
    private(set) var counts = SwitchModel.FamilyCounts()
    private(set) var rules = SwitchModel.FamilyCounts()
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

    mutating func giveBack(_ places: SwitchModel.FamilyCounts) {
        for family in AddressFamily.allCases { giveBack(places[family], family) }
    }

    /// Never below none.
    private mutating func giveBack(_ places: Int, _ family: AddressFamily) {
        counts[family] = max(0, counts[family] - places)
    }

    private static func name(_ family: AddressFamily) -> String { family == .inet ? "IPv4" : "IPv6" }
}
