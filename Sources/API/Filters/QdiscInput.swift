internal import JSON
internal import Routing
internal import TrafficControl

/// A qdisc as a client wrote it, or as `tc -json -s qdisc show` prints it.
struct QdiscInput {
    let namespace: String?
    let device: String?
    let kind: Qdisc.Kind
    let ingressBlock: UInt32?
    let egressBlock: UInt32?

    init(_ reader: inout JSONReader) throws {
        var fields = QdiscFields()
        try fields.read(&reader)
        guard let kind = fields.kind else {
            throw Problem.missing("kind", "a qdisc needs its kind: \(Self.kinds)")
        }
        if kind == .ingress, fields.egressBlock != nil { throw Qdisc.withoutEgress.at("/egress_block") }
        (self.kind, namespace, device) = (kind, fields.namespace, fields.device)
        (ingressBlock, egressBlock) = (fields.ingressBlock, fields.egressBlock)
    }

    fileprivate static var kinds: String { Qdisc.Kind.allCases.map(\.rawValue).joined(separator: " and ") }

    /// - Parameters:
    ///   - path: what the path calls the link; nil if it has none.
    ///   - pathKind: likewise the kind.
    func qdisc(_ path: String?, _ pathKind: Qdisc.Kind? = nil) throws -> Qdisc {
        if let path, let device, path != device {
            throw FIBError(.einval, .qdiscInvalid, "dev is '\(device)' in the body but '\(path)' in the path").at(
                "/dev")
        }
        if let pathKind, pathKind != kind {
            throw FIBError(
                .einval, .qdiscInvalid, "kind is '\(kind.rawValue)' in the body but '\(pathKind.rawValue)' in the path"
            ).at("/kind")
        }
        guard let device = path ?? device else { throw Problem.missing("dev", "a qdisc is on a link: dev") }
        return try Qdisc(kind, on: device, ingressBlock: ingressBlock, egressBlock: egressBlock)
    }
}

/// The members of a qdisc.
private struct QdiscFields {
    var namespace: String?
    var device: String?
    var kind: Qdisc.Kind?
    var ingressBlock: UInt32?
    var egressBlock: UInt32?

    private static let fields = JSONFields(
        "kind", "dev", "namespace", "ingress_block", "egress_block", "handle", "parent", "options",
        // Status, which is ignored.
        "h", "seq", "version", "root", "refcnt", "offloaded", "added", "replaced", "deleted", "warn", "stats",
        // Statistics as `tc` prints them.
        "bytes", "packets", "drops", "overlimits", "requeues", "backlog", "qlen", "rate", "pps", "sw_bytes",
        "sw_packets", "hw_bytes", "hw_packets")
    private static let noOptions = JSONFields()

    mutating func read(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.fields) { reader, index in try read(Self.fields.names[index], &reader) }
    }

    private mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "kind": kind = try Self.readKind(&reader)
        case "dev": device = try reader.readDevice()
        case "namespace": namespace = try reader.readNamespace()
        case "ingress_block": ingressBlock = try reader.readBlockIndex()
        case "egress_block": egressBlock = try reader.readBlockIndex()
        case "handle": try Self.check(&reader, 0xFFFF_0000, "the handle is ffff:")
        case "parent": try Self.check(&reader, 0xFFFF_FFF1, "the parent is ffff:fff1")
        case "options": try reader.readObject(Self.noOptions) { _, _ in }
        default: try reader.skipValue()
        }
    }

    private static func readKind(_ reader: inout JSONReader) throws -> Qdisc.Kind {
        let name = try reader.readString()
        if let kind = Qdisc.Kind(rawValue: name) { return kind }
        throw FIBError(
            .enoent, .kindUnknown, "there is no kind of qdisc '\(name)'; those with filters are \(QdiscInput.kinds)")
    }

    /// Both kinds have one place on a link.
    private static func check(_ reader: inout JSONReader, _ only: UInt32, _ message: String) throws {
        let text = try reader.readString()
        guard ClassID(text)?.rawValue == only else {
            throw FIBError(.einval, .qdiscInvalid, "of ingress and clsact \(message), not '\(text)'", rule: "R4-01")
        }
    }
}
