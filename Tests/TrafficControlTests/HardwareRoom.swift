import Testing
import Threads

@testable import TrafficControl

/// Hardware with room for some filters, that remembers which it has.
final class HardwareRoom: FilterDevice {
    let name: String
    private let state: Locked<(limit: Int, held: [String])>
    private let hints = Locked<[String]>([], rank: .leaf)
    private let hook = Locked<(@Sendable () -> Void)?>(nil, rank: .leaf)

    init(_ name: String = "asic0", limit: Int = .max) {
        self.name = name
        state = Locked((limit, []), rank: .leaf)
    }

    private static func text(_ filter: OfferedFilter) -> String {
        "\(filter.proto.chain.index)/\(filter.proto.priority) \(filter.content.actions.count)"
    }

    func admit(_ filter: OfferedFilter) throws(FilterVeto) {
        try state.withLock { (state) throws(FilterVeto) in
            if state.held.count >= state.limit { throw FilterVeto("room for \(state.limit)") }
            state.held.append(Self.text(filter))
        }
    }

    func remove(_ filter: OfferedFilter) {
        state.withLock { state in
            guard let place = state.held.firstIndex(of: Self.text(filter)) else {
                Issue.record("\(Self.text(filter)) is removed from \(name), which doesn't have it")
                return
            }
            state.held.remove(at: place)
        }
        let hook = hook.withLock { hook in
            defer { hook = nil }
            return hook
        }
        hook?()
    }

    /// What is done once, when the next filter has been removed.
    func onRemoval(_ body: @escaping @Sendable () -> Void) { hook.withLock { $0 = body } }

    func prepare(_ chain: ChainIdentity, _ template: ChainTemplate) { hints.withLock { $0.append("+\(chain.index)") } }
    func forget(_ chain: ChainIdentity, _ template: ChainTemplate) { hints.withLock { $0.append("-\(chain.index)") } }

    var held: [String] { state.withLock { $0.held } }
    var told: [String] { hints.withLock { $0 } }
    func setLimit(_ limit: Int) { state.withLock { $0.limit = limit } }
}
