internal import Bytes
internal import JSON
public import TrafficControl

extension TrafficObject {
    /// The entry's canonical bytes (RFC 8785).
    public func appendEntry(to bytes: inout [UInt8]) { bytes.append(entry, namespace) }

    /// What events say beside the entry: of a filter, how many devices have it at that time.
    public func appendStatus(_ opening: String, to bytes: inout [UInt8]) {
        guard case .filter(_, let filter) = self else { return }
        var members = JSONMembers()
        members.add(inHardware: filter.hardwareCount)
        bytes.appendASCII(opening)
        members.append(to: &bytes)
    }
}

extension [UInt8] {
    /// The entry's canonical bytes (RFC 8785), under the names of `tc -json`.
    mutating func append(_ entry: TrafficEntry, _ namespace: String) {
        switch entry {
        case .chain(let chain, let template, let isExplicit):
            var members = JSONMembers()
            members.add("namespace", text: namespace)
            members.add(chain)
            if isExplicit { members.add("explicit", true) }
            if let template { members.add(template) }
            members.append(to: &self)
        case .filter(let proto, let content, let handle):
            append(proto, content, handle: handle, namespace) { $0.append(references: content.actions) }
        case .action(let content, let index, let marks): append(content, index: index, marks, namespace)
        }
    }

    /// An action, of which there are as many as filters.
    private mutating func append(
        _ content: ActionContent, index: UInt32, _ marks: ActionMarks, _ namespace: String
    ) {
        var mirred: Mirred?
        var random: Gact.Random?
        switch content {
        case .gact(let gact): random = gact.random
        case .mirred(let action): mirred = action
        }
        var members = SortedMembers()
        members.add("control_action", to: &self)
        append(content.control)
        if !marks.cookie.isEmpty { members.add("cookie", plain: marks.cookieText, to: &self) }
        if let mirred { members.add("direction", text: mirred.direction.rawValue, to: &self) }
        members.add("index", number: UInt64(index), to: &self)
        members.add("kind", text: content.kind, to: &self)
        if let mirred { members.add("mirred_action", text: mirred.mode.rawValue, to: &self) }
        members.add("namespace", plain: namespace, to: &self)
        if marks.hasOneCounter { members.add("no_percpu", true, to: &self) }
        if let random {
            members.add("prob", to: &self)
            append(random.object)
        }
        if marks.flags.contains(.skipHW) { members.add("skip_hw", true, to: &self) }
        if marks.flags.contains(.skipSW) { members.add("skip_sw", true, to: &self) }
        if let mirred { members.add("to_dev", text: mirred.target, to: &self) }
        members.end(&self)
    }

    /// A filter, of which there are many: in the order of the names, without looking for that.
    mutating func append(
        _ proto: ProtoIdentity, _ content: FilterContent, handle: UInt32, _ namespace: String,
        actions: (inout [UInt8]) -> Void
    ) {
        var members = SortedMembers()
        members.add("actions", to: &self)
        actions(&self)
        let place = proto.chain.block.place
        switch place {
        case .shared(let number): members.add("block", number: UInt64(number), to: &self)
        case .ingress, .egress: members.add("block", text: place.description, to: &self)
        }
        members.add("chain", number: UInt64(proto.chain.index), to: &self)
        if let device = place.device { members.add("dev", text: device, to: &self) }
        if case .egress = place {
            members.add("egress", true, to: &self)
        }
        members.add("handle", number: UInt64(handle), to: &self)
        if case .ingress = place {
            members.add("ingress", true, to: &self)
        }
        members.add("kind", text: proto.kind, to: &self)
        members.add("namespace", plain: namespace, to: &self)
        members.add("options", to: &self)
        append(contentsOf: content.text)
        members.add("pref", number: UInt64(proto.priority), to: &self)
        members.add("protocol", text: proto.protocol.name, to: &self)
        members.end(&self)
    }

    /// Which actions a filter has. What they do is their own entry, since others may have them too.
    private mutating func append(references actions: [Action]) {
        append(UInt8(ascii: "["))
        for (place, action) in actions.enumerated() {
            appendASCII(place == 0 ? "{\"index\":" : ",{\"index\":")
            appendDecimal(UInt64(action.index))
            appendASCII(",\"kind\":\"")
            append(contentsOf: action.kind.utf8)
            appendASCII("\",\"order\":")
            appendDecimal(UInt64(place) + 1)
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "]"))
    }

    /// As `control_action` has it.
    public mutating func append(_ verdict: Verdict) {
        switch verdict {
        case .jump, .goto: append(verdict.value)
        default:
            appendASCII("{\"type\":\"")
            append(contentsOf: verdict.name.utf8)
            appendASCII("\"}")
        }
    }

    mutating func append(_ value: FlowValue) {
        switch value {
        case .number(let number): appendDecimal(number)
        case .text(let text): appendJSON(string: text)
        case .bool(let isTrue): appendASCII(isTrue ? "true" : "false")
        case .list(let values):
            append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { append(UInt8(ascii: ",")) }
                append(value)
            }
            append(UInt8(ascii: "]"))
        case .object(let members):
            append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { append(UInt8(ascii: ",")) }
                appendJSON(string: member.name)
                append(UInt8(ascii: ":"))
                append(member.value)
            }
            append(UInt8(ascii: "}"))
        }
    }
}

