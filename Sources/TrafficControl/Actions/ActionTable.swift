public import ChangeLog
internal import Routing
internal import Threads

/// The actions of one kind in a namespace (R4-95, R4-96).
///
/// Filters take hold of an action before they are made, and are told of it only then: an index that is taken for a filter that
/// comes to nothing is free again, and no one has seen it.
public final class ActionTable: Sendable {
    struct Entry {
        let action: Action
        /// Of all who hold it; one of them is it itself if it was made by itself.
        var references = 1
        /// Of filters among them.
        var bindings = 0
    }

    struct State {
        var image = Image<UInt64, StoredAction>()
        var entries: [UInt32: Entry] = [:]
        /// Those are reserved that are taken for filters which are being made, and by actions that are going.
        var indices = NumberPool(last: UInt32(Int32.max))
    }

    public let kind: String
    let host: any TrafficHost
    /// The indices, who has which, and how often. Inside the locks of protos.
    let state = Locked(State(), rank: .actions)

    init(_ kind: String, _ host: any TrafficHost) {
        self.kind = kind
        self.host = host
    }

    /// All of them, as they are now.
    public var image: Image<UInt64, StoredAction> { state.withLock { $0.image } }

    /// How many hold an action, and how many of them are filters; nil if there is none.
    public func holders(_ index: UInt32) -> (references: Int, bindings: Int)? {
        state.withLock { $0.entries[index].map { ($0.references, $0.bindings) } }
    }

    // MARK: By filters

    /// An index that is there is shared as it is, whatever is said of it (R4-95); one that isn't is kept for who asks.
    ///
    /// - Parameter isThere: nothing is said of it, so that it must be there: ENOENT if it isn't, for which the kernel has EINVAL, since
    ///   it takes the rest for forgotten.
    func hold(_ index: UInt32?, isThere: Bool = false) throws(Refusal) -> (action: Action, isNew: Bool) {
        let (present, reserved) = try state.withLock { (state) throws(Refusal) -> (Action?, UInt32) in
            if let index, let entry = state.entries[index] {
                state.entries[index]?.references += 1
                state.entries[index]?.bindings += 1
                return (entry.action, index)
            }
            if isThere {
                throw .error(
                    FIBError(.enoent, .actionNotFound, "there is no \(kind) \(index ?? 0) to share", rule: "R4-95"))
            }
            return (nil, try state.reserve(index, kind))
        }
        if let present { return (present, false) }
        return (Action(kind, reserved, now: host.now), true)
    }

    /// The filter is there that a new action was made for.
    func settle(_ action: Action) {
        let stored = action.stored
        state.withLock { state in
            state.indices.use(action.index)
            state.entries[action.index] = Entry(action: action, references: 1, bindings: 1)
            state.image.insert(stored, for: UInt64(action.index))
        }
    }

    /// A filter lets go of it. What it was if no one holds it any more: its index is taken until `free`, so that it is told that it is
    /// gone before another one has that.
    func release(_ action: Action) -> StoredAction? {
        state.withLock { state in
            guard var entry = state.entries[action.index] else { preconditionFailure("an action that isn't there") }
            entry.references -= 1
            entry.bindings -= 1
            precondition(entry.references >= entry.bindings && entry.bindings >= 0, "an action let go too often")
            return state.put(entry)
        }
    }

    /// It was told that the action is gone, or it never was.
    func free(_ index: UInt32) {
        state.withLock { $0.indices.giveBack(index) }
    }

    /// Stops the process unless its actions are held by that many filters each, and no index is kept from others.
    func _checkInvariants(bindings: [UInt32: Int]) {
        state.withLock { state in
            precondition(state.indices.reserved.isEmpty, "indices are kept: \(state.indices.reserved)")
            precondition(state.image.count == state.entries.count, "\(state.image.count) actions, not by index")
            for (index, entry) in state.entries {
                precondition(entry.bindings == bindings[index] ?? 0, "\(kind) \(index): \(entry.bindings) filters")
                precondition((0...1).contains(entry.references - entry.bindings), "\(kind) \(index) is held otherwise")
                precondition(state.image[UInt64(index)] === entry.action.stored, "\(kind) \(index) is another one")
            }
            precondition(bindings.keys.allSatisfy { state.entries[$0] != nil }, "a filter has an action that is gone")
        }
    }
}

extension ActionTable.State {
    /// The index that is said, or the lowest that no one has. One that another request makes or removes is waited for (R4-68).
    mutating func reserve(_ index: UInt32?, _ kind: String) throws(Refusal) -> UInt32 {
        if let index {
            if indices.reserved.contains(index) { throw .again }
            precondition(entries[index] == nil, "an action that is there is not made")
            indices.reserve(index)
            return index
        }
        let entries = entries
        guard let free = indices.reserve(isUsed: { entries[$0] != nil }) else {
            throw .error(FIBError(.enospc, .actionInvalid, "every index of \(kind) is taken"))
        }
        return free
    }

    /// Puts an entry back that lost a reference; the action if that was the last.
    mutating func put(_ entry: ActionTable.Entry) -> StoredAction? {
        let index = entry.action.index
        guard entry.references == 0 else {
            entries[index] = entry
            return nil
        }
        entries[index] = nil
        image.remove(UInt64(index))
        indices.reserve(index)
        return entry.action.stored
    }
}
