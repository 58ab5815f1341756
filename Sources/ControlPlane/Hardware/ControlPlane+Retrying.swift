public import Addressing
public import ChangeLog
public import Routing
internal import Threads

/// What is to be programmed once more, and by whom.
public struct HardwareRetry: Sendable {
    public let table: TableIdentity
    /// The route, pending now with the devices.
    public let route: PlacedRoute
    /// Names of the devices that have failed it, or had not answered yet.
    public let devices: [String]
    /// The number of the change; if nothing changed, the head.
    public let sequence: ChangeSequence
}

extension ControlPlane {
    /// Has the devices try once more that have failed the first route of a prefix, or have not answered: it is pending with
    /// these again. Devices that follow a stream see that as a change of flags, and act on it; those inside the process are
    /// to be told by the caller.
    ///
    /// - Parameters:
    ///   - metric: of the route that is meant; nil for any, as with `tos`.
    ///   - dryRun: only looks.
    /// - Throws: ENOENT and ESRCH if there is no such namespace or route, ESTALE if another one is the first of the prefix, or if
    ///   no device is concerned, EBUSY if more waits for the disk than may.
    public func retryHardware(
        _ name: String, _ table: TableID, _ prefix: Prefix, metric: UInt32? = nil, tos: UInt8? = nil,
        dryRun: Bool = false
    ) throws(FIBError) -> HardwareRetry {
        try journal?.admitVolatile()
        let namespace = try namespace(name)
        let retry = try gate.withShared { () throws(FIBError) in
            try namespace.state.withLock { (state) throws(FIBError) in
                try self.retry(table, prefix, metric, tos, dryRun, &state)
            }
        }
        if !dryRun { committed() }
        return retry
    }

    /// Under the namespace's lock.
    private func retry(
        _ id: TableID, _ prefix: Prefix, _ metric: UInt32?, _ tos: UInt8?, _ dryRun: Bool,
        _ state: inout Namespace.State
    ) throws(FIBError) -> HardwareRetry {
        func agrees(_ key: RouteKey) -> Bool { (metric ?? key.metric) == key.metric && (tos ?? key.tos) == key.tos }
        guard let index = state.index(of: prefix.family, id), let first = state.tables[index].table.first(of: prefix),
            agrees(first.key) || state.tables[index].table.routes(of: prefix).contains(where: { agrees($0.key) })
        else {
            throw FIBError(
                .esrch, .routeNotFound, "there is no such route to \(prefix) in table \(id.name)", rule: "R1-84")
        }
        guard agrees(first.key) else {
            throw FIBError(
                .estale, .notFirst,
                "another route to \(prefix) comes first, with metric \(first.key.metric) and tos \(first.key.tos), and "
                    + "only that one is programmed", rule: "R2-01")
        }
        let answers = state.devices.answers(in: first.value.hardware)
        let concerned = answers.filter { $0.answer.state == .failed || $0.answer.state == .pending }.map(\.device)
        guard !concerned.isEmpty else {
            throw FIBError(.estale, .nothingToRetry, "no device has failed to program \(prefix), or is still to do it")
        }
        let wanted = answers.map { device, answer in concerned.contains(device) ? device.pending : answer }
        let table = state.tables[index].identity
        let names = concerned.map(\.name).sorted()
        if wanted == answers.map(\.answer) || dryRun {
            return HardwareRetry(table: table, route: first, devices: names, sequence: log.head)
        }
        let edit = HardwareEdit(
            table: table, route: first, hardware: HardwareStatus(wanted, since: state.devices.now), isFirst: true)
        let sequence = commit(edit, at: index, &state)
        return HardwareRetry(
            table: table, route: (first.key, first.value.with(edit.hardware)), devices: names, sequence: sequence)
    }
}
