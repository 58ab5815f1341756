internal import Addressing
internal import Bytes
internal import Routing

extension RecordWriter {
    /// Id, protocol, then 0 of a group and its members; or the family, and what there is of gateway, device and flags.
    mutating func append(_ object: NextHopObject) {
        append(UInt64(object.id))
        append(byte: object.protocol.rawValue)
        append(byte: object.family.map { $0 == .inet ? 4 : 6 } ?? 0)
        switch object.target {
        case .group(let members):
            append(UInt64(members.count))
            for member in members {
                append(UInt64(member.id))
                append(UInt64(member.weight))
            }
        // No link has this name.
        case .blackhole: append("")
        case .leg(let hop):
            append(hop.device)
            appendOptional(hop.gateway)
            append(byte: hop.flags.rawValue)
        }
    }
}

extension RecordReader {
    mutating func nextHopObject() throws(Malformed) -> NextHopObject {
        let id = try bytes.varint(as: UInt32.self)
        let owner = RouteProtocol(rawValue: try bytes.byte())
        if id == 0 { throw bytes.malformed("a nexthop without an id") }
        let family: AddressFamily
        switch try bytes.byte() {
        case 0: return NextHopObject(id: id, family: nil, .group(try members()), protocol: owner)
        case 4: family = .inet
        case 6: family = .inet6
        default: throw bytes.malformed("an unknown address family")
        }
        let device = try bytes.text()
        if device.isEmpty { return NextHopObject(id: id, family: family, .blackhole, protocol: owner) }
        let hop = NextHop(
            gateway: try optionalAddress(), device: device, flags: NextHop.Flags(rawValue: try bytes.byte()))
        return NextHopObject(id: id, family: family, .leg(hop), protocol: owner)
    }

    private mutating func members() throws(Malformed) -> [NextHopObject.Member] {
        var members: [NextHopObject.Member] = []
        for _ in 0..<(try bytes.count()) {
            members.append(
                NextHopObject.Member(id: try bytes.varint(as: UInt32.self), weight: try bytes.varint(as: UInt16.self)))
        }
        if members.isEmpty { throw bytes.malformed("a group without members") }
        return members
    }
}
