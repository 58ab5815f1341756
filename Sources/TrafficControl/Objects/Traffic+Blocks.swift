internal import ChangeLog
public import Routing
internal import Synchronization
internal import Threads

/// Blocks come and go within the exclusive gate, with the qdiscs that they belong to.
extension Traffic {
    /// Nil if there is none; one that is on its way out is still there.
    public func block(_ place: BlockIdentity.Place) -> Block? { blocks.withLock { $0.there[place] } }

    /// In the order in which they are listed.
    public var allBlocks: [Block] {
        blocks.withLock { Array($0.there.values) }.sorted { $0.identity.place < $1.identity.place }
    }

    /// Whether it has no block and no action.
    public var isEmpty: Bool {
        blocks.withLock { $0.there.isEmpty } && ActionContent.kinds.allSatisfy { actions[$0]?.image.isEmpty ?? true }
    }

    /// The block, made if there is none. One that the same draft has removed comes back, since requests may wait that are about it.
    @discardableResult
    public func addBlock(_ identity: BlockIdentity) -> Block {
        blocks.withLock { blocks in
            if let block = blocks.there[identity.place] { return block }
            let block = blocks.parted.removeValue(forKey: identity.place) ?? Block(identity, host)
            block.isEnding.store(false, ordering: .relaxed)
            blocks.there[identity.place] = block
            return block
        }
    }

    /// It must be empty, and no qdisc may give it packets.
    public func removeBlock(_ place: BlockIdentity.Place) {
        blocks.withLock { blocks in
            guard let block = blocks.there.removeValue(forKey: place) else { return }
            blocks.parted[place] = block
            block.isEnding.store(true, ordering: .relaxed)
            block.departures.change { $0 += 1 }
        }
    }

    /// Blocks that were removed are so for good: the draft is done.
    public func forgetParted() {
        blocks.withLock { blocks in
            for block in blocks.parted.values { block.isGone.store(true, ordering: .relaxed) }
            blocks.parted = [:]
        }
    }

    /// Whether nothing comes into any of its blocks any more, nor any action: the namespace is going. Within the exclusive gate.
    public func setClosed(_ isClosed: Bool) { self.isClosed.store(isClosed, ordering: .relaxed) }

    /// Nothing comes into the block any more. Within the exclusive gate.
    public func end(_ block: Block) { block.isEnding.store(true, ordering: .relaxed) }

    /// It goes on after all, unless someone else has removed it meanwhile: what came into it then would be nowhere.
    public func revive(_ block: Block) {
        blocks.withLock { blocks in
            if blocks.there[block.identity.place] === block { block.isEnding.store(false, ordering: .relaxed) }
        }
    }

    /// Removes all that is in a block.
    ///
    /// - Returns: how many filters are gone.
    @discardableResult
    public func empty(_ block: Block, _ access: Access = []) throws(FIBError) -> Int {
        var count = 0
        while true {
            let departed = block.departed
            let chains = block.chains
            if chains.isEmpty { return count }
            for (chain, _) in chains {
                count += try empty(chain.index, in: block, access.union(.ending)) { block.endExplicit($0) } ?? 0
            }
            // What is still there someone else is emptying; within the exclusive gate no one is.
            if !access.contains(.exclusive), !block.isBare { block.awaitDeparture(after: departed) }
        }
    }
}

extension Block {
    /// Whether it takes nothing any more.
    public var isOnItsWayOut: Bool { isEnding.load(ordering: .relaxed) }

    /// What a request that follows changes at once, without waiting for something that is on its way out. Within the exclusive gate.
    public var isQuiet: Bool {
        let chains = state.withLock { $0.holders.values.map(\.chain) }
        return destruction.withLock { $0.isEmpty }
            && chains.allSatisfy { chain in
                !chain.isFlushing.load(ordering: .acquiring) && chain.state.withLock { $0.leaving.isEmpty }
            }
    }

    /// Whether no one sees a chain of it.
    fileprivate var isBare: Bool { state.withLock { $0.holders.values.allSatisfy { $0.told == nil } } }

    /// How much has gone for good.
    public var departed: UInt64 { departures.withLock { $0 } }

    /// Waits, for a second at most, until more has gone for good than that.
    public func awaitDeparture(after departed: UInt64) {
        _ = departures.wait(seconds: 1) { $0 == departed ? nil : $0 }
    }
}

extension BlockIdentity.Place: Comparable, CustomStringConvertible {
    /// Shared ones by number, then those of links by name.
    public static func < (a: Self, b: Self) -> Bool { a.order < b.order }

    private var order: (UInt32, String, Int) {
        switch self {
        case .shared(let number): (number, "", 0)
        case .ingress(let device): (.max, device, 0)
        case .egress(let device): (.max, device, 1)
        }
    }

    /// As paths have it: `22`, `eth0:ingress`.
    public var description: String {
        switch self {
        case .shared(let number): "\(number)"
        case .ingress(let device): "\(device):ingress"
        case .egress(let device): "\(device):egress"
        }
    }

    /// The link that it is of; nil for shared ones.
    public var device: String? {
        switch self {
        case .shared: nil
        case .ingress(let device), .egress(let device): device
        }
    }
}
