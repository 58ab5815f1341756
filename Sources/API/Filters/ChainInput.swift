internal import JSON
internal import Routing
internal import TrafficControl

/// A chain as a client wrote it, or as `tc -json chain show` prints it (R4-113).
struct ChainInput {
    /// What its filters may compare (R4-16), for `Traffic.template`.
    struct Template {
        let kind: String
        /// Nil if none were given.
        let options: FlowMembers?
        /// Nil for all.
        let `protocol`: EtherType?
    }

    private(set) var namespace: String?
    /// The block, if that is said in full.
    private(set) var place: BlockIdentity.Place?
    private(set) var index: UInt32?
    private(set) var template: Template?
    private var parts = BlockParts()
    private var kind: String?
    private var options: ClassifierOptions?
    private var `protocol`: EtherType?

    private static let fields = JSONFields(
        BlockParts.names + [
            "namespace", "chain", "kind", "options", "protocol",
            // Status, which is ignored.
            "h", "seq", "version", "added", "replaced", "deleted", "warn", "stats",
        ])

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in try read(Self.fields.names[index], &reader) }
        place = try parts.place
        guard let kind else {
            if options == nil { return }
            throw FIBError(.einval, .chainInvalid, "a template needs the kind of its filters", rule: "R4-16")
        }
        if options?.actions != nil {
            throw FIBError(.einval, .chainInvalid, "a template has no actions", rule: "R4-16").at("/options/actions")
        }
        template = Template(kind: kind, options: options?.values, protocol: `protocol`)
    }

    private mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "namespace": namespace = try reader.readNamespace()
        case "chain": index = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case "kind": kind = try reader.readString()
        case "options": options = try ClassifierOptions(&reader)
        case "protocol": `protocol` = try reader.readProtocol()
        // The qdisc, which may have two blocks: it doesn't say which.
        case "parent", "root": try reader.skipValue()
        case _ where BlockParts.names.contains(name): try parts.read(name, &reader)
        default: try reader.skipValue()
        }
    }

    /// What it says of its block must be so of the one that the path names.
    func check(_ path: BlockIdentity.Place) throws(Problem) { try parts.check(path) }
}
