import ChangeLog
import Routing

@testable import ControlPlane

/// The stream that a speaker follows: what a server would send for `kinds=route&view=best&hw_flags=1`, change by change.
struct SpeakerFeed {
    private let filter: EventFilter
    /// By which it says what devices have answered; of a time before the stream, those of its beginning.
    private var context = RowContext()
    private var contextAt = ChangeSequence.zero
    /// The sync comes when it is there; nil once it has come.
    private var syncAt: ChangeSequence?
    /// Everything up to here has been sent.
    private(set) var position = ChangeSequence.zero

    init() {
        var filter = EventFilter()
        filter.kinds = [.route]
        filter.view = .best
        self.filter = filter
    }

    /// Connects without a cursor.
    mutating func replay(_ plane: ControlPlane, to speaker: inout Speaker) {
        let snapshot = connect(plane)
        speaker.take(.hello(isReplay: true, devices: context.devices.all.map(\.name)))
        var walk = RouteWalk(snapshot, filter.selection, firstsOnly: true)
        while let (table, route) = walk.next() {
            speaker.take(.route(ObjectName(table, route.key), told(route.value)))
        }
        position = snapshot.sequence
        sync(&speaker)
    }

    /// Connects with the cursor of what was sent last.
    mutating func resume(_ plane: ControlPlane, to speaker: inout Speaker) {
        _ = connect(plane)
        speaker.take(.hello(isReplay: false, devices: context.devices.all.map(\.name)))
        sync(&speaker)
    }

    /// Sends what it tells of the change that follows.
    mutating func send(_ change: Change, to speaker: inout Speaker) {
        if change.sequence > contextAt { _ = context.follow(change) }
        if let selected = filter.select(change) { speaker.take(frame(selected)) }
        position = change.sequence
        sync(&speaker)
    }

    private mutating func connect(_ plane: ControlPlane) -> Snapshot {
        let snapshot = plane.snapshot()
        (context, contextAt, syncAt) = (snapshot.context, snapshot.sequence, snapshot.sequence)
        return snapshot
    }

    private mutating func sync(_ speaker: inout Speaker) {
        guard let place = syncAt, position >= place else { return }
        syncAt = nil
        speaker.take(.sync)
    }

    private func frame(_ selected: SelectedChange) -> Speaker.Frame {
        if let change = selected.device {
            return .device(change.device.name, generation: change.isGone ? nil : change.device.generation)
        }
        guard case .route(let table, let key, let route)? = selected.new ?? selected.old else {
            preconditionFailure("a frame of no route")
        }
        return .route(ObjectName(table, key), selected.new == nil ? nil : told(route))
    }

    private func told(_ route: StoredRoute) -> Speaker.Route {
        var states: [String: HardwareState] = [:]
        for (device, answer) in context.devices.answers(in: route.hardware) { states[device.name] = answer.state }
        return Speaker.Route(version: route.version, states: states)
    }
}
