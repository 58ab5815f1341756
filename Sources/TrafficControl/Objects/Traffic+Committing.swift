internal import ChangeLog
internal import Routing
internal import Threads

extension Traffic {
    /// Puts a filter in its place, its new actions with it, and lets go of those of the one that it replaces.
    func commit(
        _ write: FilterWrite, _ options: any FilterOptions, _ held: HeldActions, from old: StoredFilter?, _ proto: Proto
    ) throws(Refusal) -> FilterResult {
        // Before any lock of a proto is taken.
        let kept = proto.classifier.kept(options)
        let text = host.text(of: kept, write.flags, classID: write.classID, kind: proto.identity.kind)
        let content = FilterContent(kept, write.flags, classID: write.classID, held.actions, text: text)
        var released: ReleasedActions?
        var reserved: UInt32?
        var taken: UInt64 = 0
        do throws(Refusal) {
            if write.handle == nil { reserved = try proto.classifier.reserve() }
            guard let handle = write.handle ?? reserved else { preconditionFailure("a filter without a handle") }
            let hash = host.hash(.filter(proto.identity, content, handle: handle))
            // First the new one comes into hardware, then the old one leaves it (R4-87).
            taken = try Refusal.of { () throws(FIBError) in
                try proto.block.offer(content, proto.identity, unsupported: held.unsupported)
            }
            let new = try proto.classifier.change(content, handle: handle, from: old) { group in
                var stored: StoredFilter?
                released = releasing(old?.content.actions ?? []) { gone in
                    host.commit(held.count + 1 + gone.count) { index, number in
                        if index < held.count { return held.change(index, number) }
                        if index > held.count { return gone.change(index - held.count - 1) }
                        let place = old?.place ?? FilterPlace(born: number, group: group ?? number)
                        let filter = StoredFilter(handle, content, place, version: number, hash: hash)
                        filter.setTaken(taken)
                        stored = filter
                        return .filter(proto.identity, old: old, new: filter)
                    }
                }
                held.settle()
                guard let stored else { preconditionFailure("a filter that was not numbered") }
                return stored
            }
            if let old { proto.block.withdraw(old, proto.identity) }
            released?.end()
            let last = new.version.advanced(by: UInt64(released?.count ?? 0))
            return FilterResult(proto: proto.identity, old: old, new: new, ignored: options.ignored, last: last)
        } catch {
            proto.block.withdraw(content, proto.identity, from: taken)
            if let reserved { proto.classifier.giveBack(reserved) }
            held.giveBack()
            throw error
        }
    }

    /// Removes a filter that someone has found. Throws ENOENT if another request was first (R4-73).
    ///
    /// - Returns: whether it was the last of its proto.
    func remove(_ filter: StoredFilter, _ proto: Proto) throws(Refusal) -> Bool {
        var released: ReleasedActions?
        let isLast = try proto.classifier.delete(filter) {
            released = releasing(filter.content.actions) { gone in
                host.commit(1 + gone.count) { index, _ in
                    index == 0 ? .filter(proto.identity, old: filter, new: nil) : gone.change(index - 1)
                }
            }
        }
        proto.block.withdraw(filter, proto.identity)
        released?.end()
        return isLast
    }

    /// Lets go of the actions of a filter in the moment in which that is numbered.
    private func releasing(_ gone: [Action], _ number: (ReleasedActions) -> Void) -> ReleasedActions {
        func release() -> ReleasedActions {
            let released = ReleasedActions(gone, actions)
            number(released)
            return released
        }
        return gone.isEmpty ? release() : actions.releases.withLock { _ in release() }
    }
}
