import ChangeLog
import Routing

@testable import ControlPlane
@testable import Hardware

/// A switch's model beside a control plane: told what the chain tells a `SimulatedSwitch`, and reporting as that does, but by
/// no thread and no clock of its own.
struct LoggedSwitch {
    let name: String
    private(set) var model: SwitchModel
    private var settings: SwitchSettings
    private var device: Device
    /// It has been told everything up to here; nil before the replay of a beginning.
    private var position: ChangeSequence?

    init(_ name: String, _ settings: SwitchSettings, _ plane: ControlPlane) {
        self.name = name
        self.settings = settings
        model = SwitchModel(settings)
        device = plane.addDevice(name, RouteSelection())
    }

    mutating func restart(_ plane: ControlPlane) {
        model.restart(settings)
        position = nil
        if let renewed = plane.restartDevice(device.line) { device = renewed }
    }

    func remove(_ plane: ControlPlane) { _ = plane.removeDevice(device.line) }

    mutating func change(_ change: (inout SwitchSettings) -> Void) {
        change(&settings)
        model.change(settings)
    }

    mutating func retry(_ table: TableIdentity, _ key: RouteKey, _ now: UInt64) { model.retry(table, key, now) }

    /// Tells it a number of changes more, if there are so many.
    mutating func hear(_ limit: Int, _ plane: ControlPlane, _ now: UInt64) {
        guard var place = position else { return replay(plane, now) }
        var left = limit
        while left > 0, let run = plane.log.read(after: place), !run.isEmpty {
            for change in run.prefix(left) {
                if let event = ChainEvent(change) { model.take(event, change.sequence, now) }
                place = change.sequence
                left -= 1
            }
        }
        position = place
    }

    /// As registration does it: objects before routes, of which the first.
    private mutating func replay(_ plane: ControlPlane, _ now: UInt64) {
        let snapshot = plane.snapshot()
        for namespace in snapshot.namespaces {
            for object in ObjectKind.ofObjects.flatMap({ namespace.objects.all($0) }) {
                if let event = ChainEvent(object) { model.take(event, .zero, now) }
            }
        }
        var walk = RouteWalk(snapshot, RouteSelection(), firstsOnly: true)
        while let (table, route) = walk.next() {
            model.take(.route(RouteEvent(table, route.key, route.value)), .zero, now)
        }
        model.joined(at: snapshot.sequence)
        position = snapshot.sequence
    }

    /// What a switch has said is in hardware.
    struct Programmed: Hashable {
        let name: ObjectName
        let version: ChangeSequence
    }

    /// Has it do what is due, and hands on what it says of that.
    ///
    /// - Parameter programmed: gets what is said to be in hardware.
    mutating func report(_ plane: ControlPlane, _ now: UInt64, _ programmed: inout Set<Programmed>) throws {
        while let deadline = model.deadline, deadline <= now {
            let reports = model.advance(to: now, limit: 8)
            for report in reports where [.offload, .trap].contains(report.state) {
                let name = ObjectName(report.table, report.key)
                programmed.insert(Programmed(name: name, version: report.version))
            }
            if !reports.isEmpty { _ = try plane.report(reports, by: device.line) }
        }
        model._checkInvariants()
    }

    var hasLostResults: Bool { model.counters.lost > 0 }

    func isQuiet(_ plane: ControlPlane) -> Bool { position == plane.log.head && model.deadline == nil }
}
