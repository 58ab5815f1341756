internal import ChangeLog
internal import Routing

/// The filters of one proto by handle: what all classifiers have in common under their locks.
struct FilterStore {
    private(set) var image = Image<UInt64, StoredFilter>()
    private var handles: LowestFree
    /// Whether it takes no more (R4-66).
    private(set) var isEnded = false

    /// - Parameter last: the greatest handle that is given to who doesn't say one.
    init(last: UInt32) { handles = LowestFree(last: last) }

    subscript(handle: UInt32) -> StoredFilter? { image[UInt64(handle)] }

    /// Throws `again` or `leaving` if it can't be changed as was thought when its filters were looked at.
    func check(_ handle: UInt32?, from old: StoredFilter?) throws(Refusal) {
        if isEnded { throw .leaving }
        if let old {
            guard self[old.handle] === old else { throw .again }
        } else if let handle, self[handle] != nil {
            throw .again
        }
    }

    /// The handle of a filter that is about to be put in.
    mutating func handle(_ handle: UInt32?, from old: StoredFilter?) throws(Refusal) -> UInt32 {
        if let handle = old?.handle ?? handle { return handle }
        var handles = LowestFree(last: 0)
        swap(&handles, &self.handles)
        defer { swap(&handles, &self.handles) }
        guard let free = handles.find(isTaken: { self[$0] != nil }) else {
            throw .error(FIBError(.enospc, .filterInvalid, "every handle of this priority is taken", rule: "R4-43"))
        }
        return free
    }

    mutating func put(_ filter: StoredFilter) { image.insert(filter, for: UInt64(filter.handle)) }

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
