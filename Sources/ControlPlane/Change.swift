public import ChangeLog
public import Routing

/// One change of the server's state, with its number: what the log keeps and followers are told.
public struct Change: LogRecord {
    public let sequence: ChangeSequence
    public let operation: ChangeOperation
    public let object: ChangedObject
    /// Set on changes that belong together.
    public let batch: ChangeBatch?

    /// The same number with another object.
    func with(_ object: TrafficObjectChange) -> Change {
        Change(sequence: sequence, operation: operation, object: .traffic(object), batch: batch)
    }

    /// Whether it is of a qdisc, or of what qdiscs have.
    var isOfTraffic: Bool {
        switch object {
        case .traffic: true
        case .object(let change): [.qdisc, .block].contains(change.object.kind)
        default: false
        }
    }

    /// Whether records have it; peers that are stored have records of their own.
    var isInRecords: Bool { if case .peerStorage = object { false } else { !isVolatile } }

    /// Whether the log keeps it aside.
    public var isKeptAside: Bool { if case .peer = object { true } else { false } }

    /// What hardware says and which devices there are is told, and not stored: a crash leaves nothing of it to know. Peers are stored
    /// apart from their changes.
    var isVolatile: Bool {
        switch object {
        case .hardware, .device, .notice, .peer: true
        case .route, .object, .traffic, .peerStorage, .status, .listener, .operationEnd: false
        }
    }
}

public enum ChangedObject: Sendable {
    case route(RouteChange)
    case hardware(HardwareChange)
    case device(DeviceChange)
    case listener(ListenerChange)
    case object(ObjectChange)
    case traffic(TrafficObjectChange)
    case peer(NamedPeerChange)
    /// What is known of peers is to be stored. No one is told.
    case peerStorage(PeerStorage)
    case status(RouteStatusChange)
    /// The operation that this change brought about is through. No one is told.
    case operationEnd(ChangeSequence)
    case notice(Notice)
}

public struct RouteChange: Sendable {
    public let table: TableIdentity
    public let key: RouteKey
    public let old: StoredRoute?
    public let new: StoredRoute?
    public let best: BestChange
}

/// What a change does to the first route of its prefix, the one that devices program (R2-01…R2-08).
public enum BestChange: Sendable {
    /// The first route is another one, before and after.
    case none
    /// The changed route was the first, is the first, or both.
    case own(NextHopsChange)
    /// The new route displaced this one (R2-02).
    case displaced(Neighbour)
    /// The deleted route was the first; now this one is (R2-05).
    case promoted(Neighbour)

    /// Behind a reference, since most changes have none and every record would pay for the room.
    public final class Neighbour: Sendable {
        public let key: RouteKey
        public let value: StoredRoute
        init(_ route: PlacedRoute) {
            key = route.key
            value = route.value
        }
    }

    /// Whether a second route plays a part.
    var isOfTwo: Bool {
        switch self {
        case .none, .own: false
        case .displaced, .promoted: true
        }
    }
}

/// The entry is as it was; what devices say of it is something else. An object, since changes of routes, which are most, are
/// copied more cheaply if they alone are values.
public final class HardwareChange: Sendable {
    public let table: TableIdentity
    public let key: RouteKey
    public let old: StoredRoute
    public let new: StoredRoute
    /// Whether it is the first route of its prefix.
    public let isFirst: Bool
    /// What it came to, by the devices that there were then.
    public let from: HardwareState
    public let to: HardwareState
    /// The namespace's `fib_notify_on_flag_change` for the family, as it was then (R3-10).
    public let notifies: UInt8

    init(
        _ edit: HardwareEdit, from: HardwareState, to: HardwareState, notifies: UInt8
    ) {
        table = edit.table
        key = edit.route.key
        old = edit.route.value
        new = edit.route.value.with(edit.hardware)
        isFirst = edit.isFirst
        self.from = from
        self.to = to
        self.notifies = notifies
    }
}

/// The entry is as it was; what is wrong with its legs is something else.
public final class RouteStatusChange: Sendable {
    public let table: TableIdentity
    public let key: RouteKey
    public let route: StoredRoute
    /// Whether it is the first route of its prefix.
    public let isFirst: Bool
    /// Of each leg, in order, as it was.
    let was: [LegStatus]
    /// Of each leg, in order.
    public let legs: [LegStatus]

    init(_ table: TableIdentity, _ route: PlacedRoute, isFirst: Bool, was: [LegStatus], legs: [LegStatus]) {
        self.table = table
        self.was = was
        key = route.key
        self.route = route.value
        self.isFirst = isFirst
        self.legs = legs
    }
}

/// A device came, began anew, or went.
public final class DeviceChange: Sendable {
    public let device: Device
    /// All of them, after the change.
    public let devices: Devices

    init(_ device: Device, _ devices: Devices) {
        self.device = device
        self.devices = devices
    }

    public var isGone: Bool { devices.device(device.line) == nil }
}

/// What holds several changes together: they were committed as one, or have one cause, or both.
public final class ChangeBatch: Sendable {
    /// Number of the first change of the transaction, which names it.
    public let transaction: ChangeSequence
    public let cause: Cause?
    /// What of a longer operation was still to be done after this batch; nil after its last, and where there is no such
    /// operation. Who finds it without a later batch of the same cause finishes the operation.
    let remainder: OperationRemainder?

    init(transaction: ChangeSequence, cause: Cause? = nil, remainder: OperationRemainder? = nil) {
        self.transaction = transaction
        self.cause = cause
        self.remainder = remainder
    }

    /// Why changes happened that no one asked for one by one.
    public struct Cause: Hashable, Sendable {
        public let reason: String
        /// Number of the change that brought the others about; of the first of them where there is none.
        public let sequence: ChangeSequence
    }
}

/// A flush or a cascade that goes on: the routes that agree and are no newer than `bound` are still to be looked at.
struct OperationRemainder: Hashable, Sendable {
    let selection: RouteSelection
    let bound: ChangeSequence
    /// What is to become of them; nil if they are to go.
    var link: LinkCascade?
}
