public import ChangeLog
public import Routing
internal import Threads

extension ControlPlane {
    /// Takes what a device says of entries, each for itself. An entry that isn't there any more is stale (R3-02, R3-03), one of
    /// which the same was said before unchanged (R3-04); anything else is a change with a number, which is told and not
    /// stored. Routes of the prefix that are no longer the first lose what the device had said of them, once their successor
    /// is in hardware (R3-14).
    ///
    /// - Returns: what became of each, in order, and the number of the last change (the head if there was none).
    /// - Throws: ENODEV if the device is gone, EBUSY if more waits for the disk than may.
    public func report(
        _ reports: [HardwareReport], by line: ChangeSequence
    ) throws(FIBError) -> (outcomes: [ReportOutcome], sequence: ChangeSequence) {
        try journal?.admitVolatile()
        var outcomes: [ReportOutcome] = []
        outcomes.reserveCapacity(reports.count)
        var last = log.head
        var writer = StatusWriter()
        while outcomes.count < reports.count {
            let name = reports[outcomes.count].table.namespace
            let rest = reports[outcomes.count...].prefix(Self.reportsAtOnce).prefix { $0.table.namespace == name }
            guard let namespace = try? namespace(name) else {
                outcomes += rest.map { _ in .stale(present: nil) }
                continue
            }
            try gate.withShared { () throws(FIBError) in
                try namespace.state.withLock { (state) throws(FIBError) in
                    guard let device = state.devices.device(line) else {
                        throw FIBError(.enodev, .deviceGone, "the device has gone meanwhile")
                    }
                    // Two passes, as with rows of an import: most leaves are in memory that no cache holds.
                    for report in rest { state.prefetch(report, .branch) }
                    for report in rest { state.prefetch(report, .leaf) }
                    for report in rest {
                        let outcome = take(report, device, &writer, &state)
                        if case .changed(let sequence) = outcome { last = max(last, sequence) }
                        outcomes.append(outcome)
                    }
                }
            }
        }
        committed()
        return (outcomes, last)
    }

    /// Reports that one hold of a namespace's lock takes.
    private static var reportsAtOnce: Int { 64 }

    // MARK: Under the namespace's lock

    private func take(
        _ report: HardwareReport, _ device: Device, _ writer: inout StatusWriter, _ state: inout Namespace.State
    ) -> ReportOutcome {
        guard let index = state.index(of: report.table.family, report.table.id) else { return .stale(present: nil) }
        // The table is looked at where it is: with a copy of it, the change would copy the nodes that lead to the route.
        let route: PlacedRoute
        let key = state.tables[index].table.meant(report.key)
        var isFirst = false
        if let first = state.tables[index].table.first(of: key), first.key.isSameKey(as: key),
            first.value.version == report.version
        {
            (route, isFirst) = (first, true)
        } else {
            let found = state.tables[index].table.routes(of: key)
            guard let present = found.first(where: { $0.value.version == report.version }) else {
                return .stale(present: found.first?.value.version)
            }
            route = present
        }
        let outcome: ReportOutcome
        if let edit = edit(by: report, device, &writer, route, state, isFirst, at: index) {
            if let before = route.value.hardware, let after = edit.hardware, before.isPending(of: device.line) {
                latencies.programmed.observe(microseconds: (after.since - min(after.since, before.since)) * 1_000)
            }
            outcome = .changed(commit(edit, at: index, &state))
        } else {
            outcome = .unchanged
        }
        if isFirst, report.state != .failed { clear(behind: route.key, device, &writer, at: index, &state) }
        return outcome
    }

    /// Nil if the device has said so before.
    private func edit(
        by report: HardwareReport, _ device: Device, _ writer: inout StatusWriter, _ route: PlacedRoute,
        _ state: borrowing Namespace.State, _ isFirst: Bool, at index: Int
    ) -> HardwareEdit? {
        let status: HardwareStatus?
        if report.state == .none, report.reason == nil {
            let said = route.value.hardware?.answers.contains { $0.line == device.line }
            guard said ?? false else { return nil }
            status = writer.status(route.value.hardware, without: device.line, state.devices)
        } else {
            let answer = HardwareStatus.Answer(
                line: device.line, generation: device.generation, state: report.state, reason: report.reason)
            status = writer.status(route.value.hardware, with: answer, state.devices)
            if status == nil { return nil }
        }
        return HardwareEdit(table: state.tables[index].identity, route: route, hardware: status, isFirst: isFirst)
    }

    /// Forgets what the device has said of routes that are displaced, now that it has programmed another one in their place.
    private func clear(
        behind first: RouteKey, _ device: Device, _ writer: inout StatusWriter, at index: Int,
        _ state: inout Namespace.State
    ) {
        var key = first
        while let next = state.tables[index].table.second(of: key) {
            key = next.key
            guard next.value.hardware?.answers.contains(where: { $0.line == device.line }) ?? false else { continue }
            let edit = HardwareEdit(
                table: state.tables[index].identity, route: next,
                hardware: writer.status(next.value.hardware, without: device.line, state.devices), isFirst: false)
            commit(edit, at: index, &state)
        }
    }

    @discardableResult
    func commit(_ edit: HardwareEdit, at index: Int, _ state: inout Namespace.State) -> ChangeSequence {
        let sequence = log.append { state.change(edit, $0) }
        state.apply(edit, at: index)
        return sequence
    }
}

extension Namespace.State {
    fileprivate func prefetch(_ report: HardwareReport, _ stage: PrefetchStage) {
        guard let index = index(of: report.table.family, report.table.id) else { return }
        tables[index].table.prefetch(report.key, stage)
    }
}

/// Makes statuses, of which routes share one that have come to the same by the same reports.
struct StatusWriter {
    private var latest: (old: HardwareStatus?, answer: HardwareStatus.Answer, new: HardwareStatus)?

    /// What a status becomes with a device's answer; nil if it says so already.
    mutating func status(
        _ old: HardwareStatus?, with answer: HardwareStatus.Answer, _ devices: Devices
    ) -> HardwareStatus? {
        if let latest, latest.old === old, latest.answer == answer { return latest.new }
        var answers = devices.answers(in: old).map(\.answer)
        if answers.contains(answer) { return nil }
        answers.removeAll { $0.line == answer.line }
        let new = HardwareStatus(answers + [answer], since: devices.now)
        latest = (old, answer, new)
        return new
    }

    /// What it becomes without one device's answer.
    mutating func status(
        _ old: HardwareStatus?, without line: ChangeSequence, _ devices: Devices
    ) -> HardwareStatus? {
        let answers = devices.answers(in: old).map(\.answer).filter { $0.line != line }
        return answers.isEmpty ? nil : HardwareStatus(answers, since: devices.now)
    }
}
