internal import ChangeLog
public import Routing
internal import Threads

extension Traffic {
    /// Makes a chain that stays without filters (R4-11).
    ///
    /// - Parameters:
    ///   - template: filters of the chain may compare no more than that.
    ///   - check: throws if what is there, or that nothing is, isn't as the request wants it.
    ///
    /// Throws EEXIST if it is there and someone sees it; EOPNOTSUPP for templates of kinds that have none (R4-16).
    public func addChain(
        _ index: UInt32, template: ChainTemplate? = nil, in block: Block, _ access: Access = [],
        check: (StoredChain?) throws(FIBError) -> Void = { (_) throws(FIBError) in }
    ) throws(FIBError) -> StoredChain {
        guard index < 1 << 28 else { throw Self.chainTooLarge }
        return try request(in: block, isUnlocked: false, access) { () throws(Refusal) in
            try Refusal.of { () throws(FIBError) in try check(block.told(index)) }
            guard let chain = block.makeExplicit(index, template) else {
                throw .error(FIBError(.eexist, .chainExists, "chain \(index) is there already", rule: "R4-11"))
            }
            return chain
        }
    }

    static var chainTooLarge: FIBError {
        FIBError(.einval, .chainInvalid, "the index of a chain is at most 268435455", rule: "R4-07")
    }

    static func chainMissing(_ index: UInt32, rule: String) -> FIBError {
        FIBError(.einval, .chainNotFound, "there is no chain \(index)", rule: rule)
    }

    /// What a template says. Throws ENOENT for a kind that there isn't.
    public func template(
        _ kind: String, _ options: FlowMembers, _ protocol: EtherType
    ) throws(FIBError) -> ChainTemplate {
        try kinds.template(kind, options, `protocol`)
    }

    /// Throws EINVAL if it isn't there, or no one sees it (R4-12, R4-14).
    public func chain(_ index: UInt32, in block: Block) throws(FIBError) -> StoredChain {
        guard let chain = block.told(index) else { throw Self.chainMissing(index, rule: "R4-14") }
        return chain
    }

    /// Removes a chain with all its filters. It stays, unseen, while actions lead to it (R4-13).
    ///
    /// - Parameter check: throws, and nothing goes, if what is there isn't as the request wants it.
    /// - Returns: how many filters are gone with it.
    @discardableResult
    public func deleteChain(
        _ index: UInt32, in block: Block, _ access: Access = [],
        check: (StoredChain) throws(FIBError) -> Void = { (_) throws(FIBError) in }
    ) throws(FIBError) -> Int {
        guard let count = try empty(index, in: block, access, check: check, { block.endExplicit($0) }) else {
            throw Self.chainMissing(index, rule: "R4-13")
        }
        return count
    }
}

extension Traffic {
    /// One filter. Throws EINVAL for a chain that isn't there, ENOENT for a priority or a handle that isn't (R4-39).
    public func filter(
        _ selector: FilterSelector, in block: Block
    ) throws(FIBError) -> (ProtoIdentity, StoredFilter) {
        guard let chain = block.visible(selector.chain) else { throw Self.chainMissing(selector.chain, rule: "R4-39") }
        guard let priority = selector.priority, let handle = selector.handle,
            let proto = chain.listed.first(where: { $0.priority == priority })
        else { throw Self.protoMissing(selector.chain, selector.priority) }
        guard let filter = proto.classifier.filter(handle) else {
            let message = "priority \(priority) of chain \(selector.chain) has no filter \(handle)"
            throw FIBError(.enoent, .filterNotFound, message, rule: "R4-39")
        }
        return (proto.identity, filter)
    }

    /// Throws ENOENT for a kind, or an index, that isn't there.
    public func action(_ kind: String, _ index: UInt32) throws(FIBError) -> StoredAction {
        guard let table = actions[kind] else {
            throw FIBError(.enoent, .kindUnknown, "there is no kind of action '\(kind)'", rule: "R4-97")
        }
        guard let action = table.image[UInt64(index)] else {
            throw FIBError(.enoent, .actionNotFound, "there is no \(kind) \(index)", rule: "R4-96")
        }
        return action
    }
}
