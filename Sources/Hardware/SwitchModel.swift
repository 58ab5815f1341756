internal import Addressing
public import ChangeLog
public import ControlPlane
public import Routing

/// What a simulated switch does, as a pure state machine: it is told what happens and what time it is, and gives the reports
/// that are due. The same inputs give the same reports.
///
/// Programming is a pipeline: what comes is done a drawn latency after it came, and never before what came earlier. Times are
/// in nanoseconds of any clock that doesn't go back.
public struct SwitchModel {
    public internal(set) var counters = SwitchCounters()
    var settings: SwitchSettings
    var random: SwitchRandom

    // What it was told.
    var queue = Queue<SwitchJob>()
    var facts = Queue<ForwardingFacts.Fact>()
    var lastDue: UInt64 = 0
    var window = AnswerWindow()

    // What it holds.
    var tables = TableNames()
    var groups = NextHopGroups()
    var entries = EntryTable()
    var known = ForwardingFacts()
    /// Of prefixes whose present route could not be programmed: the one that hardware has in its place.
    var former: [Int: ProgrammedRoute] = [:]
    var prefixes = FamilyCounts()

    // What is to be looked at again.
    var waiting = WaitingPrefixes()
    var sweep = Sweep()
    /// With how many legs in hardware, and by which limit, groups that lead elsewhere by now last found no room.
    var crowded = (legs: Int.max, limit: 0)
    /// The next entry that a flush of everything comes to (R3-31).
    var flushing: Int?

    /// Of the job that is being done: why it failed, and the version that it takes the place of.
    var failure = ""
    var versionBefore: UInt64?

    // What is to be reported.
    var results = 0
    var programmings = 0
    var held = Heap<HeldReport>()
    var heldOrder: UInt64 = 0
    /// While some are held: which result of an entry was given last.
    var given: [SwitchResult: UInt64] = [:]
    var output: [HardwareReport] = []
    /// Places that the account of the profile `netdevsim` gets back (R3-26).
    var givenBack = FamilyCounts()

    public init(_ settings: SwitchSettings) {
        self.settings = settings
        random = SwitchRandom(seed: settings.seed)
    }

    /// A number for each family.
    struct FamilyCounts: Hashable {
        var ipv4 = 0
        var ipv6 = 0

        subscript(family: AddressFamily) -> Int {
            get { family == .inet ? ipv4 : ipv6 }
            set { if family == .inet { ipv4 = newValue } else { ipv6 = newValue } }
        }
    }

    /// A route as hardware has it.
    struct ProgrammedRoute {
        let key: RouteKey
        let version: UInt64
        let group: UInt32
    }

    // MARK: Looking at it

    /// Everything that it was told up to this number has been answered by reports that it gave, or needed none.
    public var processed: ChangeSequence { window.mark }

    /// Jobs that are to be done, and results that are held back.
    public var queueLength: Int { queue.count + held.count }

    /// What is in hardware. Of the profile `netdevsim`, whose account is not the model's, see `SwitchAccount`.
    public var occupancy: SwitchOccupancy {
        var occupancy = SwitchOccupancy()
        (occupancy.ipv4, occupancy.ipv6) = (prefixes.ipv4, prefixes.ipv6)
        occupancy.nexthops = groups.programmedLegs
        return occupancy
    }

    /// What its entries occupy, in bytes, without nexthop groups.
    public var entryBytes: Int { entries.bytes }

    // MARK: Telling it

