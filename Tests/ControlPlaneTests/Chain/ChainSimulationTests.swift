import Addressing
import ChangeLog
import Routing
import ServiceSupport
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// Members that join when they like, are slow, refuse, fail their dump or leave, while writers go on, also in the middle of
/// dumps: after each registration, and at the end, a member holds what there is (R2-40).
@Suite struct ChainSimulationTests {
    @Test("Whatever members and writers do, each member holds the first route of every prefix of its scope")
    func schedules() {
        let count = environmentNumber("FIBD_SCHEDULES") ?? 1_000
        var totals = ChainSchedule.Totals()
        for seed in 1...count {
            let schedule = ChainSchedule(seed: seed)
            schedule.run()
            totals.add(schedule.totals)
            if let complaint = schedule.complaint {
                Issue.record("seed \(seed): \(complaint)")
                return
            }
        }
        // All that could happen did.
        #expect(totals.registered > 0 && totals.busy > 0 && totals.repeated > 0 && totals.failed > 0)
        #expect(totals.fellBehind > 0 && totals.refused > 0 && totals.withdrawn > 0)
    }
}

/// One run of everything that a seed decides. Writers and registrations are steps of one thread, so that a seed repeats.
final class ChainSchedule: @unchecked Sendable {
    // SAFETY: all is touched by the thread that runs it, on which `whileReplaying` is called as well.
    struct Totals {
        var registered = 0
        var repeated = 0
        var busy = 0
        var failed = 0
        var fellBehind = 0
        var refused = 0
        var withdrawn = 0

        mutating func add(_ other: Totals) {
            registered += other.registered
            repeated += other.repeated
            busy += other.busy
            failed += other.failed
            fellBehind += other.fellBehind
            refused += other.refused
            withdrawn += other.withdrawn
        }
    }

    private static let dumpFails = FIBError(.enobufs, .tooManyRoutes, "the dump fails as the plan says")

