internal import Atomics
internal import Synchronization
internal import Threads

/// Protos, which are asked in the order of their priorities.
///
/// `Block` knows who holds it, and with that how long it is there.
final class Chain: Sendable {
    struct State {
        /// Ascending by priority.
        var protos: [Proto] = []
        /// Those that a flush has taken out and whose filters aren't all gone yet: no packet meets them, and who lists the chain still
        /// sees them.
        var leaving: [Proto] = []
    }

    let identity: ChainIdentity
    /// It lives as long as any chain of it.
    let block: Block
    /// L2: which protos there are (R4-60).
    let state = Locked(State(), rank: .chain)
    /// Whether all of it is being removed, and nothing may come in (R4-69).
    let isFlushing = Synchronization.Atomic<Bool>(false)
    /// What its filters may compare; nil if that is left to them. It is set before anyone sees the chain.
    private let kept = ManagedAtomic<ChainTemplate?>(nil)
    /// What packets meet (R4-76).
    private let published = Published<[Proto]>()

    init(_ block: Block, _ index: UInt32) {
        identity = ChainIdentity(block.identity, index)
        self.block = block
    }

    var index: UInt32 { identity.index }

    var template: ChainTemplate? { kept.load(ordering: .acquiring) }

    /// Under the lock of the block, while no one sees it.
    func set(_ template: ChainTemplate?) { kept.store(template, ordering: .releasing) }

    /// The protos as packets meet them, without a lock unless they have just changed.
    var protos: [Proto] {
        published.value { state.withLock { state in published.publish(state.protos) } }
    }

    /// Those that are there or on their way out, in the order in which they are listed.
    var listed: [Proto] {
        state.withLock { state in
            state.leaving.isEmpty ? state.protos : (state.leaving + state.protos).sorted { $0.priority < $1.priority }
        }
    }

    /// No one will ask for it again.
    func dismantle() {
        state.withLock { state in
            (state.protos, state.leaving) = ([], [])
            published.change()
        }
    }

    /// Under L2, after the protos have changed; those who give packets to the block are told of another head (R4-71).
    func changed(_ state: State, atHead: Bool) {
        published.change()
        if atHead, index == 0 { block.headChanged(to: state.protos.first) }
    }
}

extension Chain.State {
    /// Where the first proto of that priority or a greater one is.
    func firstIndex(atOrAbove priority: UInt16) -> Int {
        var (low, high) = (0, protos.count)
        while low < high {
            let middle = (low + high) / 2
            if protos[middle].priority < priority { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func proto(_ priority: UInt16) -> Proto? {
        let index = firstIndex(atOrAbove: priority)
        return index < protos.count && protos[index].priority == priority ? protos[index] : nil
    }

    /// R4-40; nil if there is none left (R4-42).
    var automaticPriority: UInt16? {
        let index = firstIndex(atOrAbove: 0x8000)
        guard index < protos.count else { return 0xC000 }
        return protos[index].priority > 0x8000 ? protos[index].priority - 1 : nil
    }
}
