public import ChangeLog
public import Routing
internal import Threads
public import TrafficControl

/// A change of qdiscs, chains, filters or actions that someone asks for.
public struct TrafficOperation: Sendable {
    public enum Action: Sendable {
        /// Throws ENODEV without the link, EEXIST if that has one (R4-04, R4-05).
        case addQdisc(Qdisc, replaces: Bool = false)
        /// With all that is in the blocks that it alone has.
        case removeQdisc(device: String, Qdisc.Kind?)
        case addChain(BlockIdentity.Place, UInt32, ChainTemplate?)
        case removeChain(BlockIdentity.Place, UInt32)
        case writeFilter(BlockIdentity.Place, FilterWrite)
        /// One, all of a priority, or all of a chain.
        case removeFilters(BlockIdentity.Place, FilterSelector)
        case writeAction(ActionDraft, replaces: Bool)
        case removeAction(kind: String, UInt32)
        case flushActions(kind: String)
    }

    public let namespace: String
    public let action: Action
    /// Of one qdisc, chain or action; filters have their own.
    public var condition: WriteCondition

    public init(_ namespace: String, _ action: Action, condition: WriteCondition = .none) {
        self.namespace = namespace
        self.action = action
        self.condition = condition
    }

    /// The block whose filters it changes.
    var place: BlockIdentity.Place? {
        switch action {
        case .addChain(let place, _, _), .removeChain(let place, _), .writeFilter(let place, _),
            .removeFilters(let place, _):
            place
        case .addQdisc, .removeQdisc, .writeAction, .removeAction, .flushActions: nil
        }
    }

    /// The blocks that a qdisc which it adds gives packets to.
    var newPlaces: [BlockIdentity.Place] { if case .addQdisc(let qdisc, _) = action { qdisc.places } else { [] } }

    /// The link whose qdisc it changes.
    var device: String? {
        switch action {
        case .addQdisc(let qdisc, _): qdisc.device
        case .removeQdisc(let device, _): device
        default: nil
        }
    }
}

/// What such a change came to.
public struct TrafficResult: Sendable {
    public let outcome: WriteResult.Outcome
    /// What there is now, or, of one that is gone, what there was; nil where that is more than one.
    public var object: TrafficObject?
    /// The same of a qdisc.
    public var qdisc: StoredObject?
    /// Names of keys of a filter that don't count (R4-92).
    public var ignored: [String] = []
    /// How many filters or actions are gone.
    public var removed = 0
    /// The action at which a flush came to its end, since a filter has it.
    public var inUse: UInt32?
    /// The number of the last change that it brought about; if there was none, the head.
    public var sequence: ChangeSequence
}

extension Namespace {
    /// Makes a change of what the blocks have, whose places are known.
    ///
    /// - Parameter head: the number of the latest change, asked for afterwards.
    func perform(
        _ operation: TrafficOperation, _ access: Traffic.Access, _ head: () -> ChangeSequence
    ) throws(FIBError) -> TrafficResult {
        switch operation.action {
        case .addQdisc, .removeQdisc: preconditionFailure("qdiscs are changed in drafts")
        case .addChain(let place, let index, let template):
            let block = try changeable(place, access)
            let chain = try traffic.addChain(index, template: template, in: block, access) {
                (present) throws(FIBError) in
                try operation.condition.check(present?.version, "chain \(index)")
            }
            return TrafficResult(outcome: .created, object: .chain(chain), sequence: chain.version)
        case .removeChain(let place, let index):
            var removed: StoredChain?
            let block = try changeable(place, access)
            let count = try traffic.deleteChain(index, in: block, access) { (chain) throws(FIBError) in
                try operation.condition.check(chain.version, "chain \(index)")
                removed = chain
            }
            return TrafficResult(
                outcome: .deleted, object: removed.map { .chain($0) }, removed: count, sequence: head())
        case .writeFilter(let place, let write):
            let result = try traffic.write(write, in: try changeable(place, access), access)
            return TrafficResult(
                outcome: result.old == nil ? .created : .replaced, object: .filter(result.proto, result.new),
                ignored: result.ignored, sequence: result.last)
        case .removeFilters(let place, let selector):
            let count = try traffic.delete(selector, in: try changeable(place, access), access)
            return TrafficResult(
                outcome: count == 0 && selector.priority == nil ? .unchanged : .deleted, removed: count,
                sequence: head())
        case .writeAction, .removeAction, .flushActions: return try performOnActions(operation, access, head)
        }
    }