    private(set) var complaint: String?
    private(set) var totals = Totals()
    private var random: SeededGenerator
    private var writer: RandomWriter
    private let plane: ControlPlane
    private var members: [(mirror: ChainMirror, door: WorkQueue<Void>?)] = []
    /// In percent: how often something is written between two entries of a dump, and how often a dump fails there.
    private var disturbance = 0
    private var dumpFailure = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        writer = RandomWriter(seed: seed &* 7_919)
        var limits = ControlPlane.Limits(logBytes: 1 << 20)
        limits.chainBacklog = chance(30, &random) ? 4 : 1 << 20
        plane = ControlPlane(limits: limits)
    }

    func run() {
        for _ in 0..<40 where complaint == nil {
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1: join()
            case 2: leaveOrReturn()
            case 3: for (_, door) in members { _ = door?.put(()) }
            default: write()
            }
        }
        finish()
    }

    private func write() {
        for _ in 0..<Int.random(in: 1..<4, using: &random) { writer.step(plane) }
    }

    private func join() {
        guard members.count < 4 else { return }
        let door = chance(40, &random) ? WorkQueue<Void>(capacity: .max) : nil
        let scope: ChainScope = chance(50, &random) ? .all : .namespace("default")
        // By the route alone, so that the same is refused again.
        let refusal = chance(40, &random) ? UInt64.random(in: 2..<9, using: &random) : .max
        let mirror = ChainMirror(
            "member-\(members.count)", scope, door: door,
            refuses: { event in event.table.family == .inet && event.route.hash.low % refusal == 1 },
            whileReplaying: { () throws(FIBError) in try self.disturb() })
        members.append((mirror, door))
        register(mirror)
    }

    private func register(_ mirror: ChainMirror) {
        mirror.forget()
        disturbance = [0, 0, 5, 30, 100].randomElement(using: &random) ?? 0
        dumpFailure = chance(15, &random) ? 10 : 0
        let before = mirror.now.dumpsInconsistent
        do throws(FIBError) {
            let attempts = try plane.register(mirror, scope: mirror.scope)
            totals.registered += 1
            totals.repeated += attempts > 1 ? 1 : 0
            check(mirror.now.dumpsInconsistent - before == attempts - 1, "callbacks don't count the failed attempts")
        } catch {
            switch error.errno {
            case .ebusy:
                totals.busy += 1
                check(mirror.now.dumpsInconsistent - before == 5, "EBUSY without five callbacks")
                check(mirror.now.firsts.isEmpty, "something is left after the last callback")
            case .enobufs: totals.failed += 1
            default: check(false, "\(error)")
            }
            mirror.forget()
        }
    }

    /// Between two entries of a dump.
    private func disturb() throws(FIBError) {
        if chance(dumpFailure, &random) { throw Self.dumpFails }
        if chance(disturbance, &random) { writer.step(plane) }
    }

    private func leaveOrReturn() {
        guard let (mirror, _) = members.randomElement(using: &random) else { return }
        if plane.chain.contains(mirror) {
            // One that waits at its door would never leave.
            guard members.first(where: { $0.mirror === mirror })?.door == nil else { return }
            plane.unregister(mirror)
        } else {
            register(mirror)
        }
    }

    private func finish() {
        for (_, door) in members { door?.close() }
        write()
        for (mirror, _) in members {
            // Its queue first, so that it knows by then whether it has fallen behind.
            check(eventually { self.hasHeardAll(mirror) }, "\(mirror.name) isn't told all of it")
            if mirror.now.isBehind { totals.fellBehind += 1 }
            if plane.chain.contains(mirror) { compare(mirror) }
            totals.withdrawn += mirror.now.withdrawn
            for complaint in mirror.now.complaints { check(false, complaint) }
            plane.unregister(mirror)
        }
        // They know the schedule, and it them.
        members = []
        totals.refused += refusals()
    }

    private func hasHeardAll(_ mirror: ChainMirror) -> Bool {
        guard plane.chain.contains(mirror) else { return true }
        return plane.chain.backlog.allSatisfy { $0.name != mirror.name || $0.count == 0 } && holdsAll(mirror)
    }

    private func holdsAll(_ mirror: ChainMirror) -> Bool {
        mirror.now.firsts == firsts(mirror.scope) && mirror.now.rules == rules(mirror.scope)
            && mirror.now.nextHops == nextHops(mirror.scope)
    }

    private func rules(_ scope: ChainScope) -> Set<String> {
        let all = EventFilter.everything.objects(of: plane.snapshot())
        let rules = all.filter { scope.includes($0.namespace) }.compactMap { object in
            object.rule.map { "\(object.namespace) \($0.rule)" }
        }
        return Set(rules)
    }

    private func nextHops(_ scope: ChainScope) -> [String: NextHopObject] {
        let all = EventFilter.everything.objects(of: plane.snapshot()).filter { scope.includes($0.namespace) }
        return all.reduce(into: [:]) { found, object in
            if let nextHop = object.nextHop { found["\(object.namespace) \(nextHop.id)"] = nextHop }
        }
    }

    private func compare(_ mirror: ChainMirror) {
        let held = mirror.now.firsts
        let there = firsts(mirror.scope)
        for (place, first) in there where held[place] != first {
            check(false, "\(mirror.name) holds \(String(describing: held[place])) of \(place), not \(first)")
        }
        check(mirror.now.rules == rules(mirror.scope), "\(mirror.name) holds other rules than there are")
        check(mirror.now.nextHops == nextHops(mirror.scope), "\(mirror.name) holds other nexthops than there are")
        for place in held.keys where there[place] == nil {
            check(false, "\(mirror.name) holds \(place), which is gone")
        }
    }

    private func firsts(_ scope: ChainScope) -> [ChainMirror.Place: ChainMirror.First] {
        var result: [ChainMirror.Place: ChainMirror.First] = [:]
        var walk = RouteWalk(plane.snapshot(), RouteSelection(), firstsOnly: true)
        while let (table, route) = walk.next() {
            guard scope.includes(table.namespace) else { continue }
            let info = route.value.info
            result[.init(RouteEvent(table, route.key, route.value))] = .init(
                metric: route.key.metric, tos: route.key.tos, type: info.type, hops: info.nextHops,
                nextHopID: info.fields.nextHopID)
        }
        return result
    }

    /// Whether someone refuses what is tried now: of each schedule once.
    private func refusals() -> Int {
        let strict = ChainMirror(
            "strict", .all, door: nil, refuses: { _ in true }, whileReplaying: { () throws(FIBError) in })
        guard (try? plane.register(strict, scope: .all)) != nil else { return 0 }
        defer { plane.unregister(strict) }
        let head = plane.log.head
        let write = try? routeWrite(plane, "198.18.0.0/15", metric: 1, ["eth1"])
        let isRefused = write.map { write in (try? plane.write(.add, write)) == nil } ?? false
        check(isRefused && plane.log.head == head, "a refused write left something")
        return isRefused ? 1 : 0
    }

    private func check(_ holds: Bool, _ what: String) {
        if !holds { complaint = complaint ?? what }
    }
}

private func chance(_ percent: Int, _ random: inout SeededGenerator) -> Bool {
    Int.random(in: 0..<100, using: &random) < percent
}
