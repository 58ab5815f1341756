internal import ChangeLog
public import Routing
internal import Threads

extension Traffic {
    /// Makes a chain that stays without filters (R4-11).
    ///
    /// - Parameter template: filters of the chain may compare no more than that.
    ///
    /// Throws EEXIST if it is there and someone sees it; EOPNOTSUPP for templates of kinds that have none (R4-16).
    public func addChain(
        _ index: UInt32, template: ChainTemplate? = nil, in block: Block
    ) throws(FIBError) -> StoredChain {
        guard index < 1 << 28 else { throw Self.chainTooLarge }
        return try request(in: block, isUnlocked: false) { () throws(Refusal) in
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
        _ kind: String, _ options: [String: FlowValue], _ protocol: EtherType
    ) throws(FIBError) -> ChainTemplate {
        guard let type = kinds[kind] else {
            throw FIBError(.enoent, .kindUnknown, "there is no kind of filter '\(kind)'", rule: "R4-16")
        }
        guard type.hasTemplates else {
            throw FIBError(.eopnotsupp, .unsupported, "filters of \(kind) have no templates", rule: "R4-16")
        }
        return ChainTemplate(kind, try type.options(options, `protocol`))
    }

    /// Throws EINVAL if it isn't there, or no one sees it (R4-12, R4-14).
    public func chain(_ index: UInt32, in block: Block) throws(FIBError) -> StoredChain {
        guard let chain = block.told(index) else { throw Self.chainMissing(index, rule: "R4-14") }
        return chain
    }

    /// Removes a chain with all its filters. It stays, unseen, while actions lead to it (R4-13).
    ///
    /// - Returns: how many filters are gone with it.
    @discardableResult
    public func deleteChain(_ index: UInt32, in block: Block) throws(FIBError) -> Int {
        guard let count = try empty(index, in: block, { block.endExplicit($0) }) else {
            throw Self.chainMissing(index, rule: "R4-13")
        }
        return count
    }
}
