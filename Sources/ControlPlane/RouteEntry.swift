internal import Addressing
public import ChangeLog
internal import JSON
public import Routing

/// The canonical bytes of a route's entry (RFC 8785: keys sorted, no white space), of which its hash is made.
///
/// Keys at their default are left out, but for `namespace, family, table, type, dst, metric, protocol`; an absent scope
/// means global.
public enum RouteEntry {
    public static func hash(_ table: TableIdentity, _ route: Route, using scratch: inout [UInt8]) -> EntryHash {
        hash(table, RouteKey(route.prefix, tos: route.tos, metric: route.metric, position: 0), route.info, &scratch)
    }

    static func hash(
        _ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, _ scratch: inout [UInt8]
    ) -> EntryHash {
        scratch.removeAll(keepingCapacity: true)
        append(table, key, info, to: &scratch)
        return EntryHash(of: scratch.span)
    }

    public static func append(_ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        appendMembers(table, key, info, status: nil, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together.
    ///
    /// - Parameter hardware: also say what hardware makes of it. There is no device, so that is always nothing.
    public static func appendRow(
        _ table: TableIdentity, _ route: PlacedRoute, hardware: Bool = false, to bytes: inout [UInt8]
    ) {
        bytes.append(UInt8(ascii: "{"))
        appendMembers(table, route.key, route.value.info, status: route.value, hardware: hardware, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func appendMembers(
        _ table: TableIdentity, _ key: RouteKey, _ info: RouteInfo, status: StoredRoute?,
        hardware: Bool = false, to bytes: inout [UInt8]
    ) {
        let fields = info.fields
        let hops = fields.nextHops
        let single = hops.count == 1 ? hops[0] : nil
        if let single, !single.device.isEmpty {
            bytes.appendASCII("\"dev\":")
            bytes.appendJSON(string: single.device)
            bytes.append(UInt8(ascii: ","))
        }
        bytes.appendASCII("\"dst\":\"")
        key.prefix(table.family).append(to: &bytes)
        bytes.appendASCII(table.family == .inet ? "\",\"family\":\"inet\"" : "\",\"family\":\"inet6\"")
        if let single { appendFlags(single, to: &bytes) }
        if let single, let gateway = single.gateway, gateway.family == table.family {
            append(gateway, as: ",\"gateway\":\"", to: &bytes)
        }
        if let status { appendHash(status.hash, to: &bytes) }
        if let status, hardware {
            append(
                number: status.version.rawValue,
                as: ",\"hw\":{\"reason\":\"no-device\",\"state\":\"none\",\"version\":", to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.appendASCII(",\"metric\":")
        bytes.appendDecimal(UInt64(key.metric))
        if !fields.metrics.values.isEmpty { append(fields.metrics, to: &bytes) }
        bytes.append(contentsOf: table.namespaceMember)
        if hops.count > 1 { append(hops, table, to: &bytes) }
        if fields.preference != .medium {
            bytes.appendASCII(fields.preference == .high ? ",\"pref\":\"high\"" : ",\"pref\":\"low\"")
        }
        if let source = fields.preferredSource { append(source, as: ",\"prefsrc\":\"", to: &bytes) }
        append(fields.protocol.name, as: ",\"protocol\":\"", to: &bytes)
        if fields.scope != .global { append(fields.scope.name, as: ",\"scope\":\"", to: &bytes) }
        if let status { append(number: status.version.rawValue, as: ",\"seq\":", to: &bytes) }
        bytes.append(contentsOf: table.tableMember)
        if key.tos != 0 { append(number: UInt64(key.tos), as: ",\"tos\":", to: &bytes) }
        append(fields.type.name, as: ",\"type\":\"", to: &bytes)
        if let status { append(number: status.version.rawValue, as: ",\"version\":", to: &bytes) }
        if let single { appendVia(single, table, to: &bytes) }
        if let single, single.weight != 1 { append(number: UInt64(single.weight), as: ",\"weight\":", to: &bytes) }
    }

    private static func appendFlags(_ hop: NextHop, to bytes: inout [UInt8]) {
        if hop.flags.isEmpty { return }
        bytes.appendASCII(",\"flags\":[")
        if hop.flags.contains(.onlink) { bytes.appendASCII("\"onlink\"") }
        if hop.flags.contains(.pervasive) {
            bytes.appendASCII(hop.flags.contains(.onlink) ? ",\"pervasive\"" : "\"pervasive\"")
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func append(_ metrics: RouteMetrics, to bytes: inout [UInt8]) {
        bytes.appendASCII(",\"metrics\":{")
        for (index, metric) in metrics.values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.appendJSON(string: RouteMetrics.names[Int(metric.name)])
            bytes.append(UInt8(ascii: ":"))
            bytes.appendDecimal(UInt64(metric.value))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func append(_ hops: [NextHop], _ table: TableIdentity, to bytes: inout [UInt8]) {
        bytes.appendASCII(",\"nexthops\":[")
        for (index, hop) in hops.enumerated() {
            // The first member has no comma before it; all members are written with one, so its place is overwritten.
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            let start = bytes.count
            if !hop.device.isEmpty {
                bytes.appendASCII(",\"dev\":")
                bytes.appendJSON(string: hop.device)
            }
            appendFlags(hop, to: &bytes)
            if let gateway = hop.gateway, gateway.family == table.family {
                append(gateway, as: ",\"gateway\":\"", to: &bytes)
            }
            appendVia(hop, table, to: &bytes)
            if hop.weight != 1 { append(number: UInt64(hop.weight), as: ",\"weight\":", to: &bytes) }
            bytes[start] = UInt8(ascii: "{")
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func appendVia(_ hop: NextHop, _ table: TableIdentity, to bytes: inout [UInt8]) {
        guard let gateway = hop.gateway, gateway.family != table.family else { return }
        bytes.appendASCII(",\"via\":{\"family\":")
        bytes.appendJSON(string: gateway.family.name)
        append(gateway, as: ",\"host\":\"", to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func appendHash(_ hash: EntryHash, to bytes: inout [UInt8]) {
        bytes.appendASCII(",\"h\":\"")
        bytes.append(hash)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(_ address: IPAddress, as member: String, to bytes: inout [UInt8]) {
        bytes.appendASCII(member)
        address.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(_ name: String, as member: String, to bytes: inout [UInt8]) {
        bytes.appendASCII(member)
        bytes.append(contentsOf: name.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func append(number: UInt64, as member: String, to bytes: inout [UInt8]) {
        bytes.appendASCII(member)
        bytes.appendDecimal(number)
    }
}

extension [UInt8] {
    /// 32 lower-case hexadecimal digits.
    public mutating func append(_ hash: EntryHash) {
        appendHex(hash.high, digits: 16)
        appendHex(hash.low, digits: 16)
    }

    /// 32 lower-case hexadecimal digits.
    public mutating func append(_ digest: StateDigest) {
        appendHex(digest.high, digits: 16)
        appendHex(digest.low, digits: 16)
    }
}
