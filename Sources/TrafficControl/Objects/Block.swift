internal import Atomics
internal import Synchronization
internal import Threads

/// The chains of one qdisc, or of several that share it.
///
/// Lock order: the lock of a chain (L2) outside that of its block (L3), outside that of a proto (L4).
public final class Block: Sendable {
    /// Who holds a chain.
    struct Holders {
        let chain: Chain
        /// Of all who hold it: protos, requests that are under way, actions that lead to it, and it itself if someone made it.
        var all = 0
        /// Of actions among them.
        var actions = 0
        /// Whether someone made it, so that it stays without filters (R4-11).
        var isExplicit = false
        /// What others were told of it; nil while only actions hold it (R4-12).
        var told: StoredChain?

        /// Those who make others see it.
        var visible: Int { all - actions }
    }

    struct State {
        var holders: [UInt32: Holders] = [:]
        /// The qdiscs that give it packets.
        var bindings: [Binding] = []
    }

    public let identity: BlockIdentity
    let host: any TrafficHost
    /// L3: the chains there are, in order, and who holds them (R4-60).
    let state = Locked(State(), rank: .block)
    /// L3': protos that are being destroyed, so that no one makes the like before they are gone (R4-70).
    let destruction = Locked<Set<ProtoIdentity.Place>>([], rank: .destruction)

    /// The hardware that takes its filters; nil if there is none. It changes within the exclusive gate.
    let offload = ManagedAtomic<Offload?>(nil)

    /// Whether it is going, with all that is in it, and takes nothing any more. It begins within the exclusive gate.
    let isEnding = Synchronization.Atomic<Bool>(false)

    /// Whether it is gone for good. Actions that led into it hold its chains still.
    let isGone = Synchronization.Atomic<Bool>(false)

    /// Counts what has gone for good, for who waits for it (R4-68).
    let departures = Monitor<UInt64>(0)

    init(_ identity: BlockIdentity, _ host: any TrafficHost) {
        self.identity = identity
        self.host = host
    }

    /// Those that are visible, in the order in which others were told of them (R4-06, R4-12).
    var chains: [(chain: Chain, told: StoredChain)] {
        let visible = state.withLock { state in
            state.holders.values.compactMap { holders in holders.told.map { (holders.chain, $0) } }
        }
        return visible.sorted { $0.1.version < $1.1.version }
    }

    /// The chain that packets begin with; nil if it isn't there.
    let head = Published<Chain?>()

    /// Chain 0, which is without filters if no one sees it; without a lock, unless it has just come or gone (R4-76).
    var first: Chain? { head.value { state.withLock { state in head.publish(state.holders[0]?.chain) } } }

    /// A chain that others were told of; nil if it isn't there, or only actions hold it.
    func visible(_ index: UInt32) -> Chain? {
        state.withLock { state in state.holders[index].flatMap { $0.told == nil ? nil : $0.chain } }
    }

    /// A chain as others were told of it; nil if it isn't there, or only actions hold it.
    public func told(_ index: UInt32) -> StoredChain? { state.withLock { $0.holders[index]?.told } }

    // MARK: Holding chains

    enum Holder {
        case request, action
    }

    /// The chain, made if need be; who asks holds it from then on. That it is there is told when the first does so who is no action
    /// (R4-15).
    func holdCreating(_ index: UInt32, as holder: Holder) -> Chain {
        state.withLock { state in
            if state.holders[index] == nil { add(index, &state) }
            return hold(index, as: holder, &state)
        }
    }

    /// Nil if it isn't there, or only actions hold it.
    func hold(_ index: UInt32) -> Chain? {
        state.withLock { state in
            guard let holders = state.holders[index], holders.visible > 0 else { return nil }
            return hold(index, as: .request, &state)
        }
    }

    func hold(_ index: UInt32, as holder: Holder, _ state: inout State) -> Chain {
        guard var holders = state.holders[index] else { preconditionFailure("chain \(index) isn't there") }
        holders.all += 1
        if holder == .action { holders.actions += 1 }
        if holders.told == nil, holders.visible > 0 { tell(&holders) }
        state.holders[index] = holders
        return holders.chain
    }

    func add(_ index: UInt32, _ state: inout State) {
        state.holders[index] = Holders(chain: Chain(self, index))
        if index == 0 { head.change() }
    }

    private func tell(_ holders: inout Holders) {
        guard host.isNumbering else { return }
        let identity = holders.chain.identity
        let template = holders.chain.template
        let isExplicit = holders.isExplicit
        let hash = host.hash(.chain(identity, template, isExplicit: isExplicit))
        var told: StoredChain?
        host.commit(1) { _, number in
            let stored = StoredChain(identity, template, isExplicit: isExplicit, version: number, hash: hash)
            told = stored
            return .chain(old: nil, new: stored)
        }
        hint(identity, template, isGone: false)
        holders.told = told
    }

    /// Lets go of a chain. It is told that it is gone when no one else holds it but actions, and it is gone when no one does.
    func letGo(_ chain: Chain, as holder: Holder) {
        state.withLock { state in
            guard var holders = state.holders[chain.index] else {
                preconditionFailure("chain \(chain.index) isn't there")
            }
            holders.all -= 1
            if holder == .action { holders.actions -= 1 }
            precondition(
                holders.visible >= (holders.isExplicit ? 1 : 0) && holders.actions >= 0, "a chain let go too often")
            put(holders, &state)
        }
    }

    func put(_ changed: Holders, _ state: inout State) {
        var holders = changed
        if holders.visible == (holders.isExplicit ? 1 : 0) {
            if holders.visible == 0, let told = holders.told, host.isNumbering {
                host.commit(1) { _, _ in .chain(old: told, new: nil) }
                hint(told.identity, told.template, isGone: true)
                holders.told = nil
                holders.chain.set(nil)
            }
            // No one is in it any more who could be disturbed (R4-69).
            if holders.chain.isFlushing.exchange(false, ordering: .acquiringAndReleasing) {
                departures.change { $0 += 1 }
            }
        }
        let isThere = holders.all > 0 || holders.told != nil
        state.holders[holders.chain.index] = isThere ? holders : nil
        if !isThere, holders.chain.index == 0 { head.change() }
    }

    /// No one will ask for it again.
    func dismantle() {
        let chains = state.withLock { state in
            defer { (state.holders, state.bindings) = ([:], []) }
            head.change()
            return state.holders.values.map(\.chain)
        }
        for chain in chains { chain.dismantle() }
    }

    // MARK: Chains that someone makes

    /// A chain that stays; nil if it is there and someone sees it (R4-11).
    func makeExplicit(_ index: UInt32, _ template: ChainTemplate?) -> StoredChain? {
        state.withLock { state in
            if let holders = state.holders[index], holders.visible > 0 { return nil }
            if state.holders[index] == nil { add(index, &state) }
            state.holders[index]?.isExplicit = true
            state.holders[index]?.chain.set(template)
            _ = hold(index, as: .request, &state)
            return state.holders[index]?.told
        }
    }

    /// It stays only for those who hold it otherwise.
    func endExplicit(_ chain: Chain) {
        state.withLock { state in
            guard var holders = state.holders[chain.index], holders.isExplicit else { return }
            holders.isExplicit = false
            holders.all -= 1
            put(holders, &state)
        }
    }
}
