internal import ChangeLog
internal import ControlPlane
internal import Routing

/// Prefixes for which there was no room. Each is tried again when there is, those that have waited longest first, and not
/// sooner than 100 ms after it failed, twice as long after each further failure, up to 30 s.
struct WaitingPrefixes {
    private static let shortest: UInt64 = 100_000_000
    private static let longest: UInt64 = 30_000_000_000

    struct Place: Comparable {
        let due: UInt64
        let order: UInt64
        let number: Int
        /// Whether it is still the same wait of the same entry.
        let version: UInt64
        let stint: UInt8

        static func == (a: Self, b: Self) -> Bool { a.due == b.due && a.order == b.order }
        static func < (a: Self, b: Self) -> Bool { a.due != b.due ? a.due < b.due : a.order < b.order }
    }

    private var places: [SwitchModel.Resource: Heap<Place>] = [:]
    private var order: UInt64 = 0

    mutating func add(_ number: Int, _ entry: SwitchEntry, _ resource: SwitchModel.Resource, _ now: UInt64) {
        let pause = min(Self.shortest << UInt64(min(entry.attempts, 16)), Self.longest)
        order += 1
        places[resource, default: Heap()].insert(
            Place(due: now + pause, order: order, number: number, version: entry.version, stint: entry.stint))
    }

    /// When the next one may be tried, of those that there is room for.
    func deadline(_ hasRoom: (SwitchModel.Resource) -> Bool) -> UInt64? {
        places.filter { hasRoom($0.key) }.compactMap { $0.value.first?.due }.min()
    }

    /// The next one that may be tried now.
    mutating func take(_ resource: SwitchModel.Resource, _ now: UInt64) -> Place? {
        guard let first = places[resource]?.first, first.due <= now else { return nil }
        return places[resource]?.removeFirst()
    }
}

extension SwitchModel {
    /// Tries one prefix that waits for room, if there is some. False if there is none to try.
    mutating func retryWaiting(_ now: UInt64) -> Bool {
        for resource in Resource.allCases where hasRoom(resource) {
            guard let place = waiting.take(resource, now) else { continue }
            let entry = place.number < entries.end ? entries[place.number] : nil
            if let entry, entry.marks.isSuperset(of: [.inUse, .waiting]), entry.version == place.version,
                entry.stint == place.stint
            {
                counters.retries += 1
                attempt(place.number, now)
                // That there is still no room has been said.
                if entries[place.number].state != .failed || !entries[place.number].marks.contains(.waiting) {
                    tell(place.number, nil, before: nil, now)
                }
            }
            return true
        }
        return false
    }

    // MARK: A deletion that fails in the kernel's simulator (R3-31)

    func isDeletionRefused(_ job: SwitchJob) -> Bool {
        settings.profile == .netdevsim && settings.faults.failsRouteDelete && job.isDeletion
    }

    /// Nexthops were to leave, and everything leaves.
    mutating func refuseDeletion(_ job: SwitchJob, _ now: UInt64) {
        counters.failedDeletes += 1
        flushing = 0
        let number = want(job)
        if entries[number].marks.contains(.programmed) { giveBack(job.table) }
        withdraw(number)
        entries[number].state = .none
        tell(number, job.ticket, before: nil, now)
        remove(number)
    }

    /// Goes on to empty the table. What failed to come in is remembered as that.
    ///
    /// - Returns: how many entries it has looked at.
    mutating func flush(limit: Int, _ now: UInt64) -> Int {
        guard var next = flushing else { return 0 }
        let end = min(next + limit, entries.end)
        let looked = end - next
        while next < end {
            let entry = entries[next]
            if entry.marks.contains(.programmed) {
                let held = former[next] ?? ProgrammedRoute(key: entry.key, version: entry.version, group: entry.group)
                output.append(
                    HardwareReport(
                        tables.identity(entry.table), held.key, version: ChangeSequence(rawValue: held.version),
                        state: .none))
                giveBack(entry.table)
                if entry.state == .failed { withdraw(next) } else { remove(next) }
            }
            next += 1
        }
        flushing = next < entries.end ? next : nil
        return max(looked, 1)
    }
}
