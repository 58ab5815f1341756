internal import Atomics
internal import Threads

/// Where packets of a link come into a block: what a qdisc has for one direction.
///
/// It looks at the head of chain 0 without a lock; the block tells it of each new one (R4-71, R4-76).
///
/// Source: kernel net/sched/sch_generic.c `mini_qdisc_pair_swap`.
public final class Binding: Sendable {
    public let device: String
    public let direction: BlockIdentity.Direction
    private let head = ManagedAtomic<Proto?>(nil)

    public init(_ device: String, _ direction: BlockIdentity.Direction) {
        self.device = device
        self.direction = direction
    }

    /// Whether a packet meets any filter at all. Takes no lock.
    public var hasFilters: Bool { head.load(ordering: .acquiring) != nil }

    /// Under the locks of chain 0 and of the block (R4-71).
    func changeHead(to proto: Proto?) { head.store(proto, ordering: .releasing) }
}

extension Block {
    /// How many qdiscs give it packets.
    public var bindingCount: Int { state.withLock { $0.bindings.count } }

    /// A qdisc gives it packets from now on. With the gate held exclusively.
    public func bind(_ binding: Binding) {
        withHead { head, state in
            state.bindings.append(binding)
            if let head { binding.changeHead(to: head) }
        }
    }

    public func unbind(_ device: String, _ direction: BlockIdentity.Direction) {
        withHead { _, state in
            state.bindings.removeAll { binding in
                guard binding.device == device, binding.direction == direction else { return false }
                binding.changeHead(to: nil)
                return true
            }
        }
    }

    /// Under the lock of chain 0, which is outside that of the block: what that has is let go of first (R4-60).
    private func withHead(_ body: (Proto?, inout State) -> Void) {
        guard let first = state.withLock({ $0.holders[0]?.chain }) else { return state.withLock { body(nil, &$0) } }
        first.state.withLock { chain in state.withLock { body(chain.protos.first, &$0) } }
    }

    /// Under the lock of chain 0.
    func headChanged(to proto: Proto?) {
        state.withLock { state in
            for binding in state.bindings { binding.changeHead(to: proto) }
        }
    }
}
