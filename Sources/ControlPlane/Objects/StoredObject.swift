internal import Addressing
public import ChangeLog
public import Routing
public import TrafficControl

/// The entry of an object other than a route: what is hashed.
public enum ObjectValue: Hashable, Sendable {
    case namespace(NamespaceSettings)
    case link(Link)
    case neighbour(Neighbour)
    case rule(PlacedRule)
    case nextHop(NextHopObject)
    case device(DeviceSettings)
    case qdisc(Qdisc)
    case block(BlockIdentity.Place)

    public var kind: ObjectKind {
        switch self {
        case .namespace: .namespace
        case .link: .link
        case .neighbour: .neigh
        case .rule: .rule
        case .nextHop: .nexthop
        case .device: .device
        case .qdisc: .qdisc
        case .block: .block
        }
    }

    /// Where it stands among the objects of its namespace; of devices, which are in none, only the kind.
    public var key: ObjectKey {
        switch self {
        case .namespace: .namespace
        case .link(let link): .link(link.name)
        case .neighbour(let neighbour): .neighbour(neighbour.device, neighbour.address)
        case .rule(let rule): .rule(rule)
        case .nextHop(let object): .nextHop(object.id)
        case .device: .start(of: .device)
        case .qdisc(let qdisc): .qdisc(qdisc.device)
        case .block(let place): .block(place)
        }
    }
}

/// What changes of an object without making it another entry.
public struct ObjectStatus: Hashable, Sendable {
    /// Of a link: whether there is someone at the other end of it.
    public var hasCarrier = true
    /// Of a neighbour: when it became what it is, in milliseconds since 1970.
    public var updated: UInt64 = 0

    public init() {}
}

/// An object other than a route, as the server keeps it. There are few of them, so each is an object of its own.
public final class StoredObject: ImageValue {
    /// The one it is in; of a namespace, itself; empty for devices, which are in none.
    public let namespace: String
    public let value: ObjectValue
    public let status: ObjectStatus
    /// The number of the change that made the entry.
    public let version: ChangeSequence
    /// Of the entry's canonical bytes.
    public let hash: EntryHash

    init(_ value: ObjectValue, in namespace: String, _ status: ObjectStatus = .init(), version: ChangeSequence) {
        self.namespace = namespace
        self.value = value
        self.status = status
        self.version = version
        var bytes: [UInt8] = []
        value.appendEntry(namespace: namespace, to: &bytes)
        hash = EntryHash(of: bytes.span)
    }

    private init(_ other: StoredObject, _ status: ObjectStatus) {
        namespace = other.namespace
        value = other.value
        self.status = status
        version = other.version
        hash = other.hash
    }

    /// The same entry in another state.
    func with(_ status: ObjectStatus) -> StoredObject { StoredObject(self, status) }

    public var kind: ObjectKind { value.kind }
    public var key: ObjectKey { value.key }

    /// Of those that are of one.
    var family: AddressFamily? { neighbour?.address.family ?? rule?.rule.family }

    public var settings: NamespaceSettings? {
        if case .namespace(let settings) = value { settings } else { nil }
    }
    public var link: Link? {
        if case .link(let link) = value { link } else { nil }
    }
    public var neighbour: Neighbour? {
        if case .neighbour(let neighbour) = value { neighbour } else { nil }
    }
    public var rule: PlacedRule? {
        if case .rule(let rule) = value { rule } else { nil }
    }
    public var nextHop: NextHopObject? {
        if case .nextHop(let object) = value { object } else { nil }
    }
    public var qdisc: Qdisc? {
        if case .qdisc(let qdisc) = value { qdisc } else { nil }
    }
    public var block: BlockIdentity.Place? {
        if case .block(let place) = value { place } else { nil }
    }
    public var device: DeviceSettings? {
        if case .device(let settings) = value { settings } else { nil }
    }
}

/// The objects of one namespace but for its routes.
public typealias ObjectImage = Image<ObjectKey, StoredObject>

extension ObjectImage {
    /// Count and digest of those of a kind. O(log n).
    func summary(of kind: ObjectKind) -> Summary { summary(from: .start(of: kind), to: .end(of: kind)) }

    /// Those of a kind, in order; from `start` on, if that is given.
    public func all(_ kind: ObjectKind, from start: ObjectKey? = nil) -> [StoredObject] {
        var cursor = cursor(from: start ?? .start(of: kind))
        let end = ObjectKey.end(of: kind)
        var objects: [StoredObject] = []
        while let (key, object) = cursor.next(), key < end { objects.append(object) }
        return objects
    }
}

/// An object other than a route came, changed, or went.
public final class ObjectChange: Sendable {
    public let old: StoredObject?
    public let new: StoredObject?

    init(old: StoredObject?, new: StoredObject?) {
        precondition(old != nil || new != nil, "a change of nothing")
        self.old = old
        self.new = new
    }

    /// It, as it is now, or as it was before it went.
    public var object: StoredObject {
        guard let object = new ?? old else { preconditionFailure("a change of nothing") }
        return object
    }
}
