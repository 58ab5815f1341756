internal import Threads

/// The locks of traffic control, outermost first: as in the kernel since filters are updated without its global lock (R4-60).
extension LockRank {
    /// L0, the kernel's RTNL: for classifiers that can't do without.
    static let global = LockRank(40, "global")
    /// L2: the protos of one chain. Never two at once.
    static let chain = LockRank(42, "chain")
    /// L3: the chains of one block, and who holds them.
    static let block = LockRank(43, "block")
    /// L3': the protos of a block that are being destroyed.
    static let destruction = LockRank(44, "destruction")
    /// L4: the filters of one proto.
    static let proto = LockRank(45, "proto")
    /// Letting go of actions of a namespace, and the number of that.
    static let releases = LockRank(46, "releases of actions")
    /// The actions of one kind.
    static let actions = LockRank(47, "actions")
    /// Which blocks a namespace has. Held for a look-up, whatever else is held: the kernel's `idr_lock`.
    static let blocks = LockRank(48, "blocks")
    /// Which links a namespace has, and which hardware takes its filters. It changes within the exclusive gate, and is held for a
    /// look-up.
    static let surroundings = LockRank(49, "links and filter hardware")
}
