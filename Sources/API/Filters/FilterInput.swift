internal import ControlPlane
internal import JSON
internal import Routing
internal import TrafficControl

/// A filter as a client wrote it, or as `tc -json -s filter show` prints it.
struct FilterInput {
    private(set) var namespace: String?
    /// The block, if that is said in full.
    private(set) var place: BlockIdentity.Place?
    /// What it says, to be added.
    private(set) var write = FilterWrite()
    /// Whether it is what `tc` prints before the filters of each priority, which is no filter (R4-110).
    private(set) var isBare = false
    private var parts = BlockParts()
    private var options: ClassifierOptions?
    private var actions: [ActionInput]?

    private static let fields = JSONFields(
        BlockParts.names + [
            "namespace", "chain", "pref", "protocol", "kind", "handle", "options", "actions", "skip_hw", "skip_sw",
            // Status, which is ignored.
            "h", "seq", "version", "in_hw", "in_hw_count", "not_in_hw", "added", "replaced", "deleted", "warn", "stats",
            // Statistics as `tc` prints them.
            "bytes", "packets", "drops", "overlimits", "requeues", "backlog", "qlen", "rate", "pps", "sw_bytes",
            "sw_packets", "hw_bytes", "hw_packets",
        ])

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in try read(Self.fields.names[index], &reader) }
        place = try parts.place
        // `tc` prints the kind, whatever else it leaves out.
        isBare = write.kind != nil && write.handle == nil && write.flags.isEmpty && options == nil && actions == nil
        if let options { try merge(options) }
        write.actions = (actions ?? []).map(\.draft)
    }

    private mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "namespace": namespace = try reader.readNamespace()
        case "chain": write.chain = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case "pref":
            let priority = UInt16(try reader.readUInt(max: 65_535))
            write.priority = priority == 0 ? nil : priority
        case "protocol": write.protocol = try reader.readProtocol()
        case "kind": write.kind = try reader.readString()
        case "handle": write.handle = try reader.readHandle()
        case "options": options = try ClassifierOptions(&reader)
        case "actions": actions = try ActionInput.list(&reader)
        case "skip_hw": if try reader.readMark() { write.flags.insert(.skipHW) }
        case "skip_sw": if try reader.readMark() { write.flags.insert(.skipSW) }
        case _ where BlockParts.names.contains(name): try parts.read(name, &reader)
        default: try reader.skipValue()
        }
    }

    /// What `tc` prints within the options, and others beside them.
    private mutating func merge(_ options: ClassifierOptions) throws {
        if let handle = options.handle {
            guard write.handle ?? handle == handle else {
                throw FIBError(.einval, .filterInvalid, "handle and that of options are two").at("/options/handle")
            }
            write.handle = handle
        }
        if options.actions != nil, actions != nil {
            throw FIBError(.einval, .filterInvalid, "actions are given beside options and within").at(
                "/options/actions")
        }
        actions = options.actions ?? actions
        write.options = options.values
        write.flags.formUnion(options.flags)
        write.classID = options.classID ?? 0
    }

    /// What it says of its block must be so of the one that the path names.
    func check(_ path: BlockIdentity.Place) throws(Problem) { try parts.check(path) }
}

extension JSONReader {
    mutating func readNamespace() throws -> String {
        try readName("the name of a namespace") { ControlPlane.isValidNamespaceName($0) ? $0 : nil }
    }

    /// The type of frames. 0 stands for none.
    mutating func readProtocol() throws -> EtherType? {
        let type = try readNameOrNumber("the type of a frame: a name such as ip, or its number") { EtherType(name: $0) }
        return type.rawValue == 0 ? nil : type
    }
}
