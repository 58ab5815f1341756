internal import Addressing
internal import JSON
internal import Routing

extension PolicyRule {
    /// As `ip -json rule` names them, in values that say all: prefixes with their lengths, flags as true. Left out at their
    /// defaults: all but family, priority, source and protocol.
    func add(to members: inout JSONMembers) {
        members.add("family", text: family.name)
        members.add("priority", number: UInt64(priority))
        members.add("protocol", text: self.protocol.name)
        members.add("src", text: source.map(\.description) ?? "all")
        if let destination { members.add("dst", text: destination.description) }
        if isInverted { members.add("not", true) }
        if tos != 0 { members.add("tos", number: UInt64(tos)) }
        if let dscp { members.add("dscp", number: UInt64(dscp)) }
        if !input.isEmpty { members.add("iif", text: input) }
        if !output.isEmpty { members.add("oif", text: output) }
        if !mark.isAny {
            members.add("fwmark", text: Self.hexadecimal(mark.value))
            if mark.mask != .max { members.add("fwmask", text: Self.hexadecimal(mark.mask)) }
        }
        if tunnel != 0 { members.add("tun_id", number: tunnel) }
        if let users {
            members.add("uid_start", number: UInt64(users.lowerBound))
            members.add("uid_end", number: UInt64(users.upperBound))
        }
        if ipProtocol.rawValue != 0 { members.add("ipproto", text: ipProtocol.name) }
        Self.add(sourcePorts, "sport", to: &members)
        Self.add(destinationPorts, "dport", to: &members)
        addAction(to: &members)
        if let suppressedLength { members.add("suppress_prefixlen", number: UInt64(suppressedLength)) }
        if let suppressedGroup { members.add("suppress_ifgroup", text: LinkGroup.name(suppressedGroup)) }
    }

    private func addAction(to members: inout JSONMembers) {
        switch action {
        case .table(let id): members.add("table", text: id.name)
        case .goto(let target): members.add("goto", number: UInt64(target))
        case .nop: members.add("action", text: "nop")
        case .unreachable: members.add("action", text: "unreachable")
        case .prohibit: members.add("action", text: "prohibit")
        case .blackhole: members.add("action", text: "blackhole")
        }
    }

    /// One port as itself, several by their ends.
    private static func add(_ ports: ClosedRange<UInt16>?, _ name: String, to members: inout JSONMembers) {
        guard let ports else { return }
        if ports.count == 1 { return members.add(name, number: UInt64(ports.lowerBound)) }
        members.add("\(name)_start", number: UInt64(ports.lowerBound))
        members.add("\(name)_end", number: UInt64(ports.upperBound))
    }

    /// As `%#x` has it.
    private static func hexadecimal(_ number: UInt32) -> String {
        number == 0 ? "0" : "0x" + String(number, radix: 16)
    }
}
