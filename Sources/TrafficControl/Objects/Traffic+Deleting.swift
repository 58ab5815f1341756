internal import ChangeLog
public import Routing
internal import Threads

/// Which filters a request wants removed.
public struct FilterSelector: Sendable {
    public var chain: UInt32 = 0
    public var priority: UInt16?
    public var `protocol`: EtherType?
    public var kind: String?
    public var handle: UInt32?
    /// Throws if that one filter isn't to go as it is.
    public var check: @Sendable (StoredFilter) throws(FIBError) -> Void = { _ in }

    public init() {}
}

extension Traffic {
    /// How many filters a flush removes before it lets others have the locks.
    private static var run: Int { 1_024 }

    /// Removes a filter, all of a priority, or all of a chain (R4-34…R4-38).
    ///
    /// - Returns: how many are gone.
    @discardableResult
    public func delete(
        _ selector: FilterSelector, in block: Block, _ access: Access = []
    ) throws(FIBError) -> Int {
        guard let priority = selector.priority else {
            if selector.protocol != nil || selector.kind != nil || selector.handle != nil {
                throw FIBError(
                    .enoent, .filterNotFound,
                    "protocol, kind and handle go with a priority; alone, the chain is flushed",
                    rule: "R4-34")
            }
            return try flush(selector.chain, in: block, access)
        }
        guard let handle = selector.handle else { return try deleteAll(selector, priority, in: block, access) }
        let isUnlocked = selector.kind.flatMap { kinds[$0]?.isUnlocked } ?? false
        try request(in: block, isUnlocked: isUnlocked, access) { () throws(Refusal) in
            try withProto(selector, priority, in: block) { (proto) throws(Refusal) in
                guard let filter = proto.classifier.filter(handle) else {
                    let message = "priority \(priority) of chain \(selector.chain) has no filter \(handle)"
                    throw .error(FIBError(.enoent, .filterNotFound, message, rule: "R4-38"))
                }
                try Refusal.of { () throws(FIBError) in try selector.check(filter) }
                if try remove(filter, proto) { proto.chain.removeIfEmpty(proto) }
            }
        }
        return 1
    }

    /// With the chain and the proto held that are meant (R4-36).
    private func withProto<Result>(
        _ selector: FilterSelector, _ priority: UInt16, in block: Block, _ body: (Proto) throws(Refusal) -> Result
    ) throws(Refusal) -> Result {
        guard let chain = block.hold(selector.chain) else {
            throw .error(Self.protoMissing(selector.chain, priority))
        }
        defer { block.letGo(chain, as: .request) }
        guard case .found(let proto) = try chain.find(priority, selector.protocol) else {
            throw .error(Self.protoMissing(selector.chain, priority))
        }
        defer { proto.letGo() }
        if let kind = selector.kind, kind != proto.identity.kind {
            let message = "priority \(priority) of chain \(selector.chain) has filters of \(proto.identity.kind)"
            throw .error(FIBError(.einval, .filterInvalid, message, rule: "R4-36"))
        }
        return try body(proto)
    }

    /// All filters of a priority (R4-37).
    private func deleteAll(
        _ selector: FilterSelector, _ priority: UInt16, in block: Block, _ access: Access
    ) throws(FIBError) -> Int {
        let proto = try request(in: block, isUnlocked: false, access) { () throws(Refusal) in
            try withProto(selector, priority, in: block) { (proto) throws(Refusal) in
                if proto.chain.detach(proto) { return proto }
                // Someone else was first, and is at it.
                throw .leaving
            }
        }
        return try empty(proto, access)
    }

    /// Removes all filters of a chain, in ascending order of their priorities (R4-35). A chain that isn't there has none.
    private func flush(_ index: UInt32, in block: Block, _ access: Access) throws(FIBError) -> Int {
        try empty(index, in: block, access) { _ in } ?? 0
    }

    /// Removes all filters of a chain; nothing comes in until no one has it in hand any more (R4-69). Nil if it isn't there.
    ///
    /// - Parameter end: what is to be done with it then.
    func empty(
        _ index: UInt32, in block: Block, _ access: Access,
        check: (StoredChain) throws(FIBError) -> Void = { (_) throws(FIBError) in }, _ end: (Chain) -> Void
    ) throws(FIBError) -> Int? {
        let found = try request(in: block, isUnlocked: false, access) { () throws(Refusal) -> (Chain, [Proto])? in
            if let told = block.told(index) { try Refusal.of { () throws(FIBError) in try check(told) } }
            return block.hold(index).map { ($0, $0.detachAll()) }
        }
        guard let (chain, protos) = found else { return nil }
        var count = 0
        for proto in protos { count += try empty(proto, access) }
        try request(in: block, isUnlocked: false, access.union(.ending)) { () throws(Refusal) in
            end(chain)
            block.letGo(chain, as: .request)
        }
        return count
    }

    /// Removes the filters of a proto that was taken out of its chain, a run at a time, and then it.
    private func empty(_ proto: Proto, _ access: Access) throws(FIBError) -> Int {
        var count = 0
        while true {
            // What has begun comes to its end, whatever becomes of the block.
            let isEmpty = try request(in: proto.block, isUnlocked: false, access.union(.ending)) { () throws(Refusal) in
                var cursor = proto.classifier.image.cursor()
                for _ in 0..<Self.run {
                    guard let (_, filter) = cursor.next() else {
                        proto.chain.forget(proto)
                        return true
                    }
                    // No one puts anything in any more.
                    if try removeUnlessGone(filter, proto) { count += 1 }
                }
                return false
            }
            if isEmpty { return count }
            if !access.contains(.exclusive) { host.pause() }
        }
    }

    /// False if someone was faster who had its proto in hand before that was taken out (R4-73).
    private func removeUnlessGone(_ filter: StoredFilter, _ proto: Proto) throws(Refusal) -> Bool {
        do throws(Refusal) {
            _ = try remove(filter, proto)
            return true
        } catch {
            if case .error(let error) = error, error.reason == .filterNotFound { return false }
            throw error
        }
    }
}
