internal import Addressing
internal import Routing

/// What the routes of one `RouteInfo` have in common in hardware: where they lead, and what comes of that.
struct NextHopGroup {
    /// What a route of the group is once it is programmed: `offload` or `trap`; or `none`, not for hardware.
    struct Answer: Hashable {
        var state: HardwareState
        var reason: String?
    }

    let info: RouteInfo
    let namespace: String
    /// Numbers of its legs, none twice: as hardware has them, if it has it.
    var legs: [UInt32]
    /// Entries and jobs that speak of it.
    var uses = 1
    /// Prefixes that are in hardware with it.
    var programmed = 0
    var answer: Answer
    /// Moves with the answer.
    var revision: UInt32 = 1
    /// With which one it was last not for hardware.
    var excludedRevision: UInt32 = 0

    /// What its routes name, if they name one.
    var object: ForwardingFacts.NextHopName? {
        let id = info.fields.nextHopID
        return id == 0 ? nil : .init(namespace: namespace, id: id)
    }

    /// Whether it was not for hardware at some time after that revision.
    func wasExcluded(since revision: UInt32) -> Bool { Int32(bitPattern: excludedRevision &- revision) > 0 }
}

/// The nexthop groups of a switch, as numbers, and the legs that they share.
struct NextHopGroups {
    private struct Leg {
        let name: LegName
        var groups: Set<UInt32> = []
        /// Of these, how many have a prefix in hardware.
        var programmed = 0
    }

    private var groups: [NextHopGroup?] = []
    private var freeGroups: [UInt32] = []
    private var numbers: [ObjectIdentifier: UInt32] = [:]
    private var legs: [Leg?] = []
    private var freeLegs: [UInt32] = []
    private var legNumbers: [LegName: UInt32] = [:]
    /// Legs of prefixes in hardware.
    private(set) var programmedLegs = 0
    /// By the nexthop object that they lead to.
    private var ofObjects: [ForwardingFacts.NextHopName: Set<UInt32>] = [:]
    /// Groups in hardware that lead elsewhere by now, for which there was no room.
    private(set) var outdated: Set<UInt32> = []
    private var latest: (info: RouteInfo, number: UInt32)?

    subscript(number: UInt32) -> NextHopGroup {
        guard let group = groups[Int(number)] else { preconditionFailure("group \(number) is not in use") }
        return group
    }

    func revision(_ number: UInt32) -> UInt32 { groups[Int(number)]?.revision ?? 0 }

    var count: Int { numbers.count }

    /// One use more. A new one comes to what it does by these facts.
    mutating func retain(
        _ info: RouteInfo, in namespace: String, _ facts: ForwardingFacts, _ profile: SwitchSettings.Profile
    ) -> UInt32 {
        if let latest, latest.info === info {
            retain(latest.number)
            return latest.number
        }
        if let number = numbers[ObjectIdentifier(info)] {
            latest = (info, number)
            retain(number)
            return number
        }
        let number = freeGroups.popLast() ?? UInt32(groups.count)
        if Int(number) == groups.count { groups.append(nil) }
        let names = facts.legs(info, in: namespace)
        let legs = names.map { join($0, number) }
        groups[Int(number)] = NextHopGroup(
            info: info, namespace: namespace, legs: legs,
            answer: facts.judge(info, in: namespace, names, profile))
        if let object = groups[Int(number)]?.object { ofObjects[object, default: []].insert(number) }
        numbers[ObjectIdentifier(info)] = number
        latest = (info, number)
        return number
    }

    mutating func retain(_ number: UInt32) { groups[Int(number)]?.uses += 1 }

    mutating func release(_ number: UInt32) {
        groups[Int(number)]?.uses -= 1
        guard let group = groups[Int(number)], group.uses == 0 else { return }
        precondition(group.programmed == 0, "a group in hardware that no one speaks of")
        for leg in group.legs { leave(leg, number) }
        numbers[ObjectIdentifier(group.info)] = nil
        if let object = group.object {
            ofObjects[object]?.remove(number)
            if ofObjects[object]?.isEmpty ?? false { ofObjects[object] = nil }
        }
        outdated.remove(number)
        groups[Int(number)] = nil
        freeGroups.append(number)
        if latest?.number == number { latest = nil }
    }

    // MARK: What is in hardware

