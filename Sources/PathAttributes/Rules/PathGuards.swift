public import Addressing

/// What operators ask for against messages that are forged, of both families.
public struct PathGuards: Hashable, Sendable {
    /// The least path MTU that is believed of destinations in a prefix, in bytes.
    public struct Floor: Hashable, Sendable {
        public let prefix: Prefix
        public let mtu: UInt32

        public init(_ prefix: Prefix, _ mtu: UInt32) {
            self.prefix = prefix
            self.mtu = mtu
        }
    }

    /// Of those that hold a destination, the longest counts, in place of `PathSettings.leastMTU`.
    public var floors: [Floor] = []
    /// Whose messages are ignored.
    public var ignoredSources: [Prefix] = []
    /// About whom messages are ignored.
    public var ignoredDestinations: [Prefix] = []
    /// How many peers may be there because of one source; 0 for any number.
    public var peersPerSource: UInt32 = 0
    /// How many messages are looked at in a second; 0 for any number.
    public var messagesPerSecond: UInt32 = 0

    public init() {}

    /// The least path MTU that is believed of a destination.
    public func leastMTU(to destination: IPAddress, _ settings: PathSettings) -> UInt32 {
        let holding = floors.filter { $0.prefix.contains(destination) }
        return holding.max { $0.prefix.length < $1.prefix.length }?.mtu ?? settings.leastMTU
    }

    /// Why a message is not looked at; nil if it is.
    public func refusal(of destination: IPAddress, from sender: IPAddress?) -> PathDecision? {
        if let sender, let prefix = ignoredSources.first(where: { $0.contains(sender) }) {
            return .ignored("ignored-source", "messages from \(prefix) are ignored")
        }
        if let prefix = ignoredDestinations.first(where: { $0.contains(destination) }) {
            return .ignored("ignored-destination", "messages about \(prefix) are ignored")
        }
        return nil
    }
}

/// How many messages are looked at in a second: as many at once as in a second.
public struct MessageRate: Sendable {
    /// In thousandths of a message.
    private var tokens: UInt64 = 0
    private var last: UInt64 = 0

    public init() {}

    /// Whether one more is looked at now, in milliseconds since 1970; it counts then.
    public mutating func allows(_ perSecond: UInt32, now: UInt64) -> Bool {
        if perSecond == 0 { return true }
        let capacity = UInt64(perSecond) * 1_000
        // A second fills it.
        tokens = now > last ? min(capacity, tokens + min(now - last, 1_000) * UInt64(perSecond)) : min(capacity, tokens)
        last = max(last, now)
        if tokens < 1_000 { return false }
        tokens -= 1_000
        return true
    }
}
