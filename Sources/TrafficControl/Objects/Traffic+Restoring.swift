internal import ChangeLog
internal import Routing
internal import Synchronization
internal import Threads

/// Changes that were made before are made anew, from a store, or with old and new exchanged to take them back. No one is told: the
/// host numbers nothing meanwhile. Within the exclusive gate, or before anyone else knows of the namespace.
extension Traffic {
    /// - Returns: the change with the objects that are kept here; nil if it doesn't fit what is there.
    @discardableResult
    public func restore(_ change: TrafficChange) -> TrafficChange? {
        switch change {
        case .chain(let old, let new):
            guard let identity = (new ?? old)?.identity, let block = block(identity.block.place) else { return nil }
            block.restore(identity.index, new)
            return change
        case .action(let action, let old, let new): return restore(action, from: old, to: new)
        case .filter(let proto, let old, let new?): return restore(new, proto, from: old)
        case .filter(let proto, let old?, nil): return remove(old, proto)
        case .filter(_, nil, nil): return nil
        }
    }

    /// The change that takes it back.
    public static func inverse(of change: TrafficChange) -> TrafficChange {
        switch change {
        case .chain(let old, let new): .chain(old: new, new: old)
        case .filter(let proto, let old, let new): .filter(proto, old: new, new: old)
        case .action(let action, let old, let new): .action(action, old: new, new: old)
        }
    }

    /// Tells of chains that no one holds any more that they are gone: a crash came between a filter and its chain.
    public func sweep() {
        for block in allBlocks { block.sweep() }
    }

    // MARK: Filters

    private func restore(
        _ new: StoredFilter, _ identity: ProtoIdentity, from old: StoredFilter?
    ) -> TrafficChange? {
        guard let block = block(identity.chain.block.place), let type = kinds[identity.kind],
            let actions = actions.known(new.content.actions)
        else { return nil }
        let chain = block.holdCreating(identity.chain.index, as: .request)
        defer { block.letGo(chain, as: .request) }
        guard let (proto, isNew) = try? proto(of: identity, type, in: chain) else { return nil }
        defer { proto.letGo() }
        let present = proto.classifier.filter(new.handle)
        let content = new.content.with(proto.classifier.kept(new.content.options), actions)
        guard present?.version == old?.version,
            let kept = try? proto.classifier.change(
                content, handle: new.handle, from: present,
                { _ in
                    let filter = StoredFilter(new.handle, content, new.place, version: new.version, hash: new.hash)
                    filter.setTaken((try? block.offer(content, identity, unsupported: content.unsupportedAction)) ?? 0)
                    return filter
                })
        else {
            if isNew { chain.removeIfEmpty(proto) }
            return nil
        }
        if let present { block.withdraw(present, identity) }
        for action in actions { self.actions.table(of: action).bind(action, 1) }
        for action in present?.content.actions ?? [] { self.actions.table(of: action).bind(action, -1) }
        return .filter(proto.identity, old: present, new: kept)
    }

    /// Held for who asks.
    private func proto(
        of identity: ProtoIdentity, _ type: any Classifier.Type, in chain: Chain
    ) throws(Refusal) -> (Proto, isNew: Bool) {
        if case .found(let proto) = try chain.find(identity.priority, identity.protocol) {
            if proto.identity.kind == identity.kind { return (proto, false) }
            proto.letGo()
            throw .again
        }
        let new = Proto(identity, chain, type)
        defer { new.letGo() }
        return (try chain.insert(new), true)
    }

    private func remove(_ old: StoredFilter, _ identity: ProtoIdentity) -> TrafficChange? {
        guard let block = block(identity.chain.block.place), let chain = block.holdAnyway(identity.chain.index) else {
            return nil
        }
        defer { block.letGo(chain, as: .request) }
        guard case .found(let proto)? = try? chain.find(identity.priority, identity.protocol) else { return nil }
        defer { proto.letGo() }
        guard let filter = proto.classifier.filter(old.handle), filter.version == old.version,
            let isLast = try? proto.classifier.delete(filter, {})
        else { return nil }
        block.withdraw(filter, identity)
        for action in filter.content.actions { actions.table(of: action).bind(action, -1) }
        if isLast { chain.removeIfEmpty(proto) }
        return .filter(proto.identity, old: filter, new: nil)
    }

    // MARK: Actions

    private func restore(_ action: Action, from old: StoredAction?, to new: StoredAction?) -> TrafficChange? {
        // The block that it led to before, if that is known: it may be gone, or come back only after this.
        let chain = new?.target.flatMap { target in
            (new?.chain?.block ?? block(target.block.place))?.holdCreating(target.index, as: .action)
        }
        let result = actions[action.kind]?.restore(action, from: old, to: new?.leading(to: chain))
        guard let result else {
            if let chain { chain.block.letGo(chain, as: .action) }
            return nil
        }
        if let chain = result.old?.chain { chain.block.letGo(chain, as: .action) }
        return .action(result.action, old: result.old, new: result.new)
    }
}

extension ActionTables {
    /// Those that there are of the same kinds and indices; nil if one is missing.
    fileprivate func known(_ actions: [Action]) -> [Action]? {
        let found = actions.compactMap { self[$0.kind]?.action($0.index) }
        return found.count == actions.count ? found : nil
    }
}

extension ActionTable {
    /// Nil if there is none of that index.
    public func action(_ index: UInt32) -> Action? { state.withLock { $0.entries[index]?.action } }

    /// Filters take hold of it, or let go.
    fileprivate func bind(_ action: Action, _ count: Int) {
        state.withLock { state in
            state.entries[action.index]?.references += count
            state.entries[action.index]?.bindings += count
        }
    }

    fileprivate func restore(
        _ action: Action, from old: StoredAction?, to new: StoredAction?
    ) -> (action: Action, old: StoredAction?, new: StoredAction?)? {
        state.withLock { state in
            let entry = state.entries[action.index]
            let present = entry?.action.stored
            guard present?.version == old?.version, new != nil || entry?.bindings == 0 else { return nil }
            let kept = entry?.action ?? action
            if let new {
                kept.set(new)
                if entry == nil {
                    state.entries[action.index] = Entry(action: kept, references: new.isOwn ? 1 : 0)
                }
                state.image.insert(new, for: UInt64(action.index))
            } else {
                state.entries[action.index] = nil
                state.image.remove(UInt64(action.index))
                state.indices.giveBack(action.index)
            }
            return (kept, present, new)
        }
    }
}

extension Block {
    fileprivate func restore(_ index: UInt32, _ told: StoredChain?) {
        state.withLock { state in
            if state.holders[index] == nil {
                if told == nil { return }
                add(index, &state)
            }
            guard var holders = state.holders[index] else { return }
            let isExplicit = told?.isExplicit ?? false
            if isExplicit != holders.isExplicit { holders.all += isExplicit ? 1 : -1 }
            holders.isExplicit = isExplicit
            if let former = holders.told { hint(former.identity, former.template, isGone: true) }
            if let told { hint(told.identity, told.template, isGone: false) }
            holders.told = told
            holders.chain.set(told?.template)
            let isThere = holders.all > 0 || told != nil
            state.holders[index] = isThere ? holders : nil
            if !isThere, index == 0 { head.change() }
        }
    }

    /// Also one that no one sees.
    fileprivate func holdAnyway(_ index: UInt32) -> Chain? {
        state.withLock { state in state.holders[index] == nil ? nil : hold(index, as: .request, &state) }
    }

    fileprivate func sweep() {
        state.withLock { state in
            for holders in state.holders.values where holders.visible == 0 && holders.told != nil {
                put(holders, &state)
            }
        }
    }
}