    /// It was told this when it registered, or because it has changed; `sequence` is zero for what is replayed.
    public mutating func take(_ event: ChainEvent, _ sequence: ChangeSequence, _ now: UInt64) {
        switch event {
        case .route(let event): take(event, sequence, now)
        // What a leg's link does, the link tells; a device decides by neighbours. Rules are left to software.
        case .rule, .nextHops: window.close(window.open(sequence))
        case .namespace(let name, let settings): learn(.namespace(name, settings), sequence, now)
        case .link(let namespace, let name, let link):
            let isOffloaded = link?.isOffloaded
            learn(.link(.init(namespace: namespace, name: name), isOffloaded: isOffloaded), sequence, now)
        case .nextHopObject(let namespace, let id, let object):
            learn(.nextHop(.init(namespace: namespace, id: id), object), sequence, now)
        case .neighbour(let namespace, let device, let address, let neighbour):
            let leg = LegName(namespace: namespace, device: device, gateway: address)
            learn(.neighbour(leg, neighbour?.state), sequence, now)
        }
    }

    /// It was told everything up to here.
    public mutating func joined(at sequence: ChangeSequence) { window.close(window.open(sequence)) }

    /// The route of a prefix is to be programmed once more, whatever came of it.
    public mutating func retry(_ table: TableIdentity, _ key: RouteKey, _ now: UInt64) {
        var job = SwitchJob(.retry, due: dueTime(now), ticket: window.open(.zero))
        job.key = key
        job.table = tables.retain(table)
        queue.append(job)
    }

    /// It behaves like this from now on. What is in hardware stays there, also without room; another profile is for `restart`.
    public mutating func change(_ settings: SwitchSettings) {
        if settings.seed != self.settings.seed { random = SwitchRandom(seed: settings.seed) }
        self.settings = settings
    }

    /// Forgets everything but its counters and how far it had come: a replay follows.
    public mutating func restart(_ settings: SwitchSettings) {
        var fresh = SwitchModel(settings)
        fresh.counters = counters
        fresh.window = window
        fresh.window.forget()
        self = fresh
    }

    // MARK: Its clock

    /// When there is something to do again, at the earliest; nil if only when it is told something.
    public var deadline: UInt64? {
        if flushing != nil || sweep.isUnderWay || mayRelink { return 0 }
        return [queue.first?.due, held.first?.due, waiting.deadline { hasRoom($0) }].compactMap { $0 }.min()
    }

    /// Does what is due, until it has `limit` reports or a little more; the next call goes on if the deadline has passed.
    public mutating func advance(to now: UInt64, limit: Int = 256) -> [HardwareReport] {
        var slots = Self.slotsAtOnce
        // First, so that it gets on beside any number of jobs.
        if sweep.isUnderWay { slots -= look(limit: slots / 4, reports: limit / 2, now) }
        while output.count < limit, slots > 0 {
            if flushing != nil {
                slots -= flush(limit: min(limit, slots), now)
            } else if let first = held.first, first.due <= now {
                release()
            } else if let job = queue.first, job.due <= now {
                _ = queue.removeFirst()
                run(job, now)
            } else if mayRelink {
                retryOutdated()
            } else if retryWaiting(now) {
                continue
            } else if sweep.isUnderWay {
                slots -= look(limit: slots, reports: limit, now)
            } else {
                break
            }
        }
        defer { output = [] }
        return output
    }

    /// Entries that one call looks at, at most, when it goes over all of them.
    private static var slotsAtOnce: Int { 16_384 }

    /// When something is done that comes now (R3-24): never before what came earlier.
    mutating func dueTime(_ now: UInt64, isInstant: Bool = false) -> UInt64 {
        let latency = settings.latency
        var delay: UInt64 = 0
        switch settings.profile {
        case .asic:
            let spread = UInt64(latency.maximum - latency.minimum) * 1_000_000
            delay = UInt64(latency.minimum) * 1_000_000 + (spread > 0 ? random.next(through: spread) : 0)
        // R3-21, R3-23: deletions and what is appended take no time.
        case .netdevsim: delay = isInstant ? 0 : UInt64(latency.maximum) * 1_000_000
        }
        lastDue = max(lastDue, now + delay)
        return lastDue
    }

    /// Behind what came earlier, and without further delay.
    mutating func dueAtOnce(_ now: UInt64) -> UInt64 {
        lastDue = max(lastDue, now)
        return lastDue
    }
}
