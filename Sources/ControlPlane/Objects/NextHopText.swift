internal import Addressing
internal import Bytes
internal import JSON
internal import Routing

extension NextHopObject {
    /// As `ip -json nexthop` prints it, with its family, which that leaves out.
    func add(to members: inout JSONMembers) {
        members.add("id", number: UInt64(id))
        if let family { members.add("family", text: family.name) }
        if self.protocol != .unspecified { members.add("protocol", text: self.protocol.name) }
        switch target {
        case .blackhole: members.add("blackhole", true)
        case .group(let list): members.add("group") { $0.append(list) }
        case .leg(let hop):
            members.add("dev", text: hop.device)
            if let gateway = hop.gateway { members.add("gateway", text: "\(gateway)") }
            if !hop.flags.isEmpty { members.add("flags") { $0.append(flags: hop.flags) } }
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ members: [NextHopObject.Member]) {
        for (index, member) in members.enumerated() {
            appendASCII(index == 0 ? "[" : ",")
            appendASCII("{\"id\":\(member.id)")
            appendASCII(member.weight == 1 ? "}" : ",\"weight\":\(member.weight)}")
        }
        append(UInt8(ascii: "]"))
    }

    fileprivate mutating func append(flags: NextHop.Flags) {
        let names = [("onlink", NextHop.Flags.onlink), ("pervasive", .pervasive)].filter { flags.contains($0.1) }
        appendASCII("[\(names.map { "\"\($0.0)\"" }.joined(separator: ","))]")
    }
}
