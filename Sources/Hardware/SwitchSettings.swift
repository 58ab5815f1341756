/// How a simulated switch behaves: what its operator sets.
public struct SwitchSettings: Hashable, Sendable {
    /// What of a full table it does, and after which model.
    public enum Profile: String, CaseIterable, Sendable {
        /// As operators of a switch expect: what it can forward is offloaded, and what it has no room for fails.
        case asic
        /// As the kernel's simulator: everything is trapped, and what it has no room for is refused (R3-20…R3-34).
        case netdevsim
    }

    /// Entries that there is room for; nil without a limit.
    public struct Capacity: Hashable, Sendable {
        public var ipv4: Int?
        public var ipv6: Int?
        /// Distinct legs of the routes in hardware. The kernel's simulator counts nexthop objects here, of which there are
        /// none: so the profile `netdevsim` has no use for it.
        public var nexthops: Int?
        public var filters: Int?
        /// Policy rules. Only the profile `netdevsim` counts them (R3-25); others leave rules to software.
        public var ipv4Rules: Int?
        public var ipv6Rules: Int?

        public init(ipv4: Int? = nil, ipv6: Int? = nil, nexthops: Int? = nil, filters: Int? = nil) {
            self.ipv4 = ipv4
            self.ipv6 = ipv6
            self.nexthops = nexthops
            self.filters = filters
        }
    }

    /// How long it takes to program an entry, in milliseconds: drawn for each one, evenly.
    public struct Latency: Hashable, Sendable {
        public static let longest = 60_000
        public let minimum: Int
        public let maximum: Int

        /// Nil unless 0 ≤ minimum ≤ maximum ≤ 60,000.
        public init?(minimum: Int, maximum: Int) {
            guard minimum >= 0, minimum <= maximum, maximum <= Self.longest else { return nil }
            self.init(unchecked: minimum, maximum)
        }

        private init(unchecked minimum: Int, _ maximum: Int) {
            self.minimum = minimum
            self.maximum = maximum
        }

        public static let standard = Latency(unchecked: 0, 1)
    }

    /// What goes wrong, on purpose. Counts of 0 mean never, 1 always.
    public struct Faults: Hashable, Sendable {
        /// Every programming fails (R3-30).
        public var failsRouteOffload = false
        /// Every deletion fails (R3-31).
        public var failsRouteDelete = false
        /// Each n-th programming fails.
        public var failEvery = 0
        /// Each n-th result is never reported.
        public var loseEvery = 0
        /// Each n-th result is reported twice.
        public var duplicateEvery = 0
        /// With each n-th result, the version before is reported once more, later.
        public var staleEvery = 0
        /// Results overtake each other, also those of one route. Of one version of it, what was overtaken isn't reported.
        public var reorders = false

        public init() {}
    }

    public var capacity = Capacity()
    public var latency = Latency.standard
    public var profile = Profile.asic
    public var faults = Faults()
    /// Everything that is drawn follows from it.
    public var seed: UInt64 = 1

    public init() {}
}
