public import ChangeLog
public import Routing

/// Someone inside this process who is told of the first route of each prefix: first all of them, then every change.
///
/// Called with no lock held, so it may call the control plane; by one thread at a time, but for `AdmittingMember`'s part.
public protocol ChainMember: AnyObject, Sendable {
    /// For messages and the name of its thread.
    var name: String { get }

    /// What was there when it registered: of each namespace and family the rules, then the routes in list order. On the
    /// thread that registers it. An error ends the registration with it at once; the member cleans up by itself (R2-36).
    func replay(_ event: ChainEvent) throws(FIBError)

    /// What was replayed is not the whole truth: throw all of it away. Another replay may follow (R2-34, R2-35).
    func dumpInconsistent()

    /// It is on the chain: what happened up to this number it knows from the replay, and of all that comes later it is told.
    /// After the last replay and before the first change. On the thread that registers it.
    func joined(at sequence: ChangeSequence)

    /// A change, once it is durable, in the order of the numbers. On the member's own thread, so it may take its time. A
    /// deletion of what it doesn't know does no harm (R2-13).
    func deliver(_ event: ChainEvent, _ sequence: ChangeSequence)

    /// It was too slow, was taken off the chain, and has missed changes: throw everything away and register anew.
    func fellBehind()
}

extension ChainMember {
    public func joined(at sequence: ChangeSequence) {}
}

/// A member that has a say: it may refuse that a route becomes the first of its prefix, that a rule is added, or that a nexthop
/// object comes or becomes another one, for want of room.
///
/// It is called with locks of the control plane held, by many threads: they may count, and nothing else.
public protocol AdmittingMember: ChainMember {
    /// Whether it wants to be asked at all, as of when it joins: who is asked costs every writer a part of its time.
    var isAsked: Bool { get }

    /// Before the change is made. Deletions, and who moves up because of one, are not asked about (R2-55).
    func admit(_ event: RouteEvent) throws(ChainVeto)

    /// Before a rule is added (R2-57, R2-58).
    func admit(_ rule: PolicyRule) throws(ChainVeto)

    /// Before a nexthop object comes, or takes the place of another one, whose room is not free yet (R3-33).
    func admit(_ object: NextHopObject) throws(ChainVeto)

    /// What it admitted did not come about after all: another one refused, or the transaction failed (R2-52 leaves that
    /// open; here every member hears it).
    func withdraw(_ event: RouteEvent)
    func withdraw(_ rule: PolicyRule)
    func withdraw(_ object: NextHopObject)
}

extension AdmittingMember {
    public var isAsked: Bool { true }
    public func admit(_ rule: PolicyRule) throws(ChainVeto) {}
    public func admit(_ object: NextHopObject) throws(ChainVeto) {}
    public func withdraw(_ rule: PolicyRule) {}
    public func withdraw(_ object: NextHopObject) {}
}

/// A member's refusal.
public struct ChainVeto: Error, Hashable, Sendable {
    /// One sentence for a person: what there is no room for, and how much there is.
    public let message: String
    public init(_ message: String) { self.message = message }
}

/// Which namespaces a member is told of.
public enum ChainScope: Hashable, Sendable {
    case namespace(String)
    /// All, also those that come into being later (R2-42).
    case all

    func includes(_ namespace: String) -> Bool {
        switch self {
        case .all: true
        case .namespace(let name): name == namespace
        }
    }
}
