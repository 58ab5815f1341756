internal import ChangeLog
internal import Routing

/// The filters of one proto by handle: what all classifiers have in common under their locks.
struct FilterStore {
    private(set) var image = Image<UInt64, StoredFilter>()
    private var handles: LowestFree
    /// Handles that were given out and have no filter yet.
    private var reserved: Set<UInt32> = []
    /// Whether it takes no more (R4-66).
    private(set) var isEnded = false

    /// - Parameter last: the greatest handle that is given to who doesn't say one.
    init(last: UInt32) { handles = LowestFree(last: last) }

    subscript(handle: UInt32) -> StoredFilter? { image[UInt64(handle)] }

    /// Throws `again` or `leaving` if it can't be changed as was thought when its filters were looked at.
    func check(_ handle: UInt32, from old: StoredFilter?) throws(Refusal) {
        if isEnded { throw .leaving }
        guard self[handle] === old else { throw .again }
    }

    /// A handle that no one else is given.
    mutating func reserve() throws(Refusal) -> UInt32 {
        if isEnded { throw .leaving }
        var handles = LowestFree(last: 0)
        swap(&handles, &self.handles)
        defer { swap(&handles, &self.handles) }
        guard let free = handles.find(isTaken: { reserved.contains($0) || self[$0] != nil }) else {
            throw .error(FIBError(.enospc, .filterInvalid, "every handle of this priority is taken", rule: "R4-43"))
        }
        reserved.insert(free)
        return free
    }

    mutating func giveBack(_ handle: UInt32) {
        reserved.remove(handle)
        if self[handle] == nil { handles.giveBack(handle) }
    }

    mutating func put(_ filter: StoredFilter) {
        if !reserved.isEmpty { reserved.remove(filter.handle) }
        image.insert(filter, for: UInt64(filter.handle))
    }

    /// Throws ENOENT if that filter isn't there (R4-73).
    mutating func remove(_ filter: StoredFilter) throws(Refusal) {
        guard self[filter.handle] === filter else {
            throw .error(FIBError(.enoent, .filterNotFound, "filter \(filter.handle) has just gone", rule: "R4-73"))
        }
        image.remove(UInt64(filter.handle))
        handles.giveBack(filter.handle)
    }

    mutating func end() { isEnded = true }
}
