internal import Addressing
internal import ChangeLog
internal import ControlPlane
internal import Routing

/// Getting routes into hardware and out of it.
extension SwitchModel {
    /// What there is room for.
    enum Resource: CaseIterable {
        case ipv4, ipv6, nexthops

        static func prefixes(_ family: AddressFamily) -> Resource { family == .inet ? .ipv4 : .ipv6 }
    }

    // MARK: Jobs

    mutating func program(_ job: SwitchJob, _ now: UInt64) {
        let number = want(job)
        let before = entries[number].marks.contains(.programmed)
        // The kernel's simulator takes back what it counted for an exchange (R3-26); a failure comes before that (R3-30).
        if settings.profile == .netdevsim, job.isCounted, before, !settings.faults.failsRouteOffload {
            giveBack(job.table)
        }
        attempt(number, now)
        tell(number, job.ticket, before: versionBefore, now)
    }

    mutating func reprogram(_ job: SwitchJob, _ now: UInt64) {
        let isKnown = entries.find(job.table, job.key).map { entries[$0].marks.contains(.programmed) } ?? false
        let number = want(job)
        if settings.profile == .netdevsim {
            // Nexthops that leave are a deletion to its account.
            if job.isDeletion { giveBack(job.table) }
            // R3-22.
            if !isKnown { fail(number, "the entry that nexthops join or leave is not in hardware") }
        }
        if settings.profile == .asic || isKnown { attempt(number, now) }
        tell(number, job.ticket, before: versionBefore, now)
    }

    mutating func delete(_ job: SwitchJob, _ now: UInt64) {
        defer { window.close(job.ticket) }
        if settings.profile == .netdevsim {
            if settings.faults.failsRouteDelete {
                counters.failedDeletes += 1
                flushing = 0
            } else {
                giveBack(job.table)
            }
        }
        // Not known: no harm (R2-13).
        guard let number = entries.find(job.table, job.key) else { return }
        let isProgrammed = entries[number].marks.contains(.programmed)
        if settings.profile == .asic, settings.faults.failsRouteDelete, isProgrammed {
            counters.failedDeletes += 1
            entries[number].marks.insert(.gone)
            entries[number].marks.remove(.waiting)
            return
        }
        if settings.profile == .netdevsim, settings.faults.failsRouteDelete, isProgrammed { giveBack(job.table) }
        if isProgrammed { counters.deleted += 1 }
        remove(number)
    }

    mutating func retry(_ job: SwitchJob, _ now: UInt64) {
        guard let number = entries.find(job.table, job.key), !entries[number].marks.contains(.gone) else {
            return window.close(job.ticket)
        }
        counters.retries += 1
        attempt(number, now)
        tell(number, job.ticket, before: nil, now)
    }

    // MARK: One entry

    /// The entry of the job's prefix, for the job's route from now on.
    mutating func want(_ job: SwitchJob) -> Int {
        guard let number = entries.find(job.table, job.key) else {
            tables.retain(job.table)
            versionBefore = nil
            return entries.insert(
                SwitchEntry(key: job.key, version: job.version, group: job.group, table: job.table))
        }
        let entry = entries[number]
        versionBefore = entry.version
        // What hardware has until the new one is in its place.
        if entry.marks.contains(.programmed), former[number] == nil {
            former[number] = ProgrammedRoute(key: entry.key, version: entry.version, group: entry.group)
        } else {
            groups.release(entry.group)
        }
        entries[number].key = job.key
        entries[number].version = job.version
        entries[number].group = job.group
        entries[number].attempts = 0
        entries[number].marks.subtract([.waiting, .gone])
        return number
    }

    /// Tries to bring the entry's route into hardware, in the place of what is there for its prefix.
    mutating func attempt(_ number: Int, _ now: UInt64) {
        let entry = entries[number]
        let answer = groups[entry.group].answer
        entries[number].marks.remove(.waiting)
        if answer.state == .none {
            withdraw(number)
            entries[number].state = .none
            return
        }
        programmings += 1
        if answer.state == .failed { return fail(number, answer.reason ?? "") }
        let faults = settings.faults
        if faults.failsRouteOffload { return fail(number, "fail_route_offload is set") }
        if faults.failEvery > 0, programmings % faults.failEvery == 0 { return fail(number, "simulated failure") }
        let family = tables.identity(entry.table).family
        let isProgrammed = entry.marks.contains(.programmed)
        if !isProgrammed, !hasRoom(.prefixes(family)) { return wait(number, .prefixes(family), now) }
        let old = isProgrammed ? former[number]?.group ?? entry.group : nil
        // Its legs may take the place of those of the old one.
        if let old { groups.leave(old) }
        guard groups.programmedLegs + groups.additionalLegs(entry.group) <= limit(.nexthops) else {
            if let old { groups.enter(old) }
            return wait(number, .nexthops, now)
        }
        groups.enter(entry.group)
        if let replaced = former.removeValue(forKey: number) { groups.release(replaced.group) }
        if !isProgrammed { prefixes[family] += 1 }
        counters.programmed += 1
        entries[number].marks.insert(.programmed)
        entries[number].attempts = 0
        entries[number].state = answer.state
    }

    /// Programming was tried and failed. What hardware has for the prefix stays there.
    mutating func fail(_ number: Int, _ reason: String) {
        counters.failed += 1
        entries[number].state = .failed
        failure = reason
    }

    private mutating func wait(_ number: Int, _ resource: Resource, _ now: UInt64) {
        fail(number, fullness(resource))
        entries[number].marks.insert(.waiting)
        entries[number].stint &+= 1
        waiting.add(number, entries[number], resource, now)
        entries[number].attempts = min(entries[number].attempts + 1, 16)
    }

    /// Takes out of hardware what is there for the prefix; the entry stays.
    mutating func withdraw(_ number: Int) {
        let entry = entries[number]
        guard entry.marks.contains(.programmed) else { return }
        let old = former.removeValue(forKey: number)
        groups.leave(old?.group ?? entry.group)
        if let old { groups.release(old.group) }
        prefixes[tables.identity(entry.table).family] -= 1
        entries[number].marks.remove(.programmed)
    }

    mutating func remove(_ number: Int) {
        withdraw(number)
        let entry = entries[number]
        groups.release(entry.group)
        entries.remove(number)
        tables.release(entry.table)
    }

    // MARK: Room

    func occupied(_ resource: Resource) -> Int {
        switch resource {
        case .ipv4: prefixes.ipv4
        case .ipv6: prefixes.ipv6
        case .nexthops: groups.programmedLegs
        }
    }

    /// In the profile `netdevsim`, who has no room refuses beforehand (`SwitchAccount`).
    func limit(_ resource: Resource) -> Int {
        guard settings.profile == .asic else { return .max }
        return switch resource {
        case .ipv4: settings.capacity.ipv4 ?? .max
        case .ipv6: settings.capacity.ipv6 ?? .max
        case .nexthops: settings.capacity.nexthops ?? .max
        }
    }

    /// As a reason.
    func fullness(_ resource: Resource) -> String {
        "\(resource.name) table is full (\(occupied(resource)) of \(limit(resource)))"
    }

    func hasRoom(_ resource: Resource) -> Bool { occupied(resource) < limit(resource) }

    mutating func giveBack(_ table: UInt32) { givenBack[tables.identity(table).family] += 1 }
}

extension SwitchModel.Resource {
    /// As reasons name it.
    var name: String { self == .nexthops ? "nexthop" : "\(self)" }
}
