internal import Atomics
internal import Synchronization
internal import Threads

/// The filters of one priority in a chain, and who holds it: the chain, and each request that has it in hand (R4-63).
final class Proto: AtomicReference, Sendable {
    let identity: ProtoIdentity
    /// It holds the chain as long as it is there itself (R4-64).
    let chain: Chain
    let classifier: any Classifier
    private let holders = Synchronization.Atomic<Int>(1)
    /// Whether it ever was in its chain.
    private let isPlaced = Synchronization.Atomic<Bool>(false)

    /// Held by who makes it. It takes hold of the chain, which that one holds as well.
    init(_ identity: ProtoIdentity, _ chain: Chain, _ type: any Classifier.Type) {
        self.identity = identity
        self.chain = chain
        classifier = type.init(identity, chain.block.host)
        _ = chain.block.holdCreating(chain.index, as: .request)
    }

    var priority: UInt16 { identity.priority }
    var block: Block { chain.block }

    /// By someone who holds it, or has found it under the lock of its chain.
    func hold() { holders.wrappingAdd(1, ordering: .relaxed) }

    /// It comes into its chain, which holds it from then on. Under the lock of that.
    func place() {
        isPlaced.store(true, ordering: .relaxed)
        hold()
    }

    /// The last one has it destroyed: it is no longer on its way out (R4-70), and lets go of its chain. With no lock held.
    func letGo() {
        guard holders.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
        if isPlaced.load(ordering: .relaxed) { _ = block.destruction.withLock { $0.remove(identity.place) } }
        block.letGo(chain, as: .request)
        block.departures.change { $0 += 1 }
    }

    /// For who checks that no one has it in hand.
    var holderCount: Int { holders.load(ordering: .relaxed) }
}
