internal import Addressing

/// What of a packet decides which nexthop of several it takes: `fib_multipath_hash_policy`. Of the kernel's other policies, 2 looks
/// into tunnels and 3 at any fields.
public enum MultipathHashPolicy: UInt8, CaseIterable, Sendable {
    /// Source and destination address.
    case addresses = 0
    /// These, the IP protocol, and its ports.
    case fiveTuple = 1
}

/// Which nexthop of several a flow takes.
public enum Multipath {
    /// The upper bounds of the hashes that each nexthop owns, of 31 bits: the hash of a flow belongs to the first that it isn't
    /// above. Nexthops without a weight own nothing, and have −1 (R1-51; net/ipv4/fib_semantics.c `fib_rebalance`).
    public static func bounds(_ weights: [UInt64]) -> [Int64] {
        let total = weights.reduce(0, +)
        var sum: UInt64 = 0
        return weights.map { weight in
            guard weight > 0 else { return -1 }
            sum += weight
            // Rounded to the closest, as the kernel's DIV_ROUND_CLOSEST_ULL does.
            return Int64((sum << 31 + total / 2) / total) - 1
        }
    }

    /// The nexthop that owns a hash of 31 bits; nil if none has a weight. Those that don't serve are passed over, and what would
    /// then fall to none goes to the first that serves (R1-54; net/ipv4/fib_semantics.c `fib_select_multipath`).
    public static func choice(_ hash: UInt32, _ weights: [UInt64], serves: (Int) -> Bool = { _ in true }) -> Int? {
        var first: Int?
        for (index, bound) in bounds(weights).enumerated() where weights[index] > 0 && serves(index) {
            if Int64(hash) <= bound { return index }
            first = first ?? index
        }
        return first
    }

    /// The hash of a flow (R1-53), of 31 bits. Where no source is given, that of the unspecified one. The kernel mixes a number
    /// of its own in, so that it chooses otherwise at each start; this is the same everywhere and always.
    public static func hash(_ query: LookupQuery, by policy: MultipathHashPolicy) -> UInt32 {
        var mixed: UInt64 = 0
        func mix(_ word: UInt64) {
            // SplitMix64's finaliser (Steele, Lea and Flood, 2014).
            mixed = (mixed ^ word) &+ 0x9E37_79B9_7F4A_7C15
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            mixed ^= mixed >> 31
        }
        mix(query.destination.high)
        mix(query.destination.low)
        mix(query.source?.high ?? 0)
        mix(query.source?.low ?? 0)
        if policy == .fiveTuple {
            let ports = UInt64(query.sourcePort) << 16 | UInt64(query.destinationPort)
            mix(UInt64(query.ipProtocol) << 32 | ports)
        }
        return UInt32(truncatingIfNeeded: mixed >> 33)
    }
}
