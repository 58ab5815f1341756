import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import TestSupport
import Threads

@testable import API

/// One schedule of writers, subscribers and what goes wrong with them, all of it from a seed.
struct StreamSchedule {
    private var random: SeededGenerator
    private var writer: RandomWriter
    private let plane: ControlPlane
    private let hub: EventHub
    private let keeper: ListenerKeeper
    /// The hub has asked for another turn.
    private let wakes = Locked(false, rank: .leaf)
    private var subscribers: [SimulatedSubscriber] = []
    private var devices: [Device] = []
    private var now: UInt64 = 1_000_000_000
    /// What each filter selected at some numbers.
    private var truths: [UInt64: [String: Truth]] = [:]
    private(set) var tally = StreamChecker.Tally()
    private(set) var compared = 0

    private struct Truth: Equatable {
        let count: UInt64
        let digest: UInt128

        init(_ summaries: KindSummaries) {
            count = UInt64(summaries.total.count)
            var bytes: [UInt8] = []
            bytes.append(summaries.total.digest)
            digest = UInt128(String(decoding: bytes, as: UTF8.self), radix: 16) ?? 0
        }
    }

    private static let filters: [EventFilter] = ConvergingFilters.all

    init(seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        writer = RandomWriter(seed: seed &* 31)
        plane = ControlPlane(limits: .init(logBytes: [1 << 14, 1 << 16, 1 << 20].randomElement(using: &random) ?? 0))
        var pace = StreamPace()
        // Most go in small steps, so that much comes between them.
        if Int.random(in: 0..<4, using: &random) > 0 {
            pace.turnBytes = Int.random(in: 200...3_000, using: &random)
            pace.pieceBytes = Int.random(in: 100...2_000, using: &random)
            pace.stepBytes = Int.random(in: 100...3_000, using: &random)
            pace.stepTotalBytes = 2 * pace.stepBytes
            pace.stepChanges = Int.random(in: 1...50, using: &random)
        }
        hub = EventHub(
            plane: plane, maximumFilters: Int.random(in: 4...16, using: &random),
            replayCacheBytes: [0, 20_000, 1 << 20].randomElement(using: &random) ?? 0, pace: pace)
        keeper = ListenerKeeper(plane, hub)
        hub.whenStreamsMustWake { [wakes] in wakes.withLock { $0 = true } }
        for _ in 0..<Int.random(in: 10...60, using: &random) { writer.step(plane) }
        for number in 0..<Int.random(in: 2...6, using: &random) {
            let isListener = number == 0 && Bool.random(using: &random)
            let request = request()
            var id: ChangeSequence?
            if isListener {
                let settings = ListenerSettings(
                    name: "observer", role: .observer, filter: request.filter, onOverflow: .reset, leaseSeconds: nil)
                id = try keeper.add(settings).listener.id
            }
            subscribers.append(SimulatedSubscriber(request, listener: id, epoch: plane.epoch))
        }
    }

    private mutating func request() -> EventRequest {
        var request = EventRequest()
        request.filter = Self.filters.randomElement(using: &random) ?? EventFilter()
        request.wire = EventWire(
            format: Bool.random(using: &random) ? .ndjson : .serverSentEvents, isCompressed: chance(1, in: 3))
        request.replays = !chance(1, in: 5)
        request.endsAtSync = chance(1, in: 8)
        request.onOverflow = chance(1, in: 4) ? .close : .reset
        request.heartbeatSeconds = Int.random(in: 1...60, using: &random)
        return request
    }

