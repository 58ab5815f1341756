internal import Addressing
internal import ControlPlane
internal import Routing

extension SwitchModel {
    /// Whether what is counted is what is there. Walks over everything.
    public func _checkInvariants() {
        entries._checkInvariants()
        var counts = FamilyCounts()
        var programmed: [UInt32: Int] = [:]
        var uses: [UInt32: Int] = [:]
        for number in 0..<entries.end where entries[number].marks.contains(.inUse) {
            let entry = entries[number]
            uses[entry.group, default: 0] += 1
            let isProgrammed = entry.marks.contains(.programmed)
            precondition(isProgrammed || former[number] == nil, "a former route that isn't in hardware")
            precondition(!entry.marks.contains(.gone) || isProgrammed, "gone, and not in hardware")
            if let old = former[number] { uses[old.group, default: 0] += 1 }
            guard isProgrammed else { continue }
            counts[tables.identity(entry.table).family] += 1
            programmed[former[number]?.group ?? entry.group, default: 0] += 1
        }
        precondition(counts == prefixes, "\(counts) in hardware, \(prefixes) counted")
        precondition(former.count <= entries.count, "former routes of no entry")
        for index in 0..<queue.count where queue[index].group != .max { uses[queue[index].group, default: 0] += 1 }
        precondition(groups.count == uses.count, "\(groups.count) groups, \(uses.count) spoken of")
        var legs: Set<LegName> = []
        for (number, count) in uses {
            precondition(
                groups[number].uses == count, "group \(number) has \(count) uses, \(groups[number].uses) counted")
            precondition(groups[number].programmed == programmed[number] ?? 0, "group \(number) is miscounted")
            if groups[number].programmed > 0 { legs.formUnion(groups.legNames(number)) }
        }
        precondition(groups.programmedLegs == legs.count, "\(legs.count) legs, \(groups.programmedLegs) counted")
    }
}
