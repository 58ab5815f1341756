internal import Addressing
internal import Bytes
internal import JSON
public import Routing

/// Members of an entry, each with the comma before it; left out where they are at their default.
extension [UInt8] {
    /// `opening` is all of the member up to its value, and the quotation mark if there is one.
    mutating func append(_ opening: StaticString, text value: String) {
        append(literal: opening)
        let utf8 = value.utf8Span
        append(copying: utf8.span)
        append(UInt8(ascii: "\""))
    }

    mutating func append(_ opening: StaticString, _ address: IPAddress) {
        append(literal: opening)
        address.append(to: &self)
        append(UInt8(ascii: "\""))
    }

    mutating func append(_ opening: StaticString, number: UInt64) {
        append(literal: opening)
        appendDecimal(number)
    }

    /// In the order in which iproute2 prints them.
    mutating func appendFlags(_ flags: NextHop.Flags, _ leg: LegStatus = [], _ status: HardwareFlags = []) {
        let names: [(StaticString, Bool)] = [
            ("\"dead\"", leg.contains(.dead)), ("\"onlink\"", flags.contains(.onlink)),
            ("\"pervasive\"", flags.contains(.pervasive)), ("\"linkdown\"", leg.contains(.linkDown)),
            ("\"rt_offload\"", status.contains(.offload)), ("\"rt_trap\"", status.contains(.trap)),
            ("\"rt_offload_failed\"", status.contains(.offloadFailed)),
        ].filter(\.1)
        for (index, (name, _)) in names.enumerated() {
            append(literal: index == 0 ? ",\"flags\":[" : ",")
            append(literal: name)
        }
        if !names.isEmpty { append(UInt8(ascii: "]")) }
    }

    mutating func appendGateway(of hop: NextHop, _ family: AddressFamily) {
        if let gateway = hop.gateway, gateway.family == family { append(",\"gateway\":\"", gateway) }
    }

    mutating func appendVia(of hop: NextHop, _ family: AddressFamily) {
        guard let gateway = hop.gateway, gateway.family != family else { return }
        append(",\"via\":{\"family\":\"", text: gateway.family.name)
        append(",\"host\":\"", gateway)
        append(UInt8(ascii: "}"))
    }

    mutating func appendMetrics(_ metrics: RouteMetrics) {
        if metrics.isEmpty { return }
        var members: [(name: String, value: [UInt8])] = metrics.values.map { metric in
            var value: [UInt8] = []
            value.appendDecimal(metric.value)
            return (RouteMetrics.names[Int(metric.name)], value)
        }
        if !metrics.algorithm.isEmpty {
            var value: [UInt8] = []
            value.appendJSON(string: metrics.algorithm)
            members.append((RouteMetrics.names[RouteMetrics.congestion], value))
        }
        if metrics.locks != 0 {
            let names = metrics.lockedNames.map { "\"\($0)\"" }.joined(separator: ",")
            members.append(("lock", Array("[\(names)]".utf8)))
        }
        append(literal: ",\"metrics\":")
        for (index, member) in members.sorted(by: { $0.name < $1.name }).enumerated() {
            append(literal: index == 0 ? "{" : ",")
            appendJSON(string: member.name)
            append(UInt8(ascii: ":"))
            append(contentsOf: member.value)
        }
        append(UInt8(ascii: "}"))
    }

    /// The list of nexthops.
    mutating func append(_ hops: [NextHop], _ legs: [LegStatus]?, _ family: AddressFamily) {
        append(literal: ",\"nexthops\":[")
        for (index, hop) in hops.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            // The first member has no comma before it; all members are written with one, so its place is overwritten.
            let start = count
            if !hop.device.isEmpty {
                append(literal: ",\"dev\":")
                appendJSON(string: hop.device)
            }
            appendFlags(hop.flags, legs?[index] ?? [])
            appendGateway(of: hop, family)
            appendVia(of: hop, family)
            if hop.weight != 1 { append(",\"weight\":", number: UInt64(hop.weight)) }
            self[start] = UInt8(ascii: "{")
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "]"))
    }

    /// `"flags":[…]`, also if there are none.
    public mutating func append(flagsOf leg: LegStatus) {
        append(literal: "\"flags\":[")
        if leg.contains(.dead) { append(literal: "\"dead\"") }
        if leg.contains(.linkDown) { append(literal: leg.contains(.dead) ? ",\"linkdown\"" : "\"linkdown\"") }
        append(UInt8(ascii: "]"))
    }
}
