internal import ChangeLog
internal import Routing

/// The filters of one proto by handle: what all classifiers have in common under their locks.
struct FilterStore {
    private(set) var image = Image<UInt64, StoredFilter>()
    private var handles: NumberPool
    /// Whether it takes no more (R4-66).
    private(set) var isEnded = false

    /// - Parameter last: the greatest handle that is given to who doesn't say one.
    init(last: UInt32) { handles = NumberPool(last: last) }

    subscript(handle: UInt32) -> StoredFilter? { image[UInt64(handle)] }

    /// Throws `again` or `leaving` if it can't be changed as was thought when its filters were looked at.
    func check(_ handle: UInt32, from old: StoredFilter?) throws(Refusal) {
        if isEnded { throw .leaving }
        guard self[handle] === old else { throw .again }
    }

    /// A handle that no one else is given.
    mutating func reserve() throws(Refusal) -> UInt32 {
        if isEnded { throw .leaving }
        let image = image
        guard let free = handles.reserve(isUsed: { image[UInt64($0)] != nil }) else {
            throw .error(FIBError(.enospc, .filterInvalid, "every handle of this priority is taken", rule: "R4-43"))
        }
        return free
    }

    mutating func giveBack(_ handle: UInt32) {
        // Who said it has it by now, unless no one has.
        if self[handle] == nil { handles.giveBack(handle) } else { handles.use(handle) }
    }

    mutating func put(_ filter: StoredFilter) {
        handles.use(filter.handle)
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