extension Qdisc {
    /// As `tc -json qdisc` prints it.
    func add(to members: inout JSONMembers) {
        members.add("kind", text: kind.rawValue)
        members.add("dev", text: device)
        members.add("handle", text: "ffff:")
        members.add("parent", text: "ffff:fff1")
        if let ingressBlock { members.add("ingress_block", number: UInt64(ingressBlock)) }
        if let egressBlock { members.add("egress_block", number: UInt64(egressBlock)) }
    }
}

extension TrafficText {
    /// What a filter has under `options`, as `tc -json` prints it, but for the handle and the actions.
    static func options(
        _ options: any FilterOptions, _ flags: FilterFlags, classID: UInt32, kind: String
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(96)
        bytes.append(.object(options.values.adding(marks(flags, classID: classID, kind: kind))))
        return bytes
    }

    /// What of that is so of filters of every kind.
    fileprivate static func marks(_ flags: FilterFlags, classID: UInt32, kind: String) -> FlowMembers {
        var values: FlowMembers = [:]
        if flags.contains(.skipHW) { values["skip_hw"] = .bool(true) }
        if flags.contains(.skipSW) { values["skip_sw"] = .bool(true) }
        if flags.contains(.verbose) { values["verbose"] = .bool(true) }
        let id = ClassID(rawValue: classID)
        if let hwTC = id.hwTC, kind == Flower.kind {
            values["hw_tc"] = .number(hwTC)
        } else if id != .none {
            values[kind == Flower.kind ? "classid" : "flowid"] = .text(id.text)
        }
        return values
    }

    /// What of that is the classifier's. Throws if it isn't such a text.
    static func values(_ text: [UInt8]) throws -> FlowMembers {
        var reader = JSONReader(text.span)
        var values = try reader.read { reader in try FlowMembers(&reader) }
        for name in ["skip_hw", "skip_sw", "verbose", "classid", "flowid", "hw_tc"] { values[name] = nil }
        return values
    }
}

/// Filters as text.
enum TrafficText {}

extension FilterContent {
    /// Its options without what its kind compares.
    func terseText(_ kind: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(.object(TrafficText.marks(flags, classID: classID, kind: kind)))
        return bytes
    }
}

extension JSONMembers {
    /// Which block: its name as paths have it, and of one that belongs to a link also the link, as `tc` names it.
    mutating func add(_ block: BlockIdentity.Place) {
        switch block {
        case .shared(let number): add("block", number: UInt64(number))
        case .ingress(let device), .egress(let device):
            add("block", text: block.description)
            add("dev", text: device)
            add(block == .ingress(device) ? "ingress" : "egress", true)
        }
    }

    mutating func add(_ template: ChainTemplate) {
        add("kind", text: template.kind)
        add("protocol", text: template.protocol.name)
        add("options") { $0.append(.object(template.options.values)) }
    }

    mutating func add(_ chain: ChainIdentity) {
        add(chain.block.place)
        add("chain", number: UInt64(chain.index))
    }

    mutating func add(_ marks: ActionMarks) {
        if marks.flags.contains(.skipHW) { add("skip_hw", true) }
        if marks.flags.contains(.skipSW) { add("skip_sw", true) }
        if marks.hasOneCounter { add("no_percpu", true) }
        if !marks.cookie.isEmpty { add("cookie", text: marks.cookieText) }
    }

    mutating func add(_ content: ActionContent, index: UInt32) {
        add("kind", text: content.kind)
        add("index", number: UInt64(index))
        add("control_action") { $0.append(content.control.value) }
        switch content {
        case .gact(let gact):
            guard let random = gact.random else { break }
            add("prob") { $0.append(random.object) }
        case .mirred(let mirred):
            add("mirred_action", text: mirred.mode.rawValue)
            add("direction", text: mirred.direction.rawValue)
            add("to_dev", text: mirred.target)
        }
    }
}

extension ActionMarks {
    /// As `tc` prints it: two hexadecimal digits a byte.
    fileprivate var cookieText: String {
        cookie.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension Mirred {
    /// The link, as `tc` prints it: `*` for one that is gone.
    fileprivate var target: String { device.isEmpty ? "*" : device }
}

extension Gact.Random {
    /// As `prob` has it.
    fileprivate var object: FlowValue {
        .object([
            "random_type": .text(form.rawValue), "control_action": control.value, "val": .number(UInt64(value)),
        ])
    }
}

extension Verdict {
    /// As `control_action` has it.
    var value: FlowValue {
        switch self {
        case .jump(let place): .object(["type": .text(name), "jump": .number(UInt64(place))])
        case .goto(let chain): .object(["type": .text(name), "chain": .number(UInt64(chain))])
        default: .object(["type": .text(name)])
        }
    }
}
