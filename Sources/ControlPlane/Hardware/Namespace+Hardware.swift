internal import Addressing
internal import ChangeLog
internal import Routing

/// A route of which devices are to be told something else, or have said something else.
struct HardwareEdit {
    let table: TableIdentity
    let route: PlacedRoute
    let hardware: HardwareStatus?
    /// Whether it is the first of its prefix.
    let isFirst: Bool
}

extension Namespace.State {
    /// What devices say of the entry that an edit makes: they are yet to program it, if it is the first of its prefix.
    mutating func begin(_ edit: inout RouteEdit, _ best: BestChange, at index: Int) {
        guard !devices.isEmpty, let info = edit.info else { return }
        if case .none = best { return }
        guard isForHardware(info) else { return }
        edit.hardware = devices.pending(tables[index].identity, edit.key, info, &latestPending)
    }

    /// What a change of the first route means for the one that was the first before it, or is so now. Nil if nothing: a
    /// route that was displaced keeps what it has in hardware until its successor is there (R3-14).
    mutating func hardwareOfNeighbour(_ best: BestChange, at index: Int) -> HardwareEdit? {
        if devices.isEmpty { return nil }
        let (neighbour, isFirst): (BestChange.Neighbour, Bool)
        switch best {
        case .none, .own: return nil
        case .displaced(let old): (neighbour, isFirst) = (old, false)
        case .promoted(let next): (neighbour, isFirst) = (next, true)
        }
        let table = tables[index].identity
        let present = devices.answers(in: neighbour.value.hardware).map(\.answer)
        let programmed = present.filter { $0.state != .pending && $0.state != .none }
        var wanted = programmed
        if isFirst, isForHardware(neighbour.value.info) {
            let pending = devices.pending(table, neighbour.key, neighbour.value.info, &latestPending)?.answers ?? []
            wanted += pending.filter { answer in !programmed.contains { $0.line == answer.line } }
            wanted.sort { $0.line < $1.line }
        }
        if wanted == present { return nil }
        return HardwareEdit(
            table: table, route: (neighbour.key, neighbour.value),
            hardware: wanted.isEmpty ? nil : HardwareStatus(wanted, since: devices.now), isFirst: isFirst)
    }

    /// What it means for routes that a link they lead over is for hardware now, or isn't any more.
    func offloadEdits(
        of routes: [(TableIdentity, PlacedRoute)], over device: String
    ) -> [(edit: HardwareEdit, index: Int)] {
        if devices.isEmpty { return [] }
        var latest: HardwareStatus?
        return routes.compactMap { identity, route in
            guard let index = index(of: identity.family, identity.id), route.value.info.leads(over: device),
                let first = tables[index].table.first(of: route.key), first.key == route.key,
                first.value.version == route.value.version
            else { return nil }
            let status = first.value.hardware
            let isKnown = !devices.answers(in: status).isEmpty
            let isForHardware = isForHardware(first.value.info)
            if isKnown == isForHardware { return nil }
            let wanted =
                isForHardware ? devices.pending(identity, first.key, first.value.info, &latest) : nil
            if wanted == nil, status == nil { return nil }
            return (HardwareEdit(table: identity, route: first, hardware: wanted, isFirst: true), index)
        }
    }

    /// False if all links that it leads over are left to software.
    func isForHardware(_ info: RouteInfo) -> Bool {
        if unoffloaded.isEmpty || info.hopCount == 0 { return true }
        return !info.nextHops.allSatisfy { unoffloaded.contains($0.device) }
    }

    mutating func apply(_ edit: HardwareEdit, at index: Int) {
        tables[index].table.set(edit.hardware, for: edit.route)
    }

    func change(_ edit: HardwareEdit, _ sequence: ChangeSequence, _ batch: ChangeBatch? = nil) -> Change {
        let change = HardwareChange(
            edit, from: devices.state(of: edit.route.value.hardware), to: devices.state(of: edit.hardware),
            notifies: edit.table.family == .inet ? settings.notifyOnFlagChangeIPv4 : settings.notifyOnFlagChangeIPv6)
        return Change(sequence: sequence, operation: .flags, object: .hardware(change), batch: batch)
    }
}
