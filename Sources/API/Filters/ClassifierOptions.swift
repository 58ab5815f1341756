internal import ControlPlane
internal import JSON
internal import Routing
internal import TrafficControl

/// What is under `options` of a filter or of a chain's template: some of it all kinds have, the rest is for the kind to understand.
struct ClassifierOptions {
    /// What is left for the kind, such as `keys`.
    private(set) var values: FlowMembers = [:]
    private(set) var handle: UInt32?
    private(set) var flags: FilterFlags = []
    private(set) var classID: UInt32?
    private(set) var actions: [ActionInput]?
    private var inputDevice: String?

    init(_ reader: inout JSONReader) throws {
        try reader.readObject { reader, name in try read(name, &reader) }
        try moveInputDevice()
    }

    private mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "handle": handle = try reader.readHandle()
        case "actions": actions = try ActionInput.list(&reader)
        case "skip_hw": if try reader.readMark() { flags.insert(.skipHW) }
        case "skip_sw": if try reader.readMark() { flags.insert(.skipSW) }
        case "verbose": if try reader.readMark() { flags.insert(.verbose) }
        case "classid", "flowid": try set(try reader.readName("a class such as 1:10") { ClassID($0)?.rawValue })
        // Classes of priorities, as many as there are queues of hardware.
        case "hw_tc":
            guard let id = ClassID(hwTC: try reader.readUInt(max: 15)) else { return }
            try set(id.rawValue)
        case "indev": inputDevice = try reader.readDevice()
        // Status, which is ignored.
        case "in_hw", "in_hw_count", "not_in_hw", "rule_hit": try reader.skipValue()
        default: try values.add(name, &reader)
        }
    }

    private mutating func set(_ id: UInt32) throws(FIBError) {
        guard classID ?? id == id else {
            throw FIBError(.einval, .filterInvalid, "a filter has one class: classid, flowid and hw_tc all say it")
        }
        classID = id
    }

    /// `tc` prints `indev` beside the keys, of which it is one.
    private mutating func moveInputDevice() throws {
        guard let inputDevice else { return }
        var keys: FlowMembers = [:]
        if let given = values["keys"] {
            guard case .object(let members) = given else { return }
            keys = members
        }
        let value = FlowValue.text(inputDevice)
        guard keys["indev"] ?? value == value else {
            throw FIBError(.einval, .filterInvalid, "indev is another one than that of keys").at("/indev")
        }
        keys["indev"] = value
        values["keys"] = .object(keys)
    }
}

extension JSONReader {
    /// A number, or one as text: `tc` prints it either way, by kind. 0 stands for none.
    mutating func readHandle() throws -> UInt32? {
        let handle = try readNameOrNumber("a handle such as 1 or 0x1") { hexadecimal($0) }
        return handle == 0 ? nil : handle
    }
}
