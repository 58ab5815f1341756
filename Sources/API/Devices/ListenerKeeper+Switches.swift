internal import ChangeLog
internal import ControlPlane
internal import Hardware
internal import Routing
internal import Threads

/// What a write to a simulated switch came to.
struct SwitchWrite {
    /// Nil of a dry run that would have made it, and of a deletion.
    let member: SimulatedSwitch?
    let outcome: WriteResult.Outcome
    /// What is kept of it now; of a deletion, what was kept.
    let stored: StoredObject
    /// The number of the last change that it brought about; if nothing changed, the head.
    let sequence: ChangeSequence
}

/// Simulated switches and the devices of drivers share their names, so they come and go one at a time as well. What a switch
/// is set to is kept first, and holds after that, so that a crash in between leaves what the next start makes good.
extension ListenerKeeper {
    /// Takes in the switches that are kept, and makes the first one if it is due. Before the first request.
    ///
    /// - Returns: why the first one can't be made.
    /// - Throws: what keeps one that is kept from being made.
    func beginSwitches(_ first: FirstSwitch) throws(FIBError) -> FIBError? {
        try registrations.withLock { _ throws(FIBError) in
            let kept = plane.keptDevices
            for settings in kept.all.compactMap(\.device) {
                try board.add(settings.name, try SwitchSettings(settings), begins: first != .noneRunning)
            }
            guard let name = first.name(kept) else { return nil }
            do throws(FIBError) {
                try board.check(name)
                _ = try plane.putDeviceSettings(SwitchSettings().kept(of: name))
                try board.add(name, SwitchSettings())
                return nil
            } catch {
                return error
            }
        }
    }

    /// Changes a switch.
    ///
    /// - Parameters:
    ///   - creates: whether there may be none yet; and one that is idle starts.
    ///   - edit: gives the settings that are to hold instead of these, nil if there is none.
    func writeSwitch(
        _ name: String, _ condition: WriteCondition, creates: Bool, isDryRun: Bool,
        _ edit: (SwitchSettings?) throws(Problem) -> SwitchSettings
    ) throws(Problem) -> SwitchWrite {
        if !isDryRun { try Problem.of { () throws(FIBError) in try plane.awaitRoom() } }
        return try registrations.withLock { _ throws(Problem) in
            let present = creates ? board[name] : try findSwitch(name)
            if present == nil { try Problem.of { () throws(FIBError) in try board.check(name) } }
            let settings = try edit(present?.status.settings)
            return try Problem.of { () throws(FIBError) in
                let kept = try plane.putDeviceSettings(settings.kept(of: name), condition: condition, dryRun: isDryRun)
                guard !isDryRun else {
                    return SwitchWrite(
                        member: present, outcome: kept.outcome, stored: kept.object, sequence: kept.sequence)
                }
                let member: SimulatedSwitch
                if let present {
                    member = present
                    if kept.outcome != .unchanged { try member.change(settings) }
                    if creates, member.isIdle { member.start() }
                } else {
                    member = try board.add(name, settings)
                }
                // It may have begun, or begun anew.
                let sequence = max(kept.sequence, member.status.generation ?? .zero)
                return SwitchWrite(member: member, outcome: kept.outcome, stored: kept.object, sequence: sequence)
            }
        }
    }

    func removeSwitch(
        _ name: String, _ condition: WriteCondition, isDryRun: Bool
    ) throws(Problem) -> SwitchWrite {
        if !isDryRun { try Problem.of { () throws(FIBError) in try plane.awaitRoom() } }
        let write = try registrations.withLock { _ throws(Problem) in
            _ = try findSwitch(name)
            let kept = try Problem.of { () throws(FIBError) in
                try plane.removeDeviceSettings(name, condition: condition, dryRun: isDryRun)
            }
            let end = isDryRun ? nil : board.remove(name)
            return SwitchWrite(
                member: nil, outcome: kept.outcome, stored: kept.object,
                sequence: max(kept.sequence, end ?? .zero))
        }
        if !isDryRun { hub.wakeStreams() }
        return write
    }

    /// Has it begin anew, or begin. Blocks for as long as a replay takes.
    func restartSwitch(_ name: String) throws(Problem) -> (SimulatedSwitch, Device) {
        // One that is idle begins once, and not while it is removed; others see to that themselves.
        let (member, begun) = try registrations.withLock { _ throws(Problem) in
            let member = try findSwitch(name)
            return (member, member.isIdle ? member.start() : nil)
        }
        if let begun { return (member, begun) }
        return (member, try Problem.of { () throws(FIBError) in try member.restart() })
    }

    /// The simulated switch of that name.
    func findSwitch(_ name: String) throws(Problem) -> SimulatedSwitch {
        if let member = board[name] { return member }
        guard plane.presentDevices.all.contains(where: { $0.name == name }) else {
            throw Problem(DeviceHandlers.notFound(name))
        }
        throw Problem(
            FIBError(
                .eopnotsupp, .unsupported,
                "'\(name)' is the device of a driver, which alone can change or restart it; end its registration with "
                    + "DELETE /v1/listeners/\(name)"))
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

/// Which simulated switch a server begins with, besides those that are kept.
public enum FirstSwitch: Hashable, Sendable {
    /// This one, with its defaults, if none was ever kept.
    case usual(String)
    /// This one; if none of that name is kept, with its defaults.
    case named(String)
    /// None, and those that are kept are idle.
    case noneRunning

    /// The one that is to be made.
    func name(_ kept: DeviceObjects) -> String? {
        switch self {
        case .usual(let name): kept.hasHadAny ? nil : name
        case .named(let name): kept[name] == nil ? name : nil
        case .noneRunning: nil
        }
    }
}
