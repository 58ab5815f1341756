public import ChangeLog
internal import Platform
public import Routing

/// Who programs routes into hardware, as of one number: so that what was said before a device began anew counts for what
/// it is worth by then.
public struct Devices: Hashable, Sendable {
    /// By name.
    public private(set) var all: [Device] = []

    public init() {}

    public var isEmpty: Bool { all.isEmpty }
    /// In milliseconds since 1970.
    var now: UInt64 { WallClock.milliseconds }

    public mutating func set(_ device: Device) {
        remove(device.line)
        all.insert(device, at: all.firstIndex { $0.name > device.name } ?? all.endIndex)
    }

    public mutating func remove(_ line: ChangeSequence) { all.removeAll { $0.line == line } }

    public func device(_ line: ChangeSequence) -> Device? { all.first { $0.line == line } }

    /// The answers that count, each with its device: of a device that is gone none, of one that has begun anew since `pending`.
    public func answers(in status: HardwareStatus?) -> [(device: Device, answer: HardwareStatus.Answer)] {
        (status?.answers ?? []).compactMap { answer in
            guard let device = device(answer.line) else { return nil }
            let counts = device.generation == answer.generation
            return (device, counts ? answer : device.pending)
        }
    }

    /// What a route begins with that becomes the first of its prefix: the answers of all who are to program it are pending. Nil
    /// if there is no one.
    ///
    /// - Parameter latest: what the route before began with. The next one shares it if it says the same: thousands do in a
    ///   millisecond, and what becomes of it, and its text, is then made once for all of them.
    func pending(
        _ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, _ latest: inout HardwareStatus?
    ) -> HardwareStatus? {
        var answers: [HardwareStatus.Answer] = []
        for device in all where device.selection.includes(table) && device.selection.agrees(table, key, info) {
            answers.append(device.pending)
        }
        if answers.isEmpty { return nil }
        answers.sort { $0.line < $1.line }
        let now = now
        if let latest, latest.since == now, latest.answers == answers { return latest }
        latest = HardwareStatus(answers, since: now)
        return latest
    }

    /// Whether there is one that would program the route, if it were the first of its prefix.
    public func includes(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> Bool {
        all.contains { $0.selection.includes(table) && $0.selection.agrees(table, key, info) }
    }

    /// The state of the device that is worst off.
    public func state(of status: HardwareStatus?) -> HardwareState { status.flatMap { worst(in: $0)?.state } ?? .none }

    /// The answer that counts most of those in `answers(in:)`, without an array of them: who tells of changes asks for each
    /// one. Nil if none counts.
    func worst(in status: HardwareStatus) -> (name: String, state: HardwareState, reason: String?)? {
        var worst: (place: Int, answer: Int, state: HardwareState)?
        for (index, answer) in status.answers.enumerated() {
            guard let place = all.firstIndex(where: { $0.line == answer.line }) else { continue }
            let state = all[place].generation == answer.generation ? answer.state : .pending
            if state.severity > worst?.state.severity ?? -1 { worst = (place, index, state) }
        }
        return worst.map { place, index, state in
            let answer = status.answers[index]
            return (all[place].name, state, answer.state == state ? answer.reason : nil)
        }
    }
}

/// Someone who programs routes into hardware.
public struct Device: Hashable, Sendable {
    public let name: String
    /// The number of the change with which it came. One of the same name that comes after it has gone is another.
    public let line: ChangeSequence
    /// The number of the change with which it began, or began anew: all that it said before is forgotten.
    public internal(set) var generation: ChangeSequence
    /// What it programs: of each prefix the first route, if it agrees.
    public let selection: RouteSelection
}

extension Device {
    /// What it has said of a route that it is yet to program.
    var pending: HardwareStatus.Answer {
        HardwareStatus.Answer(line: line, generation: generation, state: .pending)
    }
}
