internal import ChangeLog
internal import ControlPlane
internal import Routing

/// One result of an entry.
struct SwitchResult: Hashable {
    let entry: Int
    let version: UInt64
}

/// A report that is given later than it could be.
struct HeldReport: Comparable {
    let due: UInt64
    /// The one that was held first is first, of those due at one time.
    let order: UInt64
    let report: HardwareReport
    let result: SwitchResult
    /// What it answers; nil if that is answered already.
    let ticket: Int?

    static func == (a: Self, b: Self) -> Bool { a.due == b.due && a.order == b.order }
    static func < (a: Self, b: Self) -> Bool { a.due != b.due ? a.due < b.due : a.order < b.order }
}

/// Saying what came of entries, with all that can go wrong on the way.
extension SwitchModel {
    /// Reports an entry as it is now.
    ///
    /// - Parameters:
    ///   - ticket: what is answered by that.
    ///   - before: the version that the entry had before, if that is known.
    mutating func tell(_ number: Int, _ ticket: Int?, before: UInt64?, _ now: UInt64) {
        let entry = entries[number]
        let group = groups[entry.group]
        entries[number].told = group.revision
        let reason = entry.state == .failed && group.answer.state != .failed ? failure : group.answer.reason
        let table = tables.identity(entry.table)
        func report(_ version: UInt64) -> HardwareReport {
            HardwareReport(
                table, entry.key, version: ChangeSequence(rawValue: version), state: entry.state, reason: reason)
        }
        let faults = settings.faults
        results += 1
        if isTurn(faults.loseEvery) {
            counters.lost += 1
            if let ticket { window.close(ticket) }
            return
        }
        let result = SwitchResult(entry: number, version: entry.version)
        emit(report(entry.version), result, ticket, now)
        if isTurn(faults.duplicateEvery) {
            counters.duplicated += 1
            emit(report(entry.version), result, nil, now)
        }
        if isTurn(faults.staleEvery), entry.version > 1 {
            // Of an entry that is new to it: what it could have meant by its own number is not there.
            let version = before ?? entry.version - 1
            hold(report(version), SwitchResult(entry: number, version: version), nil, now)
        }
    }

    private func isTurn(_ every: Int) -> Bool { every > 0 && results % every == 0 }

    private mutating func emit(_ report: HardwareReport, _ result: SwitchResult, _ ticket: Int?, _ now: UInt64) {
        if settings.faults.reorders { return hold(report, result, ticket, now) }
        heldOrder += 1
        give(report, result, heldOrder, ticket)
    }

    private mutating func hold(_ report: HardwareReport, _ result: SwitchResult, _ ticket: Int?, _ now: UInt64) {
        let window = UInt64(max(2, 2 * settings.latency.maximum)) * 1_000_000
        heldOrder += 1
        held.insert(
            HeldReport(
                due: now + random.next(through: window), order: heldOrder, report: report, result: result,
                ticket: ticket))
    }

    mutating func release() {
        guard let first = held.removeFirst() else { return }
        give(first.report, first.result, first.order, first.ticket)
    }

    /// What has been overtaken by a later result of the same version is given no more: no one could tell that it isn't the latest,
    /// and would believe it for good.
    private mutating func give(_ report: HardwareReport, _ result: SwitchResult, _ order: UInt64, _ ticket: Int?) {
        if let ticket { window.close(ticket) }
        if !held.isEmpty || !given.isEmpty {
            if given[result] ?? 0 > order { return }
            given[result] = order
            if held.isEmpty { given = [:] }
        }
        output.append(report)
    }
}

/// Going over all entries, because neighbours or links have changed: once for all that changed meanwhile.
struct Sweep {
    private var next = 0
    /// Entries that there were when it last began; those that have come since were judged by what was known then.
    private var size = 0
    /// Entries that are still to be looked at.
    private var remaining = 0
    /// What is answered when it is through.
    var tickets: [Int] = []

    var isUnderWay: Bool { remaining > 0 }

    /// All of them, from the one on that is next.
    mutating func begin(_ count: Int) { (size, remaining) = (count, count) }

    mutating func step() -> Int {
        if next >= size { next = 0 }
        defer { next += 1 }
        remaining -= 1
        return next
    }
}

extension SwitchModel {
    /// - Returns: how many entries it has looked at.
    mutating func look(limit: Int, reports: Int, _ now: UInt64) -> Int {
        var looked = 0
        while looked < limit, sweep.isUnderWay, output.count < reports {
            look(at: sweep.step(), now)
            looked += 1
        }
        if !sweep.isUnderWay { endSweep() }
        return looked
    }

    mutating func endSweep() {
        for ticket in sweep.tickets { window.close(ticket) }
        sweep.tickets = []
    }

    private mutating func look(at number: Int, _ now: UInt64) {
        let entry = entries[number]
        guard entry.marks.contains(.inUse), !entry.marks.contains(.gone),
            entry.told != groups.revision(entry.group)
        else { return }
        let group = groups[entry.group]
        let answer = group.answer
        if entry.state != .none, answer.state != .none, group.wasExcluded(since: entry.told) {
            // It was left to software and is not any more: whoever knows of that waits for an answer.
            attempt(number, now)
            return tell(number, nil, before: nil, now)
        }
        if entry.state == answer.state, answer.reason == nil {
            // It has been something else meanwhile, of which no one was told.
            entries[number].told = groups.revision(entry.group)
            return
        }
        switch (entry.state, answer.state) {
        // What failed was that its nexthops change.
        case (.failed, let state)
        where state != .none && entry.marks.contains(.programmed) && former[number] == nil:
            entries[number].state = state
        case (.failed, let state) where state != .none:
            // It failed for another reason, and still does.
            entries[number].told = groups.revision(entry.group)
            return
        case (.none, let state) where state != .none: attempt(number, now)
        case (_, .none):
            withdraw(number)
            entries[number].marks.remove(.waiting)
            entries[number].state = .none
        default: entries[number].state = answer.state
        }
        tell(number, nil, before: nil, now)
    }
}
