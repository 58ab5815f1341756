internal import Threads
internal import TrafficControl

/// The filters of a simulated switch: counts them, and refuses what there is no room for.
final class FilterRoom: FilterDevice {
    let name: String
    private let state: Locked<(count: Int, limit: Int?, refused: Int)>

    init(_ name: String, limit: Int?) {
        self.name = name
        state = Locked((0, limit, 0), rank: .leaf)
    }

    var count: Int { state.withLock { $0.count } }
    var refused: Int { state.withLock { $0.refused } }

    /// What it has stays, even if that is more.
    func setLimit(_ limit: Int?) { state.withLock { $0.limit = limit } }

    func admit(_ filter: OfferedFilter) throws(FilterVeto) {
        try state.withLock { (state) throws(FilterVeto) in
            if let limit = state.limit, state.count >= limit {
                state.refused += 1
                throw FilterVeto("it has room for \(limit) filters")
            }
            state.count += 1
        }
    }

    func remove(_ filter: OfferedFilter) {
        state.withLock { state in
            state.count -= 1
            precondition(state.count >= 0, "a filter is removed from \(name) that it doesn't have")
        }
    }
}
