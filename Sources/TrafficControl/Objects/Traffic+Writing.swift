public import Routing

extension Traffic {
    /// What of a request needs no lock.
    private struct Prepared {
        let type: any Classifier.Type
        let options: any FilterOptions
    }

    /// Adds a filter, or changes one; which of them, its verb says.
    ///
    /// Throws what the kernel refuses (R4-20…R4-31); nothing has changed then.
    public func write(
        _ write: FilterWrite, in block: Block, _ access: Access = []
    ) throws(FIBError) -> FilterResult {
        guard write.chain < 1 << 28 else { throw Self.chainTooLarge }
        guard write.priority != nil || write.verb.isCreating else {
            throw FIBError(.enoent, .filterNotFound, "a change needs the priority of what it changes", rule: "R4-20")
        }
        if write.flags.isSuperset(of: [.skipHW, .skipSW]) {
            throw FIBError(.einval, .filterInvalid, "skip_hw and skip_sw leave no one to do it", rule: "R4-80")
        }
        let prepared = try prepare(write)
        return try request(in: block, isUnlocked: prepared?.type.isUnlocked ?? false, access) { () throws(Refusal) in
            try attempt(write, prepared, block)
        }
    }

    private func prepare(_ write: FilterWrite) throws(FIBError) -> Prepared? {
        guard let kind = write.kind else { return nil }
        guard kind.utf8.count < 16 else {
            throw FIBError(.einval, .kindUnknown, "a kind has 15 bytes at most", rule: "R4-24")
        }
        guard let type = kinds[kind] else {
            throw FIBError(.enoent, .kindUnknown, "there is no kind of filter '\(kind)'", rule: "R4-24")
        }
        guard let `protocol` = write.protocol else { return nil }
        return try prepared(write, type, `protocol`)
    }

    private func prepared(
        _ write: FilterWrite, _ type: any Classifier.Type, _ protocol: EtherType
    ) throws(FIBError) -> Prepared {
        if write.options == nil, write.actions.isEmpty {
            throw FIBError(.einval, .filterInvalid, "a filter needs options or actions", rule: "R4-90")
        }
        return Prepared(type: type, options: try type.options(write.options ?? [:], `protocol`))
    }

    private func attempt(_ write: FilterWrite, _ early: Prepared?, _ block: Block) throws(Refusal) -> FilterResult {
        let held = write.verb.isCreating ? block.holdCreating(write.chain, as: .request) : block.hold(write.chain)
        guard let chain = held else { throw .error(Self.protoMissing(write.chain, write.priority)) }
        defer { block.letGo(chain, as: .request) }
        let (proto, isNew) = try proto(for: write, early, in: chain)
        defer { proto.letGo() }
        do throws(Refusal) {
            return try change(write, early, proto)
        } catch {
            // A failure leaves no trace (R4-33).
            if isNew { chain.removeIfEmpty(proto) }
            throw error
        }
    }

    static func protoMissing(_ chain: UInt32, _ priority: UInt16?) -> FIBError {
        let message = "chain \(chain) has no filters of priority \(priority ?? 0)"
        return FIBError(.enoent, .filterNotFound, message, rule: "R4-23")
    }

    /// Held for the request.
    private func proto(
        for write: FilterWrite, _ early: Prepared?, in chain: Chain
    ) throws(Refusal) -> (Proto, isNew: Bool) {
        switch try chain.find(write.priority, write.protocol) {
        case .found(let proto):
            try check(write.kind, proto)
            return (proto, false)
        case .free(let priority):
            guard write.verb.isCreating else { throw .error(Self.protoMissing(chain.index, write.priority)) }
            guard let early, let `protocol` = write.protocol, let kind = write.kind else {
                let message = "the first filter of a priority needs its kind and protocol"
                throw .error(FIBError(.einval, .filterInvalid, message, rule: "R4-22"))
            }
            let new = Proto(ProtoIdentity(chain.identity, priority, `protocol`, kind), chain, early.type)
            defer { new.letGo() }
            let proto = try chain.insert(new, isAutomatic: write.priority == nil)
            if proto !== new { try check(kind, proto) }
            return (proto, proto === new)
        }
    }

    /// Lets go of the proto if it is of another kind (R4-25).
    private func check(_ kind: String?, _ proto: Proto) throws(Refusal) {
        guard let kind, kind != proto.identity.kind else { return }
        let message = "priority \(proto.priority) of chain \(proto.chain.index) has filters of \(proto.identity.kind)"
        proto.letGo()
        throw .error(FIBError(.einval, .filterInvalid, message, rule: "R4-25"))
    }

    private func change(_ write: FilterWrite, _ early: Prepared?, _ proto: Proto) throws(Refusal) -> FilterResult {
        let classifier = proto.classifier
        let old = write.handle.flatMap { classifier.filter($0) }
        try Refusal.of { () throws(FIBError) in try write.check(old) }
        if let old, write.verb == .add {
            let message = "filter \(old.handle) of priority \(proto.priority) is there; use replace to change it"
            throw .error(FIBError(.eexist, .filterExists, message, rule: "R4-26"))
        }
        guard old != nil || write.verb.isCreating else {
            let message = "priority \(proto.priority) has no filter \(write.handle ?? 0)"
            throw .error(FIBError(.enoent, .filterNotFound, message, rule: "R4-27"))
        }
        let options = try Refusal.of { () throws(FIBError) in
            // Where its kind wasn't said, it is known only now.
            let known =
                if let early { early } else {
                    try prepared(write, type(of: classifier), proto.identity.protocol)
                }
            try check(known.options, proto)
            for link in write.inputDevices { try checkLink(link, rule: "R4-93") }
            return known.options
        }
        let held = try HeldActions(write.actions, write.flags, in: proto.block, of: self)
        return try commit(write, options, held, from: old, proto)
    }

    /// R4-17.
    private func check(_ options: any FilterOptions, _ proto: Proto) throws(FIBError) {
        guard let template = proto.chain.template else { return }
        let kind = proto.identity.kind
        guard kind == template.kind, type(of: proto.classifier).fits(options, template.options) else {
            let message = "the template of chain \(proto.chain.index), of \(template.kind), has no room for that"
            throw FIBError(.einval, .filterInvalid, message, rule: "R4-17")
        }
    }
}
