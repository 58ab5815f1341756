/// How many peers there may be, and how long those that no one holds stay. Of both families.
///
/// Source: kernel net/ipv4/inetpeer.c `inet_peer_gc`; R5-06…R5-08. Names are those of `net.ipv4.inet_peer_…`.
public struct PeerLimits: Hashable, Sendable {
    /// From so many on, those that no one holds stay no longer than until someone is looked for beside them.
    public var threshold: UInt32 = 65_664
    /// In seconds: how long they stay when there are nearly so many.
    public var minimumIdle: UInt32 = 120
    /// In seconds: how long they stay when there are few.
    public var maximumIdle: UInt32 = 600

    public init() {}

    /// How long one that no one holds stays, in milliseconds (R5-07).
    func allowedIdle(of total: Int) -> UInt64 {
        if total >= Int(threshold) { return 0 }
        let (least, most) = (UInt64(minimumIdle) * 1_000, UInt64(maximumIdle) * 1_000)
        guard most > least else { return most }
        return most - (most - least) * UInt64(total) / UInt64(threshold)
    }
}
