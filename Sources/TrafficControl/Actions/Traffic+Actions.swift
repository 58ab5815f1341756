public import ChangeLog
public import Routing
internal import Threads

/// Actions by themselves, as `tc actions` has them. With the global lock, as in the kernel.
extension Traffic {
    /// Makes an action, or, with `replaces`, another one of one that is there, for all filters that have it (R4-95).
    ///
    /// - Parameter check: throws if what is there, or that nothing is, isn't as the request wants it.
    public func write(
        _ draft: ActionDraft, replaces: Bool = false, _ access: Access = [],
        check: (StoredAction?) throws(FIBError) -> Void = { (_) throws(FIBError) in }
    ) throws(FIBError) -> (old: StoredAction?, new: StoredAction) {
        let table = try table(draft.kind)
        guard let content = draft.content else {
            throw FIBError(.einval, .actionInvalid, "it isn't said what the \(draft.kind) is to do")
        }
        if content.target != nil {
            throw FIBError(.einval, .actionInvalid, "only an action of a filter can go to a chain", rule: "R4-97")
        }
        return try request(in: nil, isUnlocked: false, access) { () throws(Refusal) in
            let result = try table.write(content, draft.index, draft.marks, replaces: replaces) {
                (present) throws(FIBError) in
                try check(present)
                if present == nil || replaces { try checkTarget(of: content) }
            }
            // It leads there no more.
            if let chain = result.old?.chain { chain.block.letGo(chain, as: .action) }
            return result
        }
    }

    private func table(_ kind: String) throws(FIBError) -> ActionTable {
        if let table = actions[kind] { return table }
        throw FIBError(.enoent, .kindUnknown, "there is no kind of action '\(kind)'", rule: "R4-97")
    }

    /// Throws ENOENT if it isn't there, EPERM if a filter has it (R4-96).
    public func deleteAction(
        _ kind: String, _ index: UInt32, _ access: Access = [],
        check: (StoredAction) throws(FIBError) -> Void = { (_) throws(FIBError) in }
    ) throws(FIBError) {
        let table = try table(kind)
        try request(in: nil, isUnlocked: false, access) { () throws(Refusal) in
            try actions.releases.withLock { (_) throws(Refusal) in
                try Refusal.of { () throws(FIBError) in try table.delete(index, check) }
            }
        }
    }

    /// Removes actions in ascending order of their indices, up to the first that a filter has (R4-96).
    ///
    /// - Parameter removal: the number of the change that brings it about, if one does.
    /// - Returns: how many are gone, and the index at which it stopped. Throws EPERM if that was the first.
    public func flushActions(
        _ kind: String, _ access: Access = [], because removal: ChangeSequence? = nil
    ) throws(FIBError) -> (count: Int, inUse: UInt32?) {
        let table = try table(kind)
        var count = 0
        while true {
            let step = try request(in: nil, isUnlocked: false, access) { () throws(Refusal) in
                actions.releases.withLock { _ in table.deleteFirst(Self.actionRun, because: removal) }
            }
            count += step.count
            if let inUse = step.inUse, count == 0 { throw ActionTable.inUse(kind, inUse) }
            if step.inUse != nil || step.count < Self.actionRun { return (count, step.inUse) }
            if !access.contains(.exclusive) { host.pause() }
        }
    }

    private static var actionRun: Int { 1_024 }

    /// Throws ENODEV if it gives packets to a link that isn't there (R4-98).
    func checkTarget(of content: ActionContent) throws(FIBError) {
        if case .mirred(let mirred) = content { try checkLink(mirred.device, rule: "R4-98") }
    }

    /// Some of the actions that give packets to a link that is gone lose their target (R4-98).
    ///
    /// - Parameters:
    ///   - removal: the number with which the link went; later actions are about another one of that name.
    ///   - index: the first that is looked at.
    /// - Returns: how many, and where to go on; nil if all have been looked at.
    public func forgetTarget(
        _ device: String, before removal: ChangeSequence, from index: UInt32
    ) throws(FIBError) -> (count: Int, next: UInt32?) {
        try request(in: nil, isUnlocked: false, .ending) { () throws(Refusal) in
            actions["mirred"]?.forgetTarget(device, before: removal, from: index, Self.actionRun) ?? (0, nil)
        }
    }
}

