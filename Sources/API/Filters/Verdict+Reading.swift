internal import JSON
internal import Routing
internal import TrafficControl

extension Verdict {
    private static let fields = JSONFields("type", "chain", "jump")
    /// Those that `tc` prints as numbers, since it has no names for them.
    private static let numbers: [String: Verdict] = ["5": .queued, "6": .repeat, "7": .redirect]

    /// `{"type":"drop"}`, with `chain` behind `goto` and `jump` behind `jump`.
    init(_ reader: inout JSONReader) throws {
        var type: String?
        var chain: UInt32?
        var jump: UInt32?
        try reader.readObject(Self.fields) { reader, index in
            switch index {
            case 0: type = try reader.readString()
            case 1: chain = try Self.readTarget(&reader, "the index of a chain", rule: "R4-07")
            default: jump = try Self.readTarget(&reader, "the place of an action", rule: "R4-54")
            }
        }
        guard let type else { throw Self.invalid("a verdict needs its type") }
        if chain != nil, type != "goto" { throw Self.invalid("\(type) leads to no chain").at("/chain") }
        if jump != nil, type != "jump" { throw Self.invalid("\(type) leads to no action").at("/jump") }
        switch type {
        case "goto":
            guard let chain else { throw Self.invalid("goto needs its chain") }
            self = .goto(chain: chain)
        case "jump":
            guard let jump else { throw Self.invalid("jump needs the place of the action to go to") }
            self = .jump(jump)
        default:
            guard let verdict = Verdict(name: type) ?? Self.numbers[type] else {
                throw Self.invalid("'\(type)' is not a verdict such as pass, drop, pipe or goto").at("/type")
            }
            self = verdict
        }
    }

    private static func invalid(_ message: String) -> FIBError {
        FIBError(.einval, .actionInvalid, message, rule: "R4-97")
    }

    /// It stands in the same word as the verdict, which has 28 bits of room for it.
    private static func readTarget(_ reader: inout JSONReader, _ what: String, rule: String) throws -> UInt32 {
        let number = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        guard number < 1 << 28 else {
            throw FIBError(.einval, .actionInvalid, "\(what) is at most 268435455", rule: rule)
        }
        return number
    }
}

extension Gact.Random {
    private static let fields = JSONFields("random_type", "control_action", "val")

    /// What is under `prob`; nil for `none`, which `tc` prints where nothing is random.
    static func read(_ reader: inout JSONReader) throws -> Gact.Random? {
        var type: String?
        var control: Verdict?
        var value: UInt16?
        try reader.readObject(fields) { reader, index in
            switch index {
            case 0: type = try reader.readString()
            case 1: control = try Verdict(&reader)
            default: value = UInt16(try reader.readUInt(max: 65_535))
            }
        }
        if type == "none" { return nil }
        guard let type, let form = Form(rawValue: type) else {
            throw FIBError(.einval, .actionInvalid, "random_type is none, netrand or determ").at("/random_type")
        }
        guard let control, let value else {
            throw FIBError(.einval, .actionInvalid, "what happens at random needs its control_action and val")
        }
        return try Gact.Random(form, control, value: value)
    }
}
