internal import Addressing
public import Routing

/// What can be set for a namespace.
public struct NamespaceSettings: Hashable, Sendable {
    /// Whether changes of hardware flags are notified: 0 never, 1 always, 2 only failures (R3-10).
    public var notifyOnFlagChangeIPv4: UInt8 = 0
    public var notifyOnFlagChangeIPv6: UInt8 = 0
    /// By what flows choose between several nexthops (R1-53).
    public var hashPolicyIPv4 = MultipathHashPolicy.addresses
    public var hashPolicyIPv6 = MultipathHashPolicy.addresses
    /// Whether IPv4 flows pass over nexthops whose gateway is known not to answer (R1-54).
    public var usesNeighbours = false
    public var nextHopCheck = NextHopCheck.open
    public var paths = PathConfiguration()

    public init() {}

    func hashPolicy(_ family: AddressFamily) -> MultipathHashPolicy {
        family == .inet ? hashPolicyIPv4 : hashPolicyIPv6
    }
}

/// What is asked of the nexthops of a route before it is taken.
public enum NextHopCheck: String, CaseIterable, Sendable {
    /// Any device and gateway will do, and a neighbour that isn't known counts as reachable.
    case open
    /// What the kernel asks: links that are there and up, gateways that are reached directly (R1-71…R1-82, R1-100).
    case strict
}