    private mutating func chance(_ count: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &random) < count }

    /// - Throws: `StreamChecker.Violation`.
    mutating func run() throws {
        for _ in 0..<Int.random(in: 40...120, using: &random) { try step() }
        try settle()
        for subscriber in subscribers {
            try compareAtEnd(subscriber)
            tally += subscriber.checker.tally
            subscriber.cut()
        }
        plane.snapshot()._checkInvariants()
    }

    private mutating func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: write(1)
        case 25..<30: write(Int.random(in: 20...150, using: &random))
        case 30..<36: writeDevices()
        case 36..<60: try serve()
        case 60..<72: try read()
        case 72..<85: try connect()
        case 85..<88: subscribers.randomElement(using: &random)?.cut()
        case 88..<92: subscribers.randomElement(using: &random)?.save()
        case 92..<95: try changeFilter()
        default: now += UInt64.random(in: 0...20_000, using: &random) * 1_000_000
        }
        if chance(1, in: 20) { _ = hub.ageReplays(now) }
    }

    // MARK: What happens

    private mutating func write(_ count: Int) {
        for _ in 0..<count {
            writer.step(plane)
            // A wake may come late, and once for several changes.
            if chance(1, in: 2) { hub.wake() }
        }
        let snapshot = plane.snapshot()
        let filters = Set(subscribers.map(\.request.filter))
        truths[snapshot.sequence.rawValue] = Dictionary(
            uniqueKeysWithValues: filters.map { ($0.digits, Truth($0.summaries(of: snapshot))) })
    }

    private mutating func writeDevices() {
        if devices.isEmpty || devices.count < 3 && chance(1, in: 4) {
            devices.append(plane.addDevice("d\(Int.random(in: 0..<100, using: &random))", RouteSelection()))
        } else if chance(1, in: 4) {
            plane.removeDevice(devices.removeLast().line)
        } else if chance(1, in: 4), let renewed = plane.restartDevice(devices[0].line) {
            devices[0] = renewed
        } else {
            report()
        }
    }

    private mutating func report() {
        guard let device = devices.first else { return }
        var walk = RouteWalk(plane.snapshot(), RouteSelection(), firstsOnly: true)
        var reports: [HardwareReport] = []
        while let (table, route) = walk.next() {
            guard chance(1, in: 3) else { continue }
            reports.append(
                HardwareReport(
                    table, route.key, version: route.value.version, state: chance(1, in: 4) ? .failed : .offload))
        }
        _ = try? plane.report(reports, by: device.line)
    }

    private mutating func serve() throws {
        hub.wake()
        for subscriber in subscribers where subscriber.isDue(now) && chance(2, in: 3) { try subscriber.serve(now) }
    }

    private mutating func read() throws {
        for subscriber in subscribers where chance(1, in: 2) {
            try read(subscriber, chance(1, in: 3) ? Int.random(in: 1...5_000, using: &random) : .max)
        }
    }

    private mutating func read(_ subscriber: SimulatedSubscriber, _ count: Int) throws {
        var compared = 0
        try subscriber.read(count, head: plane.log.head.rawValue) { frame, checker in
            guard frame.event == "sync", let synced = checker.synced else { return }
            guard let truth = truths[synced.sequence]?[checker.digits] else { return }
            compared += 1
            if truth.count != synced.count || truth.digest != synced.digest {
                throw StreamChecker.Violation("the sync at \(synced.sequence) speaks of another state")
            }
        }
        self.compared += compared
    }

    private mutating func connect() throws {
        guard let subscriber = subscribers.randomElement(using: &random) else { return }
        let cursor =
            chance(2, in: 3) ? .own : SimulatedSubscriber.Cursor.allCases.randomElement(using: &random) ?? .none
        _ = try subscriber.connect(cursor, hub, plane)
    }

    private mutating func changeFilter() throws {
        guard let subscriber = subscribers.first, let id = subscriber.listener else { return }
        let filter = Self.filters.randomElement(using: &random) ?? EventFilter()
        guard filter != subscriber.request.filter else { return }
        _ = try keeper.change(id, .none) { $0.filter = filter }
        subscriber.change(filter)
    }

    // MARK: The end

    /// Until no one has anything left to send or to read, with all clients quick and time passing.
    private mutating func settle() throws {
        for _ in 0..<2_000 {
            hub.wake()
            let due = subscribers.filter { $0.isDue(now) }
            for subscriber in due { try subscriber.serve(now) }
            let unread = subscribers.filter(\.hasUnread)
            for subscriber in unread { try read(subscriber, .max) }
            let isAsked = wakes.withLock { wakes in
                defer { wakes = false }
                return wakes
            }
            if due.isEmpty, unread.isEmpty, !isAsked {
                guard let deadline = subscribers.filter({ $0.checker.stage != .deltas }).compactMap(\.deadline).min(),
                    deadline < now + 60_000_000_000
                else { return }
                now = max(now, deadline)
            }
        }
        throw StreamChecker.Violation("streams that never come to rest")
    }

    private mutating func compareAtEnd(_ subscriber: SimulatedSubscriber) throws {
        guard subscriber.isConnected, subscriber.checker.stage == .deltas else { return }
        let checker = subscriber.checker
        let truth = Truth(subscriber.request.filter.summaries(of: plane.snapshot()))
        compared += 1
        guard truth.count == checker.count, truth.digest == checker.digest else {
            throw StreamChecker.Violation(
                "at rest it has \(checker.count) entries, and the server \(truth.count), at \(checker.position) of "
                    + "\(plane.log.head.rawValue), with \(subscriber.request.filter.canonicalText ?? "no filter"); \(subscriber.standing), now \(now)"
            )
        }
    }
}
