internal import JSON
internal import Routing
internal import TrafficControl

/// An action as a client wrote it, or as `tc -json -s` prints it (R4-112).
struct ActionInput {
    let namespace: String?
    /// Where it says nothing but its kind and index, one that is there already.
    let draft: ActionDraft

    /// - Parameters:
    ///   - kind: what it is if it doesn't say.
    ///   - isReference: whether only its kind and index count, as where it is to go.
    init(_ reader: inout JSONReader, kind: String? = nil, isReference: Bool = false) throws {
        let start = reader
        var fields = ActionFields(kind)
        do {
            try fields.read(&reader)
        } catch {
            // Of a kind that isn't here, no field is known.
            try Self.checkKind(start)
            throw error
        }
        namespace = fields.namespace
        var draft = isReference ? try fields.reference : try fields.draft
        draft.marks = fields.marks
        self.draft = draft
    }

    static func list(_ reader: inout JSONReader) throws -> [ActionInput] {
        var list: [ActionInput] = []
        try reader.readArray { reader, _ in list.append(try ActionInput(&reader)) }
        return list
    }

    private static func checkKind(_ reader: JSONReader) throws {
        var reader = reader
        try reader.readObject { reader, name in if name == "kind" { _ = try reader.readActionKind() } }
    }
}

/// The members of an action.
private struct ActionFields {
    private(set) var namespace: String?
    private(set) var marks = ActionMarks()
    private var kind: String?
    private var index: UInt32?
    private var control: Verdict?
    private var random: Gact.Random?
    private var mode: Mirred.Mode?
    private var direction: Mirred.Direction?
    private var device: String?

    private static let fields = JSONFields(
        "kind", "index", "namespace", "skip_hw", "skip_sw", "no_percpu", "cookie", "order", "control_action", "prob",
        "mirred_action",
        "direction", "to_dev",
        // Status, which is ignored.
        "h", "seq", "version", "ref", "bind", "installed", "last_used", "first_used", "expires", "stats", "hw_stats",
        "used_hw_stats", "in_hw", "in_hw_count", "not_in_hw")

    init(_ kind: String?) { self.kind = kind }

    mutating func read(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in try read(Self.fields.names[index], &reader) }
    }

    private mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "kind": kind = try reader.readActionKind()
        case "index":
            let number = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
            index = number == 0 ? nil : number
        case "namespace": namespace = try reader.readNamespace()
        case "skip_hw": if try reader.readMark() { marks.flags.insert(.skipHW) }
        case "skip_sw": if try reader.readMark() { marks.flags.insert(.skipSW) }
        case "no_percpu": marks.hasOneCounter = try reader.readMark()
        case "cookie": try marks.set(cookie: try Self.readCookie(&reader))
        // They are in that order anyway.
        case "order": _ = try reader.readUInt()
        case "control_action": control = try Verdict(&reader)
        case "prob": random = try Gact.Random.read(&reader)
        case "mirred_action": mode = try Self.read(Mirred.Mode.self, &reader, "mirror or redirect")
        case "direction": direction = try Self.read(Mirred.Direction.self, &reader, "ingress or egress")
        case "to_dev": device = try Self.readTarget(&reader)
        default: try reader.skipValue()
        }
    }

    private static func read<Value: RawRepresentable<String>>(
        _ type: Value.Type, _ reader: inout JSONReader, _ known: String
    ) throws -> Value {
        let text = try reader.readString()
        if let value = Value(rawValue: text) { return value }
        throw invalid("'\(text)' is not \(known)", rule: "R4-98")
    }

    /// Hexadecimal digits, two a byte.
    private static func readCookie(_ reader: inout JSONReader) throws -> [UInt8] {
        let digits = Array(try reader.readString().utf8)
        let numbers = digits.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard !digits.isEmpty, numbers.count == digits.count, digits.count.isMultiple(of: 2) else {
            throw FIBError(.einval, .actionInvalid, "a cookie is 2 to 32 hexadecimal digits, two a byte")
        }
        return stride(from: 0, to: numbers.count, by: 2).map { UInt8(numbers[$0] << 4 | numbers[$0 + 1]) }
    }

    /// `tc` prints `*` for a link that is gone.
    private static func readTarget(_ reader: inout JSONReader) throws -> String? {
        var ahead = reader
        guard ["", "*"].contains(try ahead.readString()) else { return try reader.readDevice() }
        reader = ahead
        return nil
    }

    var draft: ActionDraft {
        get throws {
            guard let kind else { throw Self.invalid("an action needs its kind", rule: "R4-97") }
            if kind == "gact" {
                try refuse(mode, "mirred_action")
                try refuse(direction, "direction")
                try refuse(device, "to_dev")
            } else {
                try refuse(random, "prob")
            }
            if let index, isReference { return ActionDraft(kind, index: index) }
            return ActionDraft(kind == "gact" ? .gact(try gact) : .mirred(try mirred), index: index)
        }
    }

    var reference: ActionDraft {
        get throws {
            guard let kind else { throw Self.invalid("an action needs its kind", rule: "R4-97") }
            guard let index else { throw Problem.missing("index", "say which action is to go, by its index") }
            return ActionDraft(kind, index: index)
        }
    }

    /// Nothing is said of what it does. Terse listings (`tc -br`) leave it out as well.
    private var isReference: Bool {
        control == nil && random == nil && mode == nil && direction == nil && device == nil
    }

    private var gact: Gact {
        get throws {
            guard let control else {
                throw Self.invalid("gact needs its control_action, or the index of one that is there", rule: "R4-97")
            }
            return Gact(control, random: random)
        }
    }

    private var mirred: Mirred {
        get throws {
            guard let mode, let direction else {
                throw Self.invalid("mirred needs mirred_action and direction, or an index that is there", rule: "R4-98")
            }
            guard let device else {
                throw Self.invalid("mirred needs the link to_dev to give packets to", rule: "R4-98")
            }
            return Mirred(mode, direction, to: device, control)
        }
    }

    private static func invalid(_ message: String, rule: String) -> FIBError {
        FIBError(.einval, .actionInvalid, message, rule: rule)
    }

    private func refuse(_ value: Any?, _ name: String) throws {
        guard value != nil, let kind else { return }
        throw FIBError(.einval, .actionInvalid, "\(kind) has no \(name)").at("/\(name)")
    }
}

extension JSONReader {
    fileprivate mutating func readActionKind() throws -> String {
        let kind = try readString()
        if ActionContent.kinds.contains(kind) { return kind }
        let known = ActionContent.kinds.joined(separator: " and ")
        throw FIBError(.enoent, .kindUnknown, "there is no kind of action '\(kind)', but \(known)", rule: "R4-97")
    }
}
