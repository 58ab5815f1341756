public import ChangeLog
public import Routing

/// What a device says of one entry.
public struct HardwareReport: Sendable {
    public let table: TableIdentity
    /// Where the entry stands, but for its place in the list of that key, and which one it is.
    public let key: RouteKey
    public let version: ChangeSequence
    /// Not `pending`, which is what it is without an answer. `none` is for devices inside the process: with a reason, that the
    /// entry is not for this device; without, that the device takes back what it has said.
    public let state: HardwareState
    public let reason: String?

    public init(
        _ table: TableIdentity, _ key: RouteKey, version: ChangeSequence, state: HardwareState, reason: String? = nil
    ) {
        precondition(state != .pending, "a device that says '\(state.name)'")
        self.table = table
        self.key = key
        self.version = version
        self.state = state
        self.reason = reason
    }
}

/// What became of a report.
public enum ReportOutcome: Hashable, Sendable {
    /// Its change has this number.
    case changed(ChangeSequence)
    /// The device had said so before.
    case unchanged
    /// There is no such entry any more; of its key there is now this version, if any.
    case stale(present: ChangeSequence?)
}
