public import Addressing

/// What someone says of a rule: of one that is to be, or to find one by. Nil is not said.
public struct RuleFields: Hashable, Sendable {
    public var family: AddressFamily?
    public var priority: UInt32?
    public var table: TableID?
    /// Where to go on.
    public var target: UInt32?
    /// `nop`, `unreachable`, `prohibit` or `blackhole`.
    public var action: PolicyRule.Action?
    public var `protocol`: RouteProtocol?
    /// Nil also if it is said that every source will do; likewise `destination`.
    public var source: Prefix?
    public var destination: Prefix?
    public var tos: UInt8?
    public var dscp: UInt8?
    public var input: String?
    public var output: String?
    public var mark: UInt32?
    public var markMask: UInt32?
    public var tunnel: UInt64?
    public var users: ClosedRange<UInt32>?
    public var ipProtocol: IPProtocol?
    public var sourcePorts: ClosedRange<UInt16>?
    public var destinationPorts: ClosedRange<UInt16>?
    public var isInverted: Bool?
    public var suppressedLength: UInt8?
    public var suppressedGroup: UInt32?

    public init() {}

    /// The family that is said or follows from a prefix; of rules that could be of either, IPv4, as `ip rule` has it.
    public var resolvedFamily: AddressFamily { family ?? source?.family ?? destination?.family ?? .inet }

    /// The bits of the mark, as `ip rule` has them: all of them if it isn't said which, but for 0, which is any (kernel
    /// `fib_nl2rule`).
    private var resolvedMark: PolicyRule.Mark? {
        guard mark != nil || markMask != nil else { return nil }
        let value = mark ?? 0
        return PolicyRule.Mark(value: value, mask: markMask ?? (value == 0 ? 0 : .max))
    }

    private func resolvedAction() throws(FIBError) -> PolicyRule.Action {
        switch (target, action, table) {
        case (let target?, nil, nil): return .goto(target)
        case (nil, let action?, nil): return action
        case (nil, nil, let table): return .table(table ?? .main)
        default:
            throw FIBError(
                .einval, .ruleInvalid, "a rule has one action: table, goto, or action", rule: "R1-11")
        }
    }

    /// The rule that is meant, with its priority if that isn't said.
    ///
    /// Throws EINVAL for what the kernel refuses (R1-07, R1-11, appendix E).
    public func rule(at given: @autoclosure () -> UInt32) throws(FIBError) -> PolicyRule {
        var rule = PolicyRule(
            family: resolvedFamily, priority: priority ?? given(), try resolvedAction())
        rule.protocol = self.protocol ?? rule.protocol
        (rule.source, rule.destination) = (source, destination)
        (rule.tos, rule.dscp) = (tos ?? 0, dscp)
        (rule.input, rule.output) = (input ?? "", output ?? "")
        rule.mark = resolvedMark ?? PolicyRule.Mark()
        rule.tunnel = tunnel ?? 0
        // All of them are as good as any.
        rule.users = users == 0...UInt32.max ? nil : users
        rule.ipProtocol = ipProtocol ?? rule.ipProtocol
        (rule.sourcePorts, rule.destinationPorts) = (sourcePorts, destinationPorts)
        rule.isInverted = isInverted ?? false
        (rule.suppressedLength, rule.suppressedGroup) = (suppressedLength, suppressedGroup)
        try rule.validate()
        return rule
    }

    /// Whether a rule agrees in all that is said (R1-13).
    public func agrees(with rule: PolicyRule) -> Bool {
        func holds<Value: Equatable>(_ said: Value?, _ is: Value?) -> Bool { said.map { $0 == `is` } ?? true }
        let target: UInt32? = if case .goto(let target) = rule.action { target } else { nil }
        return holds(family, rule.family) && holds(priority, rule.priority) && holds(table, rule.table)
            && holds(self.target, target) && holds(action, rule.action) && holds(self.protocol, rule.protocol)
            && holds(source, rule.source) && holds(destination, rule.destination)
            && holds(tos, rule.tos) && holds(dscp, rule.dscp)
            && holds(input, rule.input) && holds(output, rule.output)
            && holds(resolvedMark, rule.mark) && holds(tunnel, rule.tunnel)
            && holds(users, rule.users ?? 0...UInt32.max) && holds(ipProtocol, rule.ipProtocol)
            && holds(sourcePorts, rule.sourcePorts) && holds(destinationPorts, rule.destinationPorts)
            && holds(isInverted, rule.isInverted)
            && holds(suppressedLength, rule.suppressedLength) && holds(suppressedGroup, rule.suppressedGroup)
    }
}

extension PolicyRule {
    /// What the kernel refuses of a rule.
    fileprivate func validate() throws(FIBError) {
        if case .goto(let target) = action, target <= priority {
            throw FIBError(
                .einval, .ruleInvalid, "a rule of priority \(priority) can't go back to \(target), only forward",
                rule: "R1-11")
        }
        for prefix in [source, destination].compactMap(\.self) where prefix.family != family {
            throw FIBError(.einval, .familyMismatch, "\(prefix) is not of the rule's family \(family.name)")
        }
        // Source: kernel `fib4_rule_configure`, `IPTOS_TOS_MASK`.
        if tos & 0x03 != 0 || family == .inet && tos & ~0x1E != 0 {
            throw FIBError(
                .einval, .tosInvalid,
                "tos \(tos) of a rule: the ECN bits must be 0"
                    + (family == .inet ? ", and so must the three highest; use dscp to compare all six" : ""),
                rule: "R1-07")
        }
        if tos != 0, dscp != nil { throw FIBError(.einval, .tosInvalid, "give tos or dscp, not both") }
        for ports in [sourcePorts, destinationPorts].compactMap(\.self) {
            // Source: kernel `fib_rule_port_range_valid`.
            guard ports.lowerBound == 0 || ports.upperBound == .max else { continue }
            throw FIBError(
                .einval, .ruleInvalid, "ports \(ports.lowerBound) to \(ports.upperBound) are not in 1…65534")
        }
        if let length = suppressedLength, length > family.maximumLength {
            throw FIBError(
                .einval, .ruleInvalid, "a prefix length of \(length) is not in 0…\(family.maximumLength)", rule: "R1-14"
            )
        }
    }
}