    private func performOnActions(
        _ operation: TrafficOperation, _ access: Traffic.Access, _ head: () -> ChangeSequence
    ) throws(FIBError) -> TrafficResult {
        switch operation.action {
        case .writeAction(let draft, let replaces):
            let result = try traffic.write(draft, replaces: replaces, access) { (present) throws(FIBError) in
                try operation.condition.check(present?.version, "the action")
            }
            return TrafficResult(
                outcome: result.old == nil ? .created : .replaced,
                object: .action(namespace: name, result.new), sequence: result.new.version)
        case .removeAction(let kind, let index):
            try traffic.deleteAction(kind, index, access) { (present) throws(FIBError) in
                try operation.condition.check(present.version, "\(kind) \(index)")
            }
            return TrafficResult(outcome: .deleted, removed: 1, sequence: head())
        case .flushActions(let kind):
            let (count, inUse) = try traffic.flushActions(kind, access)
            return TrafficResult(
                outcome: count == 0 ? .unchanged : .deleted, removed: count, inUse: inUse, sequence: head())
        default: preconditionFailure("no change of actions")
        }
    }

    /// The block whose filters may be changed by that name (R4-03, R4-04).
    private func changeable(_ place: BlockIdentity.Place, _ access: Traffic.Access) throws(FIBError) -> Block {
        if let block = traffic.block(place) { return block }
        if !access.contains(.exclusive), let block = traffic.settledBlock(place) { return block }
        let qdisc = place.device.flatMap { device in state.withLock { $0.objects[.qdisc(device)]?.qdisc } }
        if let qdisc, let shared = qdisc.shared(place) {
            throw FIBError(
                .eopnotsupp, .unsupported,
                "\(place) is the shared block \(shared): change its filters as those of block \(shared)", rule: "R4-03")
        }
        throw blockMissing(place)
    }

    /// Why there is no such block.
    func blockMissing(_ place: BlockIdentity.Place) -> FIBError {
        guard let device = place.device else {
            return FIBError(.einval, .blockNotFound, "there is no block \(place) in \(name)", rule: "R4-04")
        }
        guard state.withLock({ $0.objects[.link(device)] != nil }) else {
            return FIBError(.enodev, .linkNotFound, "there is no link '\(device)' in \(name)", rule: "R4-04")
        }
        let kinds = place == .egress(device) ? "clsact" : "ingress or clsact"
        return FIBError(
            .einval, .blockNotFound,
            "'\(device)' has no such block: add a qdisc of \(kinds) with POST /v1/links/\(device)/qdiscs", rule: "R4-04"
        )
    }

    /// The block that is meant: of a link whose qdisc shares one, that.
    func block(_ place: BlockIdentity.Place) throws(FIBError) -> Block {
        if let block = traffic.block(place) { return block }
        let qdisc = place.device.flatMap { device in state.withLock { $0.objects[.qdisc(device)]?.qdisc } }
        if let shared = qdisc?.shared(place), let block = traffic.block(.shared(shared)) { return block }
        throw blockMissing(place)
    }
}

extension Qdisc {
    /// The shared block that it has instead of that one.
    fileprivate func shared(_ place: BlockIdentity.Place) -> UInt32? {
        switch place {
        case .shared: nil
        case .ingress: ingressBlock
        case .egress: egressBlock
        }
    }
}

extension WriteCondition {
    /// - Parameter version: of what there is; nil if there is nothing.
    public func check(_ version: ChangeSequence?, _ subject: @autoclosure () -> String) throws(FIBError) {
        switch self {
        case .none: return
        case .absent:
            guard let version else { return }
            throw FIBError(.eexist, .versionMismatch, "\(subject()) exists at version \(version.rawValue)")
        case .version(let wanted):
            if version == wanted { return }
            let found = version.map { "at version \($0.rawValue), not \(wanted.rawValue)" } ?? "not there"
            throw FIBError(.estale, .versionMismatch, "\(subject()) is \(found)")
        }
    }
}
