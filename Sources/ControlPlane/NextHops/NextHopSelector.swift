public import Addressing
public import Routing

/// Which nexthop objects are meant, as `ip nexthop list` takes it; nil doesn't ask.
public struct NextHopSelector: Equatable, Sendable {
    public var family: AddressFamily?
    public var device: String?
    public var `protocol`: RouteProtocol?
    public var isGroup: Bool?
    public var isBlackhole: Bool?
    /// Groups that this one is in.
    public var member: UInt32?

    public init() {}

    public func agrees(with object: StoredObject) -> Bool {
        guard let object = object.nextHop else { return false }
        return (family.map { $0 == object.family } ?? true)
            && (device.map { $0 == object.leg?.device } ?? true)
            && (self.protocol.map { $0 == object.protocol } ?? true)
            && (isGroup.map { $0 == object.isGroup } ?? true)
            && (isBlackhole.map { $0 == (object.target == .blackhole) } ?? true)
            && (member.map { wanted in object.members.contains { $0.id == wanted } } ?? true)
    }
}