    /// A prefix is in hardware with this group.
    mutating func enter(_ number: UInt32) {
        groups[Int(number)]?.programmed += 1
        guard let group = groups[Int(number)], group.programmed == 1 else { return }
        count(1, group.legs)
    }

    /// One prefix less.
    mutating func leave(_ number: UInt32) {
        groups[Int(number)]?.programmed -= 1
        guard let group = groups[Int(number)], group.programmed == 0 else { return }
        count(-1, group.legs)
    }

    /// Legs that would come into hardware with a prefix of this group.
    func additionalLegs(_ number: UInt32) -> Int {
        self[number].legs.count { legs[Int($0)]?.programmed == 0 }
    }

    // MARK: Nexthop objects

    /// Groups whose routes name one of these objects.
    func groups(of ids: [UInt32], in namespace: String) -> Set<UInt32> {
        ids.reduce(into: Set()) { $0.formUnion(ofObjects[.init(namespace: namespace, id: $1)] ?? []) }
    }

    /// The group leads over these legs now. False if hardware has it and there is no room for them: it keeps the former ones.
    mutating func relink(_ number: UInt32, _ names: [LegName], limit: Int) -> Bool {
        let (former, isProgrammed) = (self[number].legs, self[number].programmed > 0)
        if former.compactMap({ legs[Int($0)]?.name }) == names {
            outdated.remove(number)
            return true
        }
        let joined = names.map { join($0, number) }
        let fresh = isProgrammed ? joined.count { legs[Int($0)]?.programmed == 0 } : 0
        let freed = isProgrammed ? former.count { legs[Int($0)]?.programmed == 1 && !joined.contains($0) } : 0
        guard fresh == 0 || programmedLegs + fresh - freed <= limit else {
            for leg in joined where !former.contains(leg) { leave(leg, number) }
            outdated.insert(number)
            return false
        }
        if isProgrammed {
            count(1, joined)
            count(-1, former)
        }
        groups[Int(number)]?.legs = joined
        for leg in former where !joined.contains(leg) { leave(leg, number) }
        outdated.remove(number)
        return true
    }

    /// A group in hardware leads over these legs, or does no more.
    private mutating func count(_ change: Int, _ numbers: [UInt32]) {
        for leg in numbers {
            let before = legs[Int(leg)]?.programmed ?? 0
            legs[Int(leg)]?.programmed = before + change
            if min(before, before + change) == 0 { programmedLegs += change }
        }
    }

    // MARK: What comes of them

    func legNames(_ number: UInt32) -> [LegName] { self[number].legs.compactMap { legs[Int($0)]?.name } }

    /// Groups that lead over legs which agree.
    func groups(where agrees: (LegName) -> Bool) -> Set<UInt32> {
        legs.reduce(into: Set()) { found, leg in
            if let leg, agrees(leg.name) { found.formUnion(leg.groups) }
        }
    }

    func groups(over name: LegName) -> Set<UInt32> {
        legNumbers[name].flatMap { legs[Int($0)]?.groups } ?? []
    }

    /// Whether that is another answer.
    mutating func answer(_ answer: NextHopGroup.Answer, _ number: UInt32) -> Bool {
        guard groups[Int(number)]?.answer != answer else { return false }
        groups[Int(number)]?.answer = answer
        groups[Int(number)]?.revision &+= 1
        if answer.state == .none, let revision = groups[Int(number)]?.revision {
            groups[Int(number)]?.excludedRevision = revision
        }
        return true
    }

    // MARK: Legs

    private mutating func join(_ name: LegName, _ group: UInt32) -> UInt32 {
        let number: UInt32
        if let known = legNumbers[name] {
            number = known
        } else {
            number = freeLegs.popLast() ?? UInt32(legs.count)
            if Int(number) == legs.count { legs.append(nil) }
            legs[Int(number)] = Leg(name: name)
            legNumbers[name] = number
        }
        legs[Int(number)]?.groups.insert(group)
        return number
    }

    private mutating func leave(_ number: UInt32, _ group: UInt32) {
        legs[Int(number)]?.groups.remove(group)
        guard let leg = legs[Int(number)], leg.groups.isEmpty else { return }
        legNumbers[leg.name] = nil
        legs[Int(number)] = nil
        freeLegs.append(number)
    }
}
