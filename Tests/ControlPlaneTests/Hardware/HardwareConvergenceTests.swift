import Addressing
import ChangeLog
import Routing
import ServiceSupport
import TestSupport
import Testing

@testable import ControlPlane

/// Whatever writers and devices do, who applies deltas and changes of devices knows the state of every route.
@Suite struct HardwareConvergenceTests {
    @Test(
        "States that are followed are those that are there, in both views and for a part of the routes",
        arguments: UInt64(1)...10)
    func follows(seed: UInt64) {
        var world = HardwareWorld(seed: seed)
        var filters = [EventFilter(), EventFilter(), EventFilter()]
        filters[1].view = .best
        filters[2].selection.protocols = [.static, .bgp]
        let start = world.plane.snapshot()
        var followers = filters.map { HardwareFollower($0, start) }
        var position = start.sequence
        for step in 0..<600 {
            world.step()
            if step % 20 != 0 { continue }
            let snapshot = world.plane.snapshot()
            while position < snapshot.sequence, let run = world.plane.log.read(after: position), let last = run.last {
                for change in run where change.sequence <= snapshot.sequence {
                    for index in followers.indices { followers[index].apply(change) }
                }
                position = min(last.sequence, snapshot.sequence)
            }
            for follower in followers { follower.compare(snapshot, "seed \(seed), step \(step)") }
        }
        #expect(world.answered > 50 && world.stale > 10 && world.renewals > 5)
    }

    @Test(
        "The difference of two snapshots leads from the states of one to those of the other", arguments: UInt64(1)...6)
    func difference(seed: UInt64) {
        var world = HardwareWorld(seed: seed)
        var filter = EventFilter()
        filter.view = seed % 2 == 0 ? .best : .routes
        for _ in 0..<40 {
            let old = world.plane.snapshot()
            var follower = HardwareFollower(filter, old)
            for _ in 0..<30 { world.step() }
            let new = world.plane.snapshot()
            var walk = SnapshotDifference(from: old, to: new, filter)
            while true {
                let (change, isAtEnd) = walk.next(limit: 7)
                if let change { follower.apply(change, new.devices) }
                if isAtEnd { break }
            }
            follower.compare(new, "seed \(seed)")
        }
    }
}

/// Routes that are written at random, and devices that answer for some of them, late, twice or wrongly.
private struct HardwareWorld {
    let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20))
    private var writer: RandomWriter
    private var random: SeededGenerator
    private var devices: [Device] = []
    /// What devices might answer for.
    private var seen: [(TableIdentity, RouteKey, ChangeSequence)] = []
    private(set) var answered = 0
    private(set) var stale = 0
    private(set) var renewals = 0

    init(seed: UInt64) {
        writer = RandomWriter(seed: seed)
        random = SeededGenerator(seed: seed &* 31)
    }

    mutating func step() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: writer.step(plane)
        case 45..<55: look()
        case 55..<90: report()
        case 90..<94: changeDevices()
        default: renew()
        }
    }

    private mutating func look() {
        seen = seen.suffix(20)
        var walk = RouteWalk(plane.snapshot(), RouteSelection(), firstsOnly: Bool.random(using: &random))
        while let (table, route) = walk.next() { seen.append((table, route.key, route.value.version)) }
    }

    private mutating func report() {
        guard let device = devices.randomElement(using: &random), !seen.isEmpty else { return }
        let states: [HardwareState] = [.offload, .offload, .trap, .failed, .offloadAndTrap]
        let reports = (0..<Int.random(in: 1..<6, using: &random)).compactMap { _ in
            seen.randomElement(using: &random).map { table, key, version in
                HardwareReport(
                    table, key, version: version, state: states.randomElement(using: &random) ?? .offload)
            }
        }
        for outcome in (try? plane.report(reports, by: device.line).outcomes) ?? [] {
            switch outcome {
            case .changed: answered += 1
            case .stale: stale += 1
            case .unchanged: break
            }
        }
    }

    private mutating func changeDevices() {
        if devices.count == 3 || devices.count > 0 && Bool.random(using: &random) {
            plane.removeDevice(devices.remove(at: Int.random(in: 0..<devices.count, using: &random)).line)
            return
        }
        var selection = RouteSelection()
        if Bool.random(using: &random) { selection.families = [.inet] }
        if Bool.random(using: &random) { selection.namespaces = ["default"] }
        devices.append(plane.addDevice("d\(Int.random(in: 0..<5, using: &random))", selection))
    }

    private mutating func renew() {
        guard let index = devices.indices.randomElement(using: &random),
            let renewed = plane.restartDevice(devices[index].line)
        else { return }
        devices[index] = renewed
        renewals += 1
    }
}

/// What a client knows: of each entry the answer of each device, as deltas show them.
private struct HardwareFollower {
    private let filter: EventFilter
    /// By version, which no two entries share.
    private var answers: [ChangeSequence: [ChangeSequence: HardwareState]] = [:]
    private var devices: Devices

    init(_ filter: EventFilter, _ snapshot: Snapshot) {
        self.filter = filter
        devices = snapshot.devices
        for (version, status) in Self.rows(snapshot, filter) { answers[version] = Self.shown(status, devices) }
    }

    private static func shown(_ status: HardwareStatus?, _ devices: Devices) -> [ChangeSequence: HardwareState] {
        let shown = devices.answers(in: status).map { ($0.device.line, $0.answer.state) }
        return Dictionary(uniqueKeysWithValues: shown)
    }

    private static func rows(_ snapshot: Snapshot, _ filter: EventFilter) -> [(ChangeSequence, HardwareStatus?)] {
        var walk = RouteWalk(snapshot, filter.selection, firstsOnly: filter.view == .best)
        var rows: [(ChangeSequence, HardwareStatus?)] = []
        while let (_, route) = walk.next() { rows.append((route.value.version, route.value.hardware)) }
        return rows
    }

    mutating func apply(_ change: Change) {
        if case .device(let device) = change.object { devices = device.devices }
        if let selected = filter.select(change) { apply(selected, devices) }
    }

    mutating func apply(_ change: SelectedChange, _ devices: Devices) {
        if let device = change.device {
            for version in answers.keys where answers[version]?[device.device.line] != nil {
                answers[version]?[device.device.line] = device.isGone ? nil : .pending
            }
            return
        }
        if case .route(_, _, let old) = change.old { answers[old.version] = nil }
        if case .route(_, _, let new) = change.new { answers[new.version] = Self.shown(new.hardware, devices) }
    }

    func compare(_ snapshot: Snapshot, _ place: String) {
        let rows = Self.rows(snapshot, filter)
        #expect(answers.count == rows.count, "\(place)")
        for (version, status) in rows {
            let known = answers[version]?.values.max { $0.severity < $1.severity } ?? HardwareState.none
            let there = snapshot.devices.state(of: status)
            #expect(known == there, "\(place): version \(version.rawValue) in \(filter.view) view")
        }
    }
}
