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

    /// What it means for a route that it is the first of its prefix no longer: it keeps what it has in hardware until its
    /// successor is there (R3-14). Nil if nothing.
    func displace(_ best: BestChange, at index: Int) -> HardwareEdit? {
        guard !devices.isEmpty, case .displaced(let old) = best else { return nil }
        let present = devices.answers(in: old.value.hardware).map(\.answer)
        let kept = present.filter { $0.state != .pending && $0.state != .none }
        if kept == present { return nil }
        return HardwareEdit(
            table: tables[index].identity, route: (old.key, old.value),
            hardware: kept.isEmpty ? nil : HardwareStatus(kept, since: devices.now), isFirst: false)
    }

    /// What it means for a route that it moves up: it is pending, whatever it had. Its successor may have come into hardware
    /// before it went, of which the report is void when it comes. Nil if nothing.
    ///
    /// This is to be told before the change that moves it up, so that no one sees it as the first with an answer of before.
    mutating func promote(_ best: inout BestChange, at index: Int) -> HardwareEdit? {
        guard !devices.isEmpty, case .promoted(let next) = best else { return nil }
        let table = tables[index].identity
        let pending =
            isForHardware(next.value.info)
            ? devices.pending(table, next.key, next.value.info, &latestPending) : nil
        if (pending?.answers ?? []) == devices.answers(in: next.value.hardware).map(\.answer) { return nil }
        best = .promoted(.init((next.key, next.value.with(pending))))
        return HardwareEdit(table: table, route: (next.key, next.value), hardware: pending, isFirst: false)
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
