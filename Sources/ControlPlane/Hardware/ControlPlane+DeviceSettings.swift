internal import ChangeLog
public import Routing
internal import Threads

/// What devices are set to. The devices themselves are made by others, who keep them in step.
extension ControlPlane {
    /// Those that are kept, and whether there ever were any.
    public var keptDevices: DeviceObjects { deviceObjects.withLock { $0 } }

    /// Keeps what a device is set to. Doesn't wait for the disk: see `awaitRoom`.
    ///
    /// - Parameter entry: canonical JSON, with the name.
    /// - Throws: EEXIST or ESTALE if the condition doesn't hold.
    public func putDeviceSettings(
        _ settings: DeviceSettings, condition: WriteCondition = .none, dryRun: Bool = false
    ) throws(FIBError) -> ObjectResult {
        try changeDeviceObject(settings.name, condition, dryRun) { (old, sequence) in
            let value = ObjectValue.device(settings)
            if let old, old.value == value { return old }
            return StoredObject(value, in: "", version: sequence)
        }
    }

    /// Forgets what the device was set to. Doesn't wait for the disk: see `awaitRoom`.
    ///
    /// - Throws: ENOENT if nothing is kept of it, ESTALE if the condition doesn't hold.
    public func removeDeviceSettings(
        _ name: String, condition: WriteCondition = .none, dryRun: Bool = false
    ) throws(FIBError) -> ObjectResult {
        try changeDeviceObject(name, condition, dryRun) { (old, _) throws(FIBError) in
            guard old != nil else {
                throw FIBError(.enoent, .deviceNotFound, "nothing is kept of a device '\(name)'")
            }
            return nil
        }
    }

    /// - Parameter decide: gets what there is and the number of the change, and gives what there is to be, nil for nothing.
    private func changeDeviceObject(
        _ name: String, _ condition: WriteCondition, _ dryRun: Bool,
        _ decide: (StoredObject?, ChangeSequence) throws(FIBError) -> StoredObject?
    ) throws(FIBError) -> ObjectResult {
        if !dryRun, try !admit(.none) { throw Journal.busy }
        let result = try gate.withExclusive { () throws(FIBError) in
            let old = keptDevices[name]
            try Self.check(name, condition, old)
            let new = try decide(old, log.upcoming)
            guard let shown = new ?? old else { preconditionFailure("a change of no device") }
            if let old, let new, old === new {
                return ObjectResult(outcome: .unchanged, object: shown, sequence: log.head)
            }
            let outcome: WriteResult.Outcome = old == nil ? .created : new == nil ? .deleted : .replaced
            if dryRun { return ObjectResult(outcome: outcome, object: shown, sequence: log.head) }
            let change = ObjectChange(old: old, new: new)
            deviceObjects.withLock { $0.apply(change) }
            let operation: ChangeOperation = old == nil ? .add : new == nil ? .delete : .replace
            let sequence = log.append { sequence in
                Change(sequence: sequence, operation: operation, object: .object(change), batch: nil)
            }
            return ObjectResult(outcome: outcome, object: shown, sequence: sequence)
        }
        if !dryRun, result.outcome != .unchanged { committed() }
        return result
    }

    private static func check(_ name: String, _ condition: WriteCondition, _ old: StoredObject?) throws(FIBError) {
        switch condition {
        case .none: return
        case .absent:
            guard let old else { return }
            throw FIBError(
                .eexist, .versionMismatch, "device '\(name)' exists at version \(old.version.rawValue)")
        case .version(let wanted):
            guard old?.version != wanted else { return }
            throw FIBError(
                .estale, .versionMismatch,
                "device '\(name)' is "
                    + (old.map { "at version \($0.version.rawValue), not \(wanted.rawValue)" } ?? "not there"))
        }
    }
}
