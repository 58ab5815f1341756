internal import ChangeLog

/// A packet as a block's filters see it.
public struct Packet: Sendable {
    /// Type of the frame, or of its first tag.
    public var `protocol`: EtherType
    public var fields: FlowBits
    /// Of the tunnel that it came out of.
    public var options: TunnelOptions?
    /// In bytes.
    public var length: UInt64

    public init(_ protocol: EtherType, _ fields: FlowBits, options: TunnelOptions? = nil, length: UInt64 = 0) {
        self.protocol = `protocol`
        self.fields = fields
        self.options = options
        self.length = length
    }
}

/// What becomes of a packet, and how it came to that.
public struct Classification: Sendable {
    /// A filter that a packet doesn't agree with.
    public struct Miss: Sendable {
        public let filter: StoredFilter
        /// In what, by the names of `options.keys`; empty for one that is for hardware alone.
        public let differences: [String]
    }

    /// One proto that was come upon, or a chain that was entered.
    public struct Step: Sendable {
        /// Filters that are looked at one by one to say why they don't agree.
        static var missLimit: Int { 16 }

        public let chain: UInt32
        /// Nil where the chain begins.
        public let proto: ProtoIdentity?
        /// Whether it is for packets of this protocol.
        public internal(set) var isOfProtocol = true
        /// What of it the packet agreed with; nil if nothing did.
        public internal(set) var filter: StoredFilter?
        /// The first of those that it doesn't agree with.
        public internal(set) var misses: [Miss] = []
        /// How many filters of it weren't looked at.
        public internal(set) var omitted = 0
        public internal(set) var actions: [(action: Action, verdict: Verdict)] = []
        public internal(set) var verdict: Verdict?
    }

    /// Nil if nothing decided: the packet goes on its way.
    public internal(set) var verdict: Verdict?
    /// The first of them.
    public internal(set) var steps: [Step] = []
    /// How many steps aren't noted.
    public internal(set) var omitted = 0
    /// Whether it went to and fro too often, and was dropped for that (R4-52).
    public internal(set) var isLooped = false
}

extension Classification {
    /// Steps that are noted. Each may say why `Step.missLimit` filters don't agree.
    static var stepLimit: Int { 1_024 }

    /// Whether another step is noted; if not, it is counted.
    fileprivate mutating func hasRoom() -> Bool {
        if steps.count < Self.stepLimit { return true }
        omitted += 1
        return false
    }
}

extension Block {
    /// Restarts and moves to other chains that a packet may make (R4-52).
    private static var moves: Int { 16 }

    /// Takes a packet through the block's filters, from chain 0 on (R4-50…R4-56). No lock is taken, unless something has just changed
    /// (R4-76).
    ///
    /// - Parameters:
    ///   - counts: whether the actions count it.
    ///   - traces: whether each step is noted.
    public func classify(_ packet: Packet, counts: Bool = true, traces: Bool = false) -> Classification {
        var result = Classification()
        var next = first
        var moves = 0
        while let chain = next {
            next = nil
            guard let (verdict, target) = pass(packet, through: chain, counts, traces, &result) else { return result }
            switch verdict {
            case .reclassify: next = first
            case .goto: next = target
            default:
                result.verdict = verdict
                return result
            }
            moves += 1
            if moves > Self.moves {
                result.isLooped = true
                result.verdict = .drop
                return result
            }
        }
        return result
    }

    /// The first verdict of a chain's filters, and where it sends the packet; nil if there is none.
    private func pass(
        _ packet: Packet, through chain: Chain, _ counts: Bool, _ traces: Bool, _ result: inout Classification
    ) -> (Verdict, Chain?)? {
        if traces, result.hasRoom() { result.steps.append(Classification.Step(chain: chain.index, proto: nil)) }
        for proto in chain.protos {
            let notes = traces && result.hasRoom()
            var step = Classification.Step(chain: chain.index, proto: proto.identity)
            step.isOfProtocol = proto.identity.protocol == .all || proto.identity.protocol == packet.protocol
            guard step.isOfProtocol, let filter = proto.classifier.classify(packet) else {
                if notes, step.isOfProtocol { step.addMisses(proto, packet) }
                if notes { result.steps.append(step) }
                continue
            }
            step.filter = filter
            if counts { filter.content.options.hits?.add() }
            let (verdict, target) = taken(filter.content.actions, packet, counts) { action, verdict in
                if notes { step.actions.append((action, verdict)) }
            }
            step.verdict = verdict
            if notes { result.steps.append(step) }
            if verdict != .continue { return (verdict, target) }
        }
        return nil
    }

    private func taken(
        _ actions: [Action], _ packet: Packet, _ counts: Bool, _ met: (Action, Verdict) -> Void
    ) -> (Verdict, Chain?) {
        let now = counts ? host.now : 0
        let steps = actions.map {
            ActionStep(action: $0, stored: $0.stored, length: packet.length, counts: counts, now: now)
        }
        var target: Chain?
        let verdict = ActionRun.verdict(of: steps) { index, verdict in
            met(actions[index], verdict)
            if case .goto = verdict { target = steps[index].stored.chain }
        }
        return (verdict, target)
    }
}

extension Classification.Step {
    fileprivate mutating func addMisses(_ proto: Proto, _ packet: Packet) {
        let image = proto.classifier.image
        var cursor = image.cursor()
        while misses.count < Self.missLimit, let (_, filter) = cursor.next() {
            misses.append(.init(filter: filter, differences: proto.classifier.differences(filter, packet)))
        }
        omitted = image.count - misses.count
    }
}

/// One action, as one packet meets it.
private struct ActionStep: RunnableAction {
    let action: Action
    /// As it was when the packet came: it may be replaced meanwhile.
    let stored: StoredAction
    /// Of the packet, in bytes.
    let length: UInt64
    let counts: Bool
    let now: UInt64

    var isPassedOver: Bool { stored.marks.flags.contains(.skipSW) }

    func run() -> Verdict {
        let verdict = said(stored.content)
        if counts { action.counters.count(bytes: length, isDropped: verdict == .drop, now: now) }
        return verdict
    }

    private func said(_ content: ActionContent) -> Verdict {
        guard case .gact(let gact) = content, let random = gact.random else { return content.control }
        switch random.form {
        case .netrand: return UInt16.random(in: 0..<random.value) == 0 ? random.control : gact.control
        case .determ:
            return (action.counters.packets + 1).isMultiple(of: UInt64(random.value)) ? random.control : gact.control
        }
    }
}
