public import Addressing
public import ChangeLog
public import Routing

/// A change of a link, a neighbour, a rule or a nexthop that someone asks for.
public struct ObjectOperation: Sendable {
    public enum Action: Sendable {
        /// Makes it, or changes it.
        case putLink(LinkEdit)
        /// Whether there is someone at the other end of it.
        case setCarrier(String, Bool)
        case removeLink(String)
        case putNeighbour(Neighbour)
        case removeNeighbour(device: String, IPAddress)
        /// `add` refuses what is there already (R1-12); `replace` and `change` mean the first rule of the priority.
        case writeRule(RouteVerb, RuleFields)
        /// The first that agrees (R1-13).
        case removeRule(RuleSelector)
        case writeNextHop(RouteVerb, NextHopFields)
        case removeNextHop(UInt32)
    }

    /// What of a link or a neighbour must be there. Of rules and nexthops, the verb says it.
    public enum Existence: Sendable {
        case any, absent, present
    }

    public let namespace: String
    public let action: Action
    public var existence: Existence
    public var condition: WriteCondition

    public init(
        _ namespace: String, _ action: Action, existence: Existence = .any, condition: WriteCondition = .none
    ) {
        self.namespace = namespace
        self.action = action
        self.existence = existence
        self.condition = condition
    }

    /// Nil of rules, which are found by what they say, and of nexthops, which may have no id yet.
    var key: ObjectKey? {
        switch action {
        case .putLink(let link): .link(link.name)
        case .setCarrier(let name, _), .removeLink(let name): .link(name)
        case .putNeighbour(let neighbour): .neighbour(neighbour.device, neighbour.address)
        case .removeNeighbour(let device, let address): .neighbour(device, address)
        case .writeRule, .removeRule, .writeNextHop, .removeNextHop: nil
        }
    }

    /// For messages.
    var subject: String {
        switch action {
        case .putLink(let link): "link '\(link.name)'"
        case .setCarrier(let name, _), .removeLink(let name): "link '\(name)'"
        case .putNeighbour(let neighbour): "neighbour \(neighbour.address) on '\(neighbour.device)'"
        case .removeNeighbour(let device, let address): "neighbour \(address) on '\(device)'"
        case .writeRule, .removeRule: "rule"
        case .writeNextHop, .removeNextHop: "nexthop"
        }
    }
}

/// What of a link is to be so; nil leaves it as it is, or at the default of a new link.
public struct LinkEdit: Sendable {
    public let name: String
    public var isUp: Bool?
    public var mtu: UInt32?
    public var addresses: [LinkAddress]?
    public var isOffloaded: Bool?
    public var group: UInt32?
    public var ignoresLinkDown: Bool?
    public var disablesIPv6: Bool?
    public var acceptsRedirects: Bool?

    public init(name: String) { self.name = name }

    func applied(to present: Link?) -> Link {
        var link = present ?? Link(name: name)
        link.isUp = isUp ?? link.isUp
        link.mtu = mtu ?? link.mtu
        link.addresses = addresses ?? link.addresses
        link.isOffloaded = isOffloaded ?? link.isOffloaded
        link.ignoresLinkDown = ignoresLinkDown ?? link.ignoresLinkDown
        link.group = group ?? link.group
        link.disablesIPv6 = disablesIPv6 ?? link.disablesIPv6
        link.acceptsRedirects = acceptsRedirects ?? link.acceptsRedirects
        return link
    }
}

/// What a change of an object came to.
public struct ObjectResult: Sendable {
    public let outcome: WriteResult.Outcome
    /// What there is now; of a deletion, what there was.
    public let object: StoredObject
    /// The number of the change; if nothing changed, the head.
    public let sequence: ChangeSequence
}

extension Link {
    /// What `ip link` and `ip address` would refuse.
    public func validate() throws(FIBError) {
        if !Link.isName(name) {
            throw FIBError(
                .einval, .linkInvalid,
                "'\(name)' can't name a link: use 1 to 15 bytes without white space, '/' and ':'")
        }
        if !(68...65_536).contains(mtu) {
            throw FIBError(.einval, .linkInvalid, "an mtu of \(mtu) is not in 68…65536")
        }
        if addresses.count > Self.addressLimit {
            throw FIBError(
                .enobufs, .linkInvalid, "\(addresses.count) addresses on one link; \(Self.addressLimit) is the limit")
        }
        var seen: Set<IPAddress> = []
        for address in addresses where !seen.insert(address.address).inserted {
            throw FIBError(.eexist, .linkInvalid, "\(address.address) is given twice")
        }
    }

    private static let addressLimit = 1_024
}
