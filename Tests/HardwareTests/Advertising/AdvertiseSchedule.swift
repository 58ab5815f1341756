import Addressing
import ChangeLog
import Routing
import TestSupport

@testable import ControlPlane
@testable import Hardware

/// One run of the simulation: a control plane, two switches and a speaker, and what happens to them, all from a seed. Nothing
/// in it has a thread; time passes when the schedule says so.
struct AdvertiseSchedule {
    /// What must not be, and where.
    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    var random: SeededGenerator
    let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 16 << 20))
    var switches: [LoggedSwitch] = []
    /// Nanoseconds.
    var now: UInt64 = 1_000_000_000
    private var feed = SpeakerFeed()
    private var speaker: Speaker
    private var isCut = false
    private var truth = LogTruth()
    private var truthAt = ChangeSequence.zero
    private var programmed: Set<LoggedSwitch.Programmed> = []
    /// What the control plane's state was at some numbers.
    private var states: [ChangeSequence: [ObjectName: LogTruth.First]] = [:]
    /// Announcements that were looked at, and changes.
    private(set) var checked = 0
    private(set) var changes = 0

    init(seed: UInt64, _ mistake: Speaker.Mistake? = nil) {
        random = SeededGenerator(seed: seed)
        speaker = Speaker(mistake)
    }

    mutating func run(steps: Int = 50) throws {
        switches = [LoggedSwitch("asic0", chance(2) ? SwitchSettings() : settings(), plane)]
        _ = try plane.putNamespace("blue") { $0 ?? NamespaceSettings() }
        try replay()
        for _ in 0..<steps {
            try step()
            note()
            for index in switches.indices where chance(2) { switches[index].hear(number(12), plane, now) }
            now += UInt64(number(4)) * 1_000_000
            for index in switches.indices where chance(2) { try switches[index].report(plane, now, &programmed) }
            note()
            try listen()
        }
        try end()
    }

    private mutating func note() {
        let head = plane.log.head
        if head > truthAt, states[head] == nil { states[head] = LogTruth.firsts(of: plane.snapshot()) }
    }

    // MARK: The speaker

    /// Most of the time it takes some changes; now and then its stream is cut, and goes on later, or begins anew.
    private mutating func listen() throws {
        if isCut {
            if !chance(2) { return }
            if chance(3) { try replay() } else { try resume() }
        } else if chance(20) {
            speaker.cut()
            isCut = true
            if speaker.announced.isEmpty { return }
            throw Violation(description: "\(speaker.announced) is announced without a stream")
        }
        try take(chance(4) ? .max : number(8))
    }

    private mutating func resume() throws {
        isCut = false
        feed.resume(plane, to: &speaker)
        try check("after a cut")
    }

    private mutating func take(_ limit: Int) throws {
        var left = limit
        while left > 0, let run = plane.log.read(after: feed.position), !run.isEmpty {
            for change in run.prefix(left) {
                try apply(change)
                feed.send(change, to: &speaker)
                try check("after change \(change.sequence.rawValue)")
                left -= 1
                changes += 1
            }
        }
    }

    /// It misses what lies between.
    private mutating func replay() throws {
        isCut = false
        feed.replay(plane, to: &speaker)
        while truthAt < feed.position, let run = plane.log.read(after: truthAt) {
            for change in run { try apply(change) }
        }
        try check("after a replay")
    }

    private mutating func apply(_ change: Change) throws {
        truth.apply(change)
        truthAt = change.sequence
        guard let known = states.removeValue(forKey: truthAt) else { return }
        if known != truth.firsts { throw Violation(description: "at \(truthAt.rawValue) the log doesn't add up") }
    }

    /// What is announced was in hardware, at this version, as of where the speaker is; and a switch has said so since it is
    /// the first of its prefix.
    private mutating func check(_ place: String) throws {
        for (name, version) in speaker.announced {
            checked += 1
            let first = truth[name]
            let isReported = programmed.contains(.init(name: name, version: version)) && truth.confirmed.contains(name)
            if let first, first.isInHardware, first.version == version, isReported { continue }
            let fact =
                (first.map { "\($0)" } ?? "gone")
                + (isReported ? "" : ", and no switch has said so since it is the first")
            throw Violation(description: "\(place) \(name) is announced at version \(version.rawValue), but \(fact)")
        }
    }

    // MARK: The end

    /// When everything is quiet, what is in hardware is announced; and without faults, once all began anew, that is
    /// everything that is for hardware.
    private mutating func end() throws {
        if isCut { try resume() }
        try settle()
        for index in switches.indices {
            switches[index].change { $0 = SwitchSettings() }
            switches[index].restart(plane)
        }
        try settle()
        let snapshot = plane.snapshot()
        var walk = RouteWalk(snapshot, RouteSelection(), firstsOnly: true)
        while let (table, route) = walk.next() {
            let isForHardware = "\(plane.reasonWithoutHardware(table, route.key, route.value.info))" == "not-first"
            let name = ObjectName(table, route.key)
            guard isForHardware, speaker.announced[name] != route.value.version else { continue }
            throw Violation(description: "at the end \(name) is not announced, but \(String(describing: truth[name]))")
        }
    }

    private mutating func settle() throws {
        for _ in 0..<100 {
            for index in switches.indices {
                switches[index].hear(.max, plane, now)
                try switches[index].report(plane, now, &programmed)
            }
            if switches.allSatisfy({ $0.isQuiet(plane) }) { break }
            // Beyond any pause between attempts (30 s).
            now += 40_000_000_000
        }
        try take(.max)
        if !switches.contains(where: \.hasLostResults),
            let owed = truth.firsts.first(where: { $0.value.state == .pending })
        {
            throw Violation(description: "when all is quiet \(owed.key) is still \(owed.value)")
        }
        for member in switches {
            guard let contradiction = member.contradiction(plane) else { continue }
            throw Violation(description: "when all is quiet \(contradiction)")
        }
        let inHardware = truth.firsts.filter(\.value.isInHardware).mapValues(\.version)
        if inHardware == speaker.announced { return }
        throw Violation(description: "when all is quiet \(speaker.announced) is announced, \(inHardware) in hardware")
    }

    // MARK: Lots

    /// One time in `times`.
    mutating func chance(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &random) == 0 }
    /// Up to `bound`, which included.
    mutating func number(_ bound: Int) -> Int { Int.random(in: 0...bound, using: &random) }
    mutating func one<Value>(of values: [Value]) -> Value { values[number(values.count - 1)] }
}
