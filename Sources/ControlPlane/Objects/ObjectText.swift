internal import Addressing
internal import ChangeLog
internal import JSON
internal import Platform
internal import Routing
internal import TrafficControl

extension ObjectValue {
    /// The entry's canonical bytes (RFC 8785).
    public func appendEntry(namespace: String, to bytes: inout [UInt8]) {
        if case .device(let settings) = self { return bytes.append(contentsOf: settings.entry.utf8) }
        members(namespace).append(to: &bytes)
    }

    fileprivate func members(_ namespace: String) -> JSONMembers {
        var members = JSONMembers()
        switch self {
        case .namespace(let settings):
            members.add("name", text: namespace)
            members.add("nexthop_check", text: settings.nextHopCheck.rawValue)
            members.add("ipv4") { settings.members(.inet).append(to: &$0) }
            members.add("ipv6") { settings.members(.inet6).append(to: &$0) }
            settings.paths.add(to: &members)
        case .link(let link):
            members.add("namespace", text: namespace)
            members.add("ifname", text: link.name)
            members.add("operstate", text: link.isUp ? "UP" : "DOWN")
            members.add("mtu", number: UInt64(link.mtu))
            members.add("addresses") { $0.appendList(link.addresses.map(\.description)) }
            members.add("offload", link.isOffloaded)
            if link.group != 0 { members.add("group", text: LinkGroup.name(link.group)) }
            if link.ignoresLinkDown { members.add("ignore_routes_with_linkdown", true) }
            if link.disablesIPv6 { members.add("disable_ipv6", true) }
            if !link.acceptsRedirects { members.add("accept_redirects", false) }
        case .neighbour(let neighbour):
            members.add("namespace", text: namespace)
            members.add("dev", text: neighbour.device)
            members.add("dst", text: "\(neighbour.address)")
            members.add("family", text: neighbour.address.family.name)
            members.add("state", text: neighbour.state.name)
            if let address = neighbour.linkAddress { members.add("lladdr", text: address) }
        case .rule(let rule):
            members.add("namespace", text: namespace)
            rule.rule.add(to: &members)
        case .nextHop(let object):
            members.add("namespace", text: namespace)
            object.add(to: &members)
        case .qdisc(let qdisc):
            members.add("namespace", text: namespace)
            qdisc.add(to: &members)
        case .block(let place):
            members.add("namespace", text: namespace)
            members.add(place)
        case .device: preconditionFailure("what a device is set to is not known here")
        }
        return members
    }
}

extension StoredObject {
    /// The entry's canonical bytes.
    public func appendEntry(to bytes: inout [UInt8]) { value.appendEntry(namespace: namespace, to: &bytes) }

    /// A row of a listing: the entry's fields with the status fields beside them, sorted together. Not of devices.
    ///
    /// - Parameter rule: what is so of a rule; nil for other objects.
    public func appendRow(_ rule: RuleStatus? = nil, to bytes: inout [UInt8]) {
        var members = value.members(namespace)
        addStatus(to: &members)
        rule?.add(to: &members)
        members.add("h") { text in
            text.append(UInt8(ascii: "\""))
            text.append(hash)
            text.append(UInt8(ascii: "\""))
        }
        members.add("seq", number: version.rawValue)
        members.add("version", number: version.rawValue)
        members.append(to: &bytes)
    }

    /// What events say beside the entry: an object of the status fields; nothing for kinds that have none.
    public func appendStatus(_ opening: String, to bytes: inout [UInt8]) {
        if kind != .link && kind != .neigh { return }
        var members = JSONMembers()
        addStatus(to: &members)
        bytes.appendASCII(opening)
        members.append(to: &bytes)
    }

    private func addStatus(to members: inout JSONMembers) {
        switch value {
        case .namespace, .rule, .nextHop, .device, .qdisc, .block: break
        case .link: members.add("carrier", status.hasCarrier)
        case .neighbour: members.add("updated", text: WallClock.text(milliseconds: status.updated))
        }
    }
}

extension RuleStatus {
    fileprivate func add(to members: inout JSONMembers) {
        if isUnresolved { members.add("unresolved", true) }
        if isInputDetached { members.add("iif_detached", true) }
        if isOutputDetached { members.add("oif_detached", true) }
    }
}

extension [UInt8] {
    mutating func appendList(_ texts: [String]) {
        append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { append(UInt8(ascii: ",")) }
            appendJSON(string: text)
        }
        append(UInt8(ascii: "]"))
    }
}
