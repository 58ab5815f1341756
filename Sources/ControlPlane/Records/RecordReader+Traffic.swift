internal import Bytes
internal import ChangeLog
internal import Routing
internal import TrafficControl

/// Chains, filters and actions.
extension RecordReader {
    /// - Parameters:
    ///   - hasOld: whether it says what was there.
    ///   - hasNew: whether it says what is there.
    mutating func trafficChange(hasOld: Bool, hasNew: Bool) throws(Malformed) -> TrafficObjectChange {
        switch TrafficForm(rawValue: try bytes.byte()) {
        case .chain:
            let chain = ChainIdentity(try block(), try bytes.varint(as: UInt32.self))
            let old = hasOld ? try storedChain(chain) : nil
            let new = hasNew ? try storedChain(chain) : nil
            return TrafficObjectChange(chain.block.namespace, .chain(old: old, new: new))
        case .filter:
            let proto = try proto()
            let old = hasOld ? try storedFilter(proto) : nil
            let new = hasNew ? try storedFilter(proto) : nil
            return TrafficObjectChange(proto.chain.block.namespace, .filter(proto, old: old, new: new))
        case .action:
            let namespace = try namespaceName()
            let kind = try actionKind()
            let action = Action(kind, try bytes.varint(as: UInt32.self), now: now)
            let old = hasOld ? try storedAction(action) : nil
            let new = hasNew ? try storedAction(action) : nil
            return TrafficObjectChange(namespace, .action(action, old: old, new: new))
        case nil: throw bytes.malformed("a change of an unknown kind")
        }
    }

    private mutating func namespaceName() throws(Malformed) -> String {
        let name = try knownText()
        if ControlPlane.isValidNamespaceName(name) { return name }
        throw bytes.malformed("'\(name)' as a namespace")
    }

    private mutating func actionKind() throws(Malformed) -> String {
        let kind = try knownText()
        if ActionContent.kinds.contains(kind) { return kind }
        throw bytes.malformed("an action of an unknown kind '\(kind)'")
    }

    private mutating func block() throws(Malformed) -> BlockIdentity {
        let namespace = try namespaceName()
        let place = try blockPlace()
        if let latestBlock, latestBlock.namespace == namespace, latestBlock.place == place { return latestBlock }
        let block = BlockIdentity(namespace: namespace, place)
        latestBlock = block
        return block
    }

    mutating func blockPlace() throws(Malformed) -> BlockIdentity.Place {
        switch try bytes.byte() {
        case 0: return .shared(try bytes.varint(as: UInt32.self))
        case 1: return .ingress(try knownText())
        case 2: return .egress(try knownText())
        case let other: throw bytes.malformed("a block of form \(other)")
        }
    }

    private mutating func proto() throws(Malformed) -> ProtoIdentity {
        if let known = try known(protos) { return known }
        let chain = ChainIdentity(try block(), try bytes.varint(as: UInt32.self))
        let priority = try bytes.varint(as: UInt16.self)
        let type = EtherType(rawValue: try bytes.varint(as: UInt16.self))
        protos.append(ProtoIdentity(chain, priority, type, try knownText()))
        return protos[protos.count - 1]
    }

    private mutating func storedChain(_ chain: ChainIdentity) throws(Malformed) -> StoredChain {
        let version = try sequence()
        let hash = try hash()
        let form = try bytes.byte()
        guard form <= 3 else { throw bytes.malformed("a chain of form \(form)") }
        var template: ChainTemplate?
        if form & 2 != 0 {
            let kind = try knownText()
            let type = EtherType(rawValue: try bytes.varint(as: UInt16.self))
            let (values, _) = try options()
            template = try understood { () throws(FIBError) in try Self.kinds.template(kind, values, type) }
        }
        return StoredChain(chain, template, isExplicit: form & 1 != 0, version: version, hash: hash)
    }

