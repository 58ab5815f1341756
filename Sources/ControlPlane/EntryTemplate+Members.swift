internal import Addressing
internal import JSON
internal import Routing

/// Members of an entry, each with the comma before it; left out where they are at their default.
extension [UInt8] {
    mutating func append(member name: String, _ value: String) {
        append(name: name)
        append(UInt8(ascii: "\""))
        append(contentsOf: value.utf8)
        append(UInt8(ascii: "\""))
    }

    mutating func append(member name: String, _ address: IPAddress) {
        append(name: name)
        append(UInt8(ascii: "\""))
        address.append(to: &self)
        append(UInt8(ascii: "\""))
    }

    mutating func append(member name: String, number: UInt64) {
        append(name: name)
        appendDecimal(number)
    }

    private mutating func append(name: String) {
        appendASCII(",\"")
        appendASCII(name)
        appendASCII("\":")
    }

    mutating func appendFlags(of hop: NextHop) {
        if hop.flags.isEmpty { return }
        appendASCII(",\"flags\":[")
        if hop.flags.contains(.onlink) { appendASCII("\"onlink\"") }
        if hop.flags.contains(.pervasive) {
            appendASCII(hop.flags.contains(.onlink) ? ",\"pervasive\"" : "\"pervasive\"")
        }
        append(UInt8(ascii: "]"))
    }

    mutating func appendGateway(of hop: NextHop, _ family: AddressFamily) {
        if let gateway = hop.gateway, gateway.family == family { append(member: "gateway", gateway) }
    }

    mutating func appendVia(of hop: NextHop, _ family: AddressFamily) {
        guard let gateway = hop.gateway, gateway.family != family else { return }
        appendASCII(",\"via\":{\"family\":\"")
        appendASCII(gateway.family.name)
        append(UInt8(ascii: "\""))
        append(member: "host", gateway)
        append(UInt8(ascii: "}"))
    }

    mutating func appendMetrics(_ metrics: RouteMetrics) {
        if metrics.values.isEmpty { return }
        appendASCII(",\"metrics\":{")
        for (index, metric) in metrics.values.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            appendJSON(string: RouteMetrics.names[Int(metric.name)])
            append(UInt8(ascii: ":"))
            appendDecimal(UInt64(metric.value))
        }
        append(UInt8(ascii: "}"))
    }

    /// The list of nexthops.
    mutating func append(_ hops: [NextHop], _ family: AddressFamily) {
        appendASCII(",\"nexthops\":[")
        for (index, hop) in hops.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            // The first member has no comma before it; all members are written with one, so its place is overwritten.
            let start = count
            if !hop.device.isEmpty {
                appendASCII(",\"dev\":")
                appendJSON(string: hop.device)
            }
            appendFlags(of: hop)
            appendGateway(of: hop, family)
            appendVia(of: hop, family)
            if hop.weight != 1 { append(member: "weight", number: UInt64(hop.weight)) }
            self[start] = UInt8(ascii: "{")
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "]"))
    }
}
