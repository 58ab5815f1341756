import Addressing

extension PolicyRule {
    /// Of what is compared between a rule and a packet. Names as `ip rule` has them.
    public enum Selector: String, Sendable {
        case source = "src"
        case destination = "dst"
        case tos, dscp
        case input = "iif"
        case output = "oif"
        case mark = "fwmark"
        case tunnel = "tun_id"
        case users = "uidrange"
        case ipProtocol = "ipproto"
        case sourcePorts = "sport"
        case destinationPorts = "dport"
        /// All agrees, and the rule is for packets of which not all does.
        case not
    }

    /// Why the rule is not for packets that agree with the query; nil if it is (R1-08; kernel `fib_rule_match`).
    func objection(to query: LookupQuery) -> Selector? {
        let disagreement = disagreement(with: query)
        guard isInverted else { return disagreement }
        return disagreement == nil ? .not : nil
    }

    private func disagreement(with query: LookupQuery) -> Selector? {
        // What is made here comes in by the loopback, to the kernel.
        if !input.isEmpty, input != query.input ?? "lo" { return .input }
        if !output.isEmpty, output != query.device { return .output }
        if (mark.value ^ query.mark) & mark.mask != 0 { return .mark }
        if tunnel != 0, tunnel != query.tunnel { return .tunnel }
        if let users, !(query.user.map(users.contains) ?? false) { return .users }
        if let destination, !destination.contains(query.destination) { return .destination }
        if let source, !holds(source, query.source) { return .source }
        if let dscp {
            if dscp != query.tos >> 2 { return .dscp }
        } else if tos != 0, tos != query.tos & (family == .inet ? 0x1C : 0xFC) {
            return .tos
        }
        if ipProtocol.rawValue != 0, ipProtocol.rawValue != query.ipProtocol { return .ipProtocol }
        if let sourcePorts, !sourcePorts.contains(query.sourcePort) { return .sourcePorts }
        if let destinationPorts, !destinationPorts.contains(query.destinationPort) { return .destinationPorts }
        return nil
    }

    /// A packet whose source is yet to be chosen has 0.0.0.0 in IPv4, and none in IPv6 (kernel `fib6_rule_match`).
    private func holds(_ prefix: Prefix, _ source: IPAddress?) -> Bool {
        if let source { return prefix.contains(source) }
        return family == .inet ? prefix.contains(IPAddress(inet: 0)) : prefix.length == 0
    }
}
