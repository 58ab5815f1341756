import Shared

/// A table made up from a seed, as NDJSON: prefix lengths as on the Internet, by and large, one in six routes IPv6.
struct Table {
    /// Each a row with its line feed, in no order.
    let rows: [[UInt8]]
    /// The target of a request for the route of the same row.
    let targets: [String]

    init(count: Int, isSorted: Bool = false) {
        var random = SplitMix64(state: 1)
        var seen: Set<UInt64> = []
        var keys: [UInt64] = []
        while keys.count < count {
            // The upper half of the address; IPv6 in 2000::/3, IPv4 in the lower 32 bits.
            let isIPv6 = keys.count % 6 == 5
            let bits = random.next()
            let key = isIPv6 ? 0x2000_0000_0000_0000 | bits >> 3 & ~0xffff : bits >> 32 & ~0xff
            if seen.insert(key).inserted { keys.append(key) }
        }
        if isSorted { keys.sort() }
        rows = keys.map { key in
            let place = Int(key >> 8 & 63)
            let gateway = key >> 32 == 0 ? "192.0.2.\(place + 1)" : "2001:db8::\(String(place + 1, radix: 16))"
            return Array(
                "{\"dst\":\"\(Self.prefix(key))\",\"gateway\":\"\(gateway)\",\"dev\":\"eth\(place % 4)\",\"protocol\":\"bgp\"}\n"
                    .utf8)
        }
        targets = keys.map { "/v1/routes/\(Self.prefix($0))" }
    }

    private static func prefix(_ key: UInt64) -> String {
        if key >> 32 == 0 { return "\(key >> 24 & 255).\(key >> 16 & 255).\(key >> 8 & 255).0/24" }
        let groups = stride(from: 48, through: 16, by: -16).map { String(key >> UInt64($0) & 0xffff, radix: 16) }
        // A zero group before :: would be swallowed by it in canonical text, but is accepted as input.
        return groups.joined(separator: ":") + "::/48"
    }

    /// The first rows as the pieces of a body, 32 KiB each.
    func pieces(of count: Int? = nil) -> [[UInt8]] {
        var pieces: [[UInt8]] = [[]]
        for row in rows.prefix(count ?? rows.count) {
            if pieces[pieces.count - 1].count + row.count > 32 << 10 { pieces.append([]) }
            pieces[pieces.count - 1] += row
        }
        return pieces
    }
}
