public import Addressing

/// A policy rule: which packets it is for, and what becomes of their lookup. Rules are asked in the order of their
/// priorities, those of one priority in the order in which they came (R1-06).
///
/// Source: kernel `net/core/fib_rules.c`, `net/ipv4/fib_rules.c`, `net/ipv6/fib6_rules.c`; names those of `ip rule`.
public struct PolicyRule: Hashable, Sendable {
    /// What becomes of the lookup of a packet that the rule is for (R1-09).
    public enum Action: Hashable, Sendable {
        /// Ask this table; go on with the next rule if it has nothing.
        case table(TableID)
        /// Go on with the first rule of this priority, which is greater than the rule's own (R1-10).
        case goto(UInt32)
        /// Go on with the next rule.
        case nop
        case unreachable
        case prohibit
        case blackhole
    }

    public let family: AddressFamily
    /// The lowest is asked first.
    public let priority: UInt32
    public var action = Action.table(.main)
    /// Who put it there. `ip rule add` leaves it unspecified.
    public var `protocol` = RouteProtocol(rawValue: 0)

    // MARK: Which packets it is for: all that is given must agree (R1-08)

    public var source: Prefix?
    public var destination: Prefix?
    /// The DSCP in its place in the byte, the two lowest bits 0. In IPv4 only three bits of it are compared, as long ago.
    /// 0 is for every packet.
    public var tos: UInt8 = 0
    /// All six bits of the DSCP, 0…63, compared whole.
    public var dscp: UInt8?
    /// The link that the packet comes in by; `lo` for those that are made here. Empty for any.
    public var input = ""
    /// The link that it is bound to leave by. Empty for any.
    public var output = ""
    public var mark = Mark()
    /// The id of the tunnel that it came out of; 0 for any.
    public var tunnel: UInt64 = 0
    /// User ids of who sends it.
    public var users: ClosedRange<UInt32>?
    /// Of IP; 0 for any.
    public var ipProtocol = IPProtocol(rawValue: 0)
    public var sourcePorts: ClosedRange<UInt16>?
    public var destinationPorts: ClosedRange<UInt16>?
    /// For the packets that all this does not agree with.
    public var isInverted = false

    // MARK: Which finds don't count (R1-14)

    /// Routes of such a length or a shorter one.
    public var suppressedLength: UInt8?
    /// Routes over a link of this group.
    public var suppressedGroup: UInt32?

    /// The bits of a packet's mark that are compared, and with what.
    public struct Mark: Hashable, Sendable {
        public var value: UInt32 = 0
        public var mask: UInt32 = 0
        public init(value: UInt32 = 0, mask: UInt32 = 0) { (self.value, self.mask) = (value, mask) }
        /// It is for every packet.
        public var isAny: Bool { self == Mark() }
    }

    public init(family: AddressFamily, priority: UInt32, _ action: Action = .table(.main)) {
        self.family = family
        self.priority = priority
        self.action = action
    }

    /// The table it asks, if it does that.
    public var table: TableID? {
        if case .table(let id) = action { id } else { nil }
    }

    /// Whether all packets are looked up in its table, and all that is found counts.
    var isPlain: Bool {
        guard case .table = action else { return false }
        var plain = PolicyRule(family: family, priority: priority, action)
        plain.protocol = self.protocol
        return self == plain
    }

    /// What a namespace begins with, in list order (R1-05).
    public static let defaults: [PolicyRule] =
        [(0, TableID.local), (32_766, .main), (32_767, .default)].map { made(.inet, $0, $1) }
        + [(0, .local), (32_766, .main)].map { made(.inet6, $0, $1) }

    private static func made(_ family: AddressFamily, _ priority: UInt32, _ table: TableID) -> PolicyRule {
        var rule = PolicyRule(family: family, priority: priority, .table(table))
        rule.protocol = .kernel
        return rule
    }
}
