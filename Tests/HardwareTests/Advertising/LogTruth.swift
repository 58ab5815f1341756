import ChangeLog
import Routing

@testable import ControlPlane

/// What the first routes are and what hardware makes of them, as of one number: from the bare changes of the log, without the
/// filter and the form of a stream. Compared with the control plane's own state wherever that is known.
struct LogTruth {
    struct First: Equatable, CustomStringConvertible {
        let version: ChangeSequence
        let state: HardwareState

        var description: String { "\(state.name) at version \(version.rawValue)" }
        var isInHardware: Bool { [.offload, .trap, .offloadAndTrap].contains(state) }
    }

    private var routes: [ObjectName: [RouteKey: StoredRoute]] = [:]
    private var devices = Devices()
    /// Prefixes of whose first route a device has said that it has it, since it became the first.
    private(set) var confirmed: Set<ObjectName> = []

    mutating func apply(_ change: Change) {
        switch change.object {
        case .route(let route):
            let name = ObjectName(route.table, route.key)
            let before = self[name]?.version
            routes[name, default: [:]][route.key] = route.new
            if self[name]?.version != before { confirmed.remove(name) }
        case .hardware(let hardware):
            let name = ObjectName(hardware.table, hardware.key)
            routes[name, default: [:]][hardware.key] = hardware.new
            let answers = hardware.new.hardware?.answers ?? []
            if hardware.isFirst, answers.contains(where: { [.offload, .trap].contains($0.state) }) {
                confirmed.insert(name)
            }
        case .device(let device): devices = device.devices
        case .object, .traffic, .peer, .peerStorage, .status, .listener, .operationEnd, .notice: break
        }
    }

    subscript(name: ObjectName) -> First? {
        routes[name]?.min { $0.key < $1.key }.map { first in
            First(version: first.value.version, state: devices.state(of: first.value.hardware))
        }
    }

    /// Those of all prefixes that have one.
    var firsts: [ObjectName: First] {
        var result: [ObjectName: First] = [:]
        for name in routes.keys { result[name] = self[name] }
        return result
    }

    /// The same of the control plane's state.
    static func firsts(of snapshot: Snapshot) -> [ObjectName: First] {
        var result: [ObjectName: First] = [:]
        var walk = RouteWalk(snapshot, RouteSelection(), firstsOnly: true)
        while let (table, route) = walk.next() {
            result[ObjectName(table, route.key)] = First(
                version: route.value.version, state: snapshot.devices.state(of: route.value.hardware))
        }
        return result
    }
}
