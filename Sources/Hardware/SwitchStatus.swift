/// How it goes with a simulated switch.
public struct SwitchCounters: Hashable, Sendable {
    /// Routes that came into hardware, or took the place of another one there.
    public var programmed = 0
    public var failed = 0
    /// Prefixes that left hardware because their route went.
    public var deleted = 0
    public var failedDeletes = 0
    /// Results that were never reported.
    public var lost = 0
    public var duplicated = 0
    /// Reports of entries that were not there any more (ESTALE).
    public var stale = 0
    /// Routes that the profile `netdevsim` refused.
    public var vetoed = 0
    /// Programmings of what had failed before.
    public var retries = 0

    public init() {}
}

/// Entries that are taken, of those that there is a capacity for.
public struct SwitchOccupancy: Hashable, Sendable {
    public var ipv4 = 0
    public var ipv6 = 0
    public var nexthops = 0
    public var filters = 0
    public var ipv4Rules = 0
    public var ipv6Rules = 0

    public init() {}
}
