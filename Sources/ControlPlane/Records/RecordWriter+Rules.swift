internal import Addressing
internal import Bytes
internal import Routing

/// Which parts of a rule follow.
private struct RuleParts: OptionSet {
    let rawValue: UInt64
    static let source = RuleParts(rawValue: 1 << 0)
    static let destination = RuleParts(rawValue: 1 << 1)
    static let dscp = RuleParts(rawValue: 1 << 2)
    static let users = RuleParts(rawValue: 1 << 3)
    static let sourcePorts = RuleParts(rawValue: 1 << 4)
    static let destinationPorts = RuleParts(rawValue: 1 << 5)
    static let suppressedLength = RuleParts(rawValue: 1 << 6)
    static let suppressedGroup = RuleParts(rawValue: 1 << 7)
    static let isInverted = RuleParts(rawValue: 1 << 8)
    static let all = RuleParts(rawValue: (1 << 9) - 1)

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(of rule: PolicyRule) {
        self = []
        if rule.source != nil { insert(.source) }
        if rule.destination != nil { insert(.destination) }
        if rule.dscp != nil { insert(.dscp) }
        if rule.users != nil { insert(.users) }
        if rule.sourcePorts != nil { insert(.sourcePorts) }
        if rule.destinationPorts != nil { insert(.destinationPorts) }
        if rule.suppressedLength != nil { insert(.suppressedLength) }
        if rule.suppressedGroup != nil { insert(.suppressedGroup) }
        if rule.isInverted { insert(.isInverted) }
    }
}

extension RecordWriter {
    /// Family, priority, position, action, protocol, what is always there, which other parts there are, these.
    mutating func append(_ placed: PlacedRule) {
        let rule = placed.rule
        append(byte: rule.family == .inet ? 4 : 6)
        append(UInt64(rule.priority))
        append(placed.position)
        append(rule.action)
        append(byte: rule.protocol.rawValue)
        append(byte: rule.tos)
        append(rule.input)
        append(rule.output)
        append(UInt64(rule.mark.value))
        append(UInt64(rule.mark.mask))
        append(rule.tunnel)
        append(byte: rule.ipProtocol.rawValue)
        append(RuleParts(of: rule).rawValue)
        if let prefix = rule.source { append(prefix) }
        if let prefix = rule.destination { append(prefix) }
        if let dscp = rule.dscp { append(byte: dscp) }
        if let users = rule.users { append(users) }
        if let ports = rule.sourcePorts { append(ports) }
        if let ports = rule.destinationPorts { append(ports) }
        if let length = rule.suppressedLength { append(byte: length) }
        if let group = rule.suppressedGroup { append(UInt64(group)) }
    }

    private mutating func append(_ action: PolicyRule.Action) {
        switch action {
        case .table(let id):
            append(byte: 0)
            append(UInt64(id.rawValue))
        case .goto(let target):
            append(byte: 1)
            append(UInt64(target))
        case .nop: append(byte: 2)
        case .unreachable: append(byte: 3)
        case .prohibit: append(byte: 4)
        case .blackhole: append(byte: 5)
        }
    }

    private mutating func append<Number: BinaryInteger>(_ range: ClosedRange<Number>) {
        append(UInt64(range.lowerBound))
        append(UInt64(range.upperBound))
    }
}

extension RecordReader {
    mutating func placedRule() throws(Malformed) -> PlacedRule {
        let family = try family()
        let priority = try bytes.varint(as: UInt32.self)
        let position = try bytes.varint()
        var rule = PolicyRule(family: family, priority: priority, try ruleAction())
        rule.protocol = RouteProtocol(rawValue: try bytes.byte())
        rule.tos = try bytes.byte()
        (rule.input, rule.output) = (try bytes.text(), try bytes.text())
        rule.mark.value = try bytes.varint(as: UInt32.self)
        rule.mark.mask = try bytes.varint(as: UInt32.self)
        rule.tunnel = try bytes.varint()
        rule.ipProtocol = IPProtocol(rawValue: try bytes.byte())
        let parts = RuleParts(rawValue: try bytes.varint())
        guard parts.isSubset(of: .all) else { throw bytes.malformed("unknown parts of a rule") }
        if parts.contains(.source) { rule.source = try prefix(family) }
        if parts.contains(.destination) { rule.destination = try prefix(family) }
        if parts.contains(.dscp) { rule.dscp = try bytes.byte() }
        if parts.contains(.users) { rule.users = try range(of: UInt32.self) }
        if parts.contains(.sourcePorts) { rule.sourcePorts = try range(of: UInt16.self) }
        if parts.contains(.destinationPorts) { rule.destinationPorts = try range(of: UInt16.self) }
        if parts.contains(.suppressedLength) { rule.suppressedLength = try bytes.byte() }
        if parts.contains(.suppressedGroup) { rule.suppressedGroup = try bytes.varint(as: UInt32.self) }
        rule.isInverted = parts.contains(.isInverted)
        return PlacedRule(rule, position: position)
    }

    private mutating func ruleAction() throws(Malformed) -> PolicyRule.Action {
        switch try bytes.byte() {
        case 0: return .table(TableID(rawValue: try bytes.varint(as: UInt32.self)))
        case 1: return .goto(try bytes.varint(as: UInt32.self))
        case 2: return .nop
        case 3: return .unreachable
        case 4: return .prohibit
        case 5: return .blackhole
        case let other: throw bytes.malformed("a rule's action \(other)")
        }
    }

    private mutating func range<Number: FixedWidthInteger>(
        of type: Number.Type
    ) throws(Malformed) -> ClosedRange<Number> {
        let (low, high) = (try bytes.varint(as: type), try bytes.varint(as: type))
        guard low <= high else { throw bytes.malformed("a range from \(low) down to \(high)") }
        return low...high
    }
}
