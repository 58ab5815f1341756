import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// A device on the chain that programs what it is told and says so, like the kernel's netdevsim: everything is trapped, or
/// fails while it is told to.
final class SimulatedDevice: ChainMember {
    let name: String
    // The plane knows it.
    private weak let plane: ControlPlane?
    let device: Device
    private let state = Locked((fails: false, heard: ChangeSequence.zero), rank: .leaf)

    init(_ plane: ControlPlane, _ name: String = "asic") throws {
        self.name = name
        self.plane = plane
        device = plane.addDevice(name, RouteSelection())
        try plane.register(self, scope: .all)
    }

    var fails: Bool {
        get { state.withLock { $0.fails } }
        set { state.withLock { $0.fails = newValue } }
    }
    /// The number of the last change that it is through with.
    var heard: ChangeSequence { state.withLock { $0.heard } }

    func replay(_ event: ChainEvent) { program(event) }
    func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {
        program(event)
        state.withLock { $0.heard = sequence }
    }
    func dumpInconsistent() {}
    func fellBehind() {}

    private func program(_ event: ChainEvent) {
        guard case .route(let event) = event, event.operation != .delete else { return }
        let report = HardwareReport(
            event.table, event.key, version: event.route.version, state: fails ? .failed : .trap)
        _ = try? plane?.report([report], by: device.line)
    }
}

/// What `ip monitor route` would show: changes as a filter with `hw_flags=sysctl` is told of them.
struct RouteMonitor {
    private var filter = EventFilter()
    private let plane: ControlPlane
    private var position: ChangeSequence

    init(_ plane: ControlPlane, _ hardware: HardwareNotice = .setting) {
        filter.kinds = [.route]
        filter.hardware = hardware
        self.plane = plane
        position = plane.log.head
    }

    /// Everything since the last time, in order.
    mutating func lines() -> [String] {
        var lines: [String] = []
        while let run = plane.log.read(after: position), let last = run.last {
            for change in run {
                guard let selected = filter.select(change), selected.device == nil else { continue }
                lines.append(line(selected))
            }
            position = last.sequence
        }
        return lines
    }

    private func line(_ change: SelectedChange) -> String {
        let isGone = change.operation == .delete
        guard case .route(_, let key, let route) = isGone ? change.old : change.new else { return "?" }
        let flags = plane.presentDevices.state(of: route.hardware).flags
        let names = [(HardwareFlags.offload, "rt_offload"), (.trap, "rt_trap"), (.offloadFailed, "rt_offload_failed")]
            .filter { flags.contains($0.0) }.map { " " + $0.1 }
        return "\(isGone ? "DEL" : "NEW")(\(key.metric)\(names.joined()))"
    }
}
