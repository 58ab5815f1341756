internal import ChangeLog
internal import ControlPlane
internal import Hardware
internal import Routing
internal import Threads

/// Simulated switches and the devices of drivers share their names, so they come and go one at a time as well.
extension ListenerKeeper {
    /// A further switch, or other settings for one that there is.
    func putSwitch(_ name: String, _ settings: SwitchSettings) throws(FIBError) -> (SimulatedSwitch, isNew: Bool) {
        try registrations.withLock { _ throws(FIBError) in
            guard let present = board[name] else { return (try board.add(name, settings), true) }
            try present.change(settings)
            return (present, false)
        }
    }

    /// - Parameter edit: gives the settings that are to hold instead of these.
    func changeSwitch(
        _ name: String, _ edit: (SwitchSettings) throws(Problem) -> SwitchSettings
    ) throws(Problem) -> SimulatedSwitch {
        try registrations.withLock { _ throws(Problem) in
            guard let present = board[name] else { throw Problem(DeviceHandlers.notFound(name)) }
            let settings = try edit(present.status.settings)
            try Problem.of { () throws(FIBError) in try present.change(settings) }
            return present
        }
    }

    /// The number of the change; nil if there is no such switch any more.
    func removeSwitch(_ name: String) -> ChangeSequence? {
        let sequence = registrations.withLock { _ in board.remove(name) }
        hub.wakeStreams()
        return sequence
    }

    /// Refuses a driver that would take the place of a switch.
    func checkDevice(_ settings: ListenerSettings) throws(FIBError) {
        guard settings.role == .driver, board[settings.name] != nil else { return }
        throw FIBError(
            .eexist, .deviceExists,
            "there is a simulated switch '\(settings.name)', and a driver's device would have the same name; choose another, "
                + "or end the switch with DELETE /v1/devices/\(settings.name)")
    }
}