    private mutating func storedFilter(_ proto: ProtoIdentity) throws(Malformed) -> StoredFilter {
        let handle = try bytes.varint(as: UInt32.self)
        let version = try sequence()
        let hash = try hash()
        let age = try bytes.varint()
        guard age <= version.rawValue else { throw bytes.malformed("a filter older than the history") }
        let born = version.rawValue - age
        let former = try bytes.varint()
        guard former <= born else { throw bytes.malformed("a filter older than the history") }
        let place = FilterPlace(
            born: ChangeSequence(rawValue: born), group: ChangeSequence(rawValue: born - former))
        let flags = FilterFlags(rawValue: try bytes.byte())
        let classID = try bytes.varint(as: UInt32.self)
        let (values, text) = try options()
        let understood = try understood { () throws(FIBError) in
            try Self.kinds.options(proto.kind, values, proto.protocol)
        }
        var actions: [Action] = []
        for _ in 0..<(try bytes.count()) {
            actions.append(Action(try actionKind(), try bytes.varint(as: UInt32.self), now: now))
        }
        let content = FilterContent(understood, flags, classID: classID, actions, text: text)
        return StoredFilter(handle, content, place, version: version, hash: hash)
    }

    private mutating func storedAction(_ action: Action) throws(Malformed) -> StoredAction {
        let version = try sequence()
        let hash = try hash()
        let form = try bytes.byte()
        guard form <= 63 else { throw bytes.malformed("an action of form \(form)") }
        var marks = ActionMarks()
        if form & 4 != 0 { marks.flags.insert(.skipHW) }
        if form & 8 != 0 { marks.flags.insert(.skipSW) }
        marks.hasOneCounter = form & 16 != 0
        if form & 32 != 0 {
            var cookie: [UInt8] = []
            for _ in 0..<(try bytes.count()) { cookie.append(try bytes.byte()) }
            try understood { () throws(FIBError) in try marks.set(cookie: cookie) }
        }
        let target = form & 2 != 0 ? ChainIdentity(try block(), try bytes.varint(as: UInt32.self)) : nil
        return StoredAction(
            action.index, try content(action.kind), marks, isOwn: form & 1 != 0, target: target, version: version,
            hash: hash)
    }

    private mutating func content(_ kind: String) throws(Malformed) -> ActionContent {
        if kind == "mirred" {
            guard let mode = Mirred.Mode(rawValue: try knownText()),
                let direction = BlockIdentity.Direction(rawValue: try knownText())
            else { throw bytes.malformed("an unknown mode or direction") }
            return .mirred(Mirred(mode, direction, to: try knownText(), try verdict()))
        }
        let control = try verdict()
        guard try bytes.byte() != 0 else { return .gact(Gact(control)) }
        guard let form = Gact.Random.Form(rawValue: try knownText()) else { throw bytes.malformed("an unknown chance") }
        let other = try verdict()
        let value = try bytes.varint(as: UInt16.self)
        let random = try understood { () throws(FIBError) in try Gact.Random(form, other, value: value) }
        return .gact(Gact(control, random: random))
    }

    private mutating func verdict() throws(Malformed) -> Verdict {
        switch try knownText() {
        case "jump": return .jump(try bytes.varint(as: UInt32.self))
        case "goto": return .goto(chain: try bytes.varint(as: UInt32.self))
        case let name:
            guard let verdict = Verdict(name: name) else { throw bytes.malformed("an unknown verdict '\(name)'") }
            return verdict
        }
    }

    // MARK: Options

    private static let kinds = ClassifierKinds()

    /// What was written by a version that knew other rules.
    private func understood<Result>(_ body: () throws(FIBError) -> Result) throws(Malformed) -> Result {
        do throws(FIBError) {
            return try body()
        } catch {
            throw bytes.malformed(error.message)
        }
    }

    private mutating func options() throws(Malformed) -> (values: FlowMembers, text: [UInt8]) {
        let text = Array(try bytes.text().utf8)
        guard let values = try? TrafficText.values(text) else { throw bytes.malformed("options that are none") }
        return (values, text)
    }
}