extension ActionTable {
    static func inUse(_ kind: String, _ index: UInt32) -> FIBError {
        FIBError(.eperm, .actionInUse, "a filter has \(kind) \(index)", rule: "R4-96")
    }

    fileprivate func write(
        _ content: ActionContent, _ index: UInt32?, _ marks: ActionMarks, replaces: Bool,
        _ check: (StoredAction?) throws(FIBError) -> Void
    ) throws(Refusal) -> (old: StoredAction?, new: StoredAction) {
        try state.withLock { (state) throws(Refusal) in
            let existing = index.flatMap { state.entries[$0]?.action }
            try Refusal.of { () throws(FIBError) in
                try check(existing?.stored)
                guard let existing, !replaces else { return }
                throw FIBError(.eexist, .actionExists, "\(kind) \(existing.index) is there already", rule: "R4-95")
            }
            let action =
                if let existing { existing } else {
                    Action(kind, try state.reserve(index, kind), now: host.now)
                }
            let old = existing?.stored
            let marks = old.map { marks.replacing($0.marks) } ?? marks
            let hash = host.hash(.action(content, index: action.index, marks))
            host.commit(1) { _, number in
                let stored = StoredAction(
                    action.index, content, marks, isOwn: old?.isOwn ?? true, nil, version: number, hash: hash)
                action.set(stored)
                return .action(action, old: old, new: stored)
            }
            if existing == nil {
                state.indices.use(action.index)
                state.entries[action.index] = Entry(action: action)
            }
            state.image.insert(action.stored, for: UInt64(action.index))
            return (old, action.stored)
        }
    }

    /// Looks at no more than so many.
    fileprivate func forgetTarget(
        _ device: String, before removal: ChangeSequence, from index: UInt32, _ most: Int
    ) -> (count: Int, next: UInt32?) {
        state.withLock { state in
            var found: [(StoredAction, Mirred)] = []
            var cursor = state.image.cursor(from: UInt64(index))
            var looked = 0
            var next: UInt32?
            while let (_, stored) = cursor.next() {
                if looked == most {
                    next = stored.index
                    break
                }
                looked += 1
                guard case .mirred(let mirred) = stored.content, mirred.device == device, stored.version < removal
                else { continue }
                found.append((stored, mirred))
            }
            for (old, mirred) in found {
                guard let action = state.entries[old.index]?.action else { continue }
                let content = ActionContent.mirred(Mirred(mirred.mode, mirred.direction, to: "", mirred.control))
                let hash = host.hash(.action(content, index: old.index, old.marks))
                host.commit(1, because: removal) { _, number in
                    let stored = StoredAction(
                        old.index, content, old.marks, isOwn: old.isOwn, old.chain, version: number, hash: hash)
                    action.set(stored)
                    return .action(action, old: old, new: stored)
                }
                state.image.insert(action.stored, for: UInt64(old.index))
            }
            return (found.count, next)
        }
    }

    fileprivate func delete(_ index: UInt32, _ check: (StoredAction) throws(FIBError) -> Void) throws(FIBError) {
        try state.withLock { (state) throws(FIBError) in
            guard let entry = state.entries[index] else {
                throw FIBError(.enoent, .actionNotFound, "there is no \(kind) \(index)", rule: "R4-96")
            }
            try check(entry.action.stored)
            if entry.bindings > 0 { throw Self.inUse(kind, index) }
            end(entry, &state)
        }
    }

    fileprivate func deleteFirst(_ most: Int, because removal: ChangeSequence?) -> (count: Int, inUse: UInt32?) {
        state.withLock { state in
            for count in 0..<most {
                guard let first = state.image.first(from: 0)?.value, let entry = state.entries[first.index] else {
                    return (count, nil)
                }
                if entry.bindings > 0 { return (count, first.index) }
                end(entry, &state, because: removal)
            }
            return (most, nil)
        }
    }

    /// One that only it itself holds. Its going is numbered under the lock, so that its index is free at once.
    private func end(_ entry: Entry, _ state: inout State, because removal: ChangeSequence? = nil) {
        var entry = entry
        entry.references -= 1
        guard let gone = state.put(entry) else {
            preconditionFailure("\(kind) \(entry.action.index) is held otherwise")
        }
        host.commit(1, because: removal) { _, _ in .action(entry.action, old: gone, new: nil) }
        state.indices.giveBack(gone.index)
    }
}
