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
    func pending(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> HardwareStatus? {
        let answers = all.filter { $0.selection.includes(table) && $0.selection.agrees(table, key, info) }.map(
            \.pending)
        return answers.isEmpty ? nil : HardwareStatus(answers, since: now)
    }

    /// Whether there is one that would program the route, if it were the first of its prefix.
    public func includes(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo) -> Bool {
        all.contains { $0.selection.includes(table) && $0.selection.agrees(table, key, info) }
    }

    /// The state of the device that is worst off.
    public func state(of status: HardwareStatus?) -> HardwareState {
        guard let status else { return .none }
        return answers(in: status).map(\.answer.state).max { $0.severity < $1.severity } ?? .none
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
