internal import Addressing
internal import ControlPlane
internal import JSON
internal import Routing

/// A nexthop object as a client wrote it, or as `ip -json nexthop` prints it.
struct NextHopObjectInput {
    private(set) var namespace: String?
    private(set) var fields = NextHopFields()
    private var via: IPAddress?

    private static let names = JSONFields(
        "id", "namespace", "family", "gateway", "via", "dev", "flags", "blackhole", "group", "protocol", "type", "fdb",
        // Status, which is ignored; the scope follows from the rest.
        "h", "seq", "version", "scope")
    private static let memberNames = JSONFields("id", "weight")

    init(_ reader: inout JSONReader) throws {
        try reader.readObject(Self.names) { reader, index in try read(Self.names.names[index], &reader) }
        if let via {
            if fields.gateway != nil {
                throw FIBError(.einval, .nextHopConflict, "give gateway or via, not both", rule: "R1-82")
            }
            fields.gateway = via
        }
    }

    private mutating func read(_ name: String, _ reader: inout JSONReader) throws {
        switch name {
        case "id": fields.id = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
        case "namespace":
            namespace = try reader.readName("the name of a namespace") {
                ControlPlane.isValidNamespaceName($0) ? $0 : nil
            }
        case "family": fields.family = try reader.readName("inet or inet6") { AddressFamily(name: $0) }
        case "gateway": fields.gateway = try reader.readAddress()
        case "via": via = try reader.readVia()
        case "dev": fields.device = try reader.readDevice()
        case "flags": fields.flags = try reader.readHopFlags()
        case "blackhole": fields.isBlackhole = try reader.readMark()
        case "group": fields.members = try Self.members(&reader)
        case "protocol":
            fields.protocol = try reader.readNameOrNumber("a route protocol") { RouteProtocol(name: $0) }
        case "type": try Self.readType(&reader)
        case "fdb":
            guard try reader.readMark() else { return }
            throw FIBError(.eopnotsupp, .unsupported, "fdb nexthops are for bridges, which there are none of here")
        default: try reader.skipValue()
        }
    }

    private static func readType(_ reader: inout JSONReader) throws {
        let type = try reader.readName("mpath or resilient") { ["mpath", "resilient"].contains($0) ? $0 : nil }
        if type == "mpath" { return }
        throw FIBError(.eopnotsupp, .unsupported, "resilient groups are not supported; groups are of type mpath")
    }

    private static func members(_ reader: inout JSONReader) throws -> [NextHopObject.Member] {
        var members: [NextHopObject.Member] = []
        try reader.readArray { reader, _ in
            var id: UInt32?
            var weight: UInt16 = 1
            try reader.readObject(memberNames) { reader, index in
                if index == 0 {
                    id = UInt32(try reader.readUInt(max: UInt64(UInt32.max)))
                } else {
                    weight = try reader.readWeight()
                }
            }
            guard let id else { throw Problem.missing("id", "each member of a group needs the id of a nexthop") }
            members.append(NextHopObject.Member(id: id, weight: weight))
        }
        return members
    }

    /// What it says, with the namespace that holds where it says none.
    func operation(_ verb: RouteVerb, _ namespace: String?, _ condition: WriteCondition) -> ObjectOperation {
        ObjectOperation(
            self.namespace ?? namespace ?? ControlPlane.defaultNamespace, .writeNextHop(verb, fields),
            condition: condition)
    }

    /// A removal of the one that it names.
    func removal(_ namespace: String?, _ condition: WriteCondition) throws(FIBError) -> ObjectOperation {
        guard let id = fields.id else { throw FIBError(.einval, .nextHopInvalid, "to delete a nexthop, say its id") }
        return ObjectOperation(
            self.namespace ?? namespace ?? ControlPlane.defaultNamespace, .removeNextHop(id), condition: condition)
    }

    /// At a place that the path names, with which the body must agree.
    func operation(
        at id: UInt32, in namespace: String, _ condition: WriteCondition
    ) throws(Problem) -> ObjectOperation {
        if let own = fields.id, own != id { throw .keyMismatch("id", "\(own)", "\(id)") }
        if let own = self.namespace, own != namespace { throw .keyMismatch("namespace", own, namespace) }
        var fields = fields
        fields.id = id
        return ObjectOperation(namespace, .writeNextHop(.replace, fields), condition: condition)
    }
}
