internal import Bytes
internal import ChangeLog
internal import Routing
internal import TrafficControl

/// What a link is, in one byte.
private struct LinkFlags: OptionSet {
    let rawValue: UInt8
    static let isUp = LinkFlags(rawValue: 1)
    static let isOffloaded = LinkFlags(rawValue: 2)
    static let disablesIPv6 = LinkFlags(rawValue: 4)
    /// It follows.
    static let hasGroup = LinkFlags(rawValue: 8)
    static let ignoresLinkDown = LinkFlags(rawValue: 16)
    static let refusesRedirects = LinkFlags(rawValue: 32)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(of link: Link) {
        self = []
        if link.isUp { insert(.isUp) }
        if link.isOffloaded { insert(.isOffloaded) }
        if link.disablesIPv6 { insert(.disablesIPv6) }
        if link.group != 0 { insert(.hasGroup) }
        if link.ignoresLinkDown { insert(.ignoresLinkDown) }
        if !link.acceptsRedirects { insert(.refusesRedirects) }
    }
}

extension RecordWriter {
    /// Kind, namespace (empty for devices), version, the entry, the status.
    mutating func append(_ object: StoredObject) {
        append(object.kind.rawValue)
        append(object.namespace)
        append(object.version.rawValue)
        switch object.value {
        case .namespace(let settings): append(settings)
        case .link(let link):
            append(link)
            append(byte: object.status.hasCarrier ? 1 : 0)
        case .neighbour(let neighbour):
            append(neighbour)
            append(object.status.updated)
        case .rule(let rule): append(rule)
        case .nextHop(let object): append(object)
        case .device(let settings):
            append(settings.name)
            append(settings.entry)
        case .qdisc(let qdisc):
            append(qdisc.device)
            append(qdisc.kind.rawValue)
            append(UInt64(qdisc.ingressBlock ?? 0))
            append(UInt64(qdisc.egressBlock ?? 0))
        case .block(let place): append(place)
        }
    }

    private mutating func append(_ settings: NamespaceSettings) {
        append(
            byte: settings.notifyOnFlagChangeIPv4 | (settings.usesNeighbours ? RecordForm.usesNeighbours : 0)
                | (settings.paths == PathConfiguration() ? 0 : RecordForm.hasPaths)
                | settings.hashPolicyIPv4.rawValue << 4)
        append(byte: settings.notifyOnFlagChangeIPv6 | settings.hashPolicyIPv6.rawValue << 4)
        append(settings.nextHopCheck.rawValue)
        if settings.paths != PathConfiguration() { append(settings.paths) }
    }

    private mutating func append(_ link: Link) {
        append(link.name)
        append(byte: LinkFlags(of: link).rawValue)
        append(UInt64(link.mtu))
        if link.group != 0 { append(UInt64(link.group)) }
        append(UInt64(link.addresses.count))
        for address in link.addresses {
            appendOptional(address.address)
            append(byte: address.length)
        }
    }

    private mutating func append(_ neighbour: Neighbour) {
        append(neighbour.device)
        appendOptional(neighbour.address)
        append(byte: neighbour.state.rawValue)
        append(neighbour.linkAddress ?? "")
    }
}

extension RecordReader {
    mutating func object() throws(Malformed) -> StoredObject {
        let kind = ObjectKind(rawValue: try bytes.text())
        let namespace = try bytes.text()
        let version = try sequence()
        var status = ObjectStatus()
        let value: ObjectValue
        switch kind {
        case .namespace: value = .namespace(try namespaceSettings())
        case .link:
            value = .link(try link())
            status.hasCarrier = try bytes.byte() != 0
        case .neigh:
            value = .neighbour(try neighbour())
            status.updated = try bytes.varint()
        case .rule: value = .rule(try placedRule())
        case .nexthop: value = .nextHop(try nextHopObject())
        case .device: value = .device(DeviceSettings(name: try bytes.text(), entry: try bytes.text()))
        case .qdisc: value = .qdisc(try qdisc())
        case .block: value = .block(try blockPlace())
        default: throw bytes.malformed("an object of an unknown kind")
        }
        return StoredObject(value, in: namespace, status, version: version)
    }

    private mutating func namespaceSettings() throws(Malformed) -> NamespaceSettings {
        var (settings, hasPaths) = (NamespaceSettings(), false)
        let inet = try familySettings()
        (settings.notifyOnFlagChangeIPv4, settings.hashPolicyIPv4) = (inet.notify, inet.policy)
        (settings.usesNeighbours, hasPaths) = (inet.usesNeighbours, inet.hasPaths)
        let inet6 = try familySettings()
        (settings.notifyOnFlagChangeIPv6, settings.hashPolicyIPv6) = (inet6.notify, inet6.policy)
        guard let check = NextHopCheck(rawValue: try bytes.text()) else { throw bytes.malformed("an unknown check") }
        settings.nextHopCheck = check
        if hasPaths { settings.paths = try pathConfiguration() }
        return settings
    }

    private mutating func familySettings() throws(Malformed) -> (
        notify: UInt8, policy: MultipathHashPolicy, usesNeighbours: Bool, hasPaths: Bool
    ) {
        let byte = try bytes.byte()
        guard let policy = MultipathHashPolicy(rawValue: byte >> 4) else {
            throw bytes.malformed("an unknown hash policy")
        }
        return (byte & 3, policy, byte & RecordForm.usesNeighbours != 0, byte & RecordForm.hasPaths != 0)
    }

    private mutating func link() throws(Malformed) -> Link {
        var link = Link(name: try bytes.text())
        let flags = LinkFlags(rawValue: try bytes.byte())
        (link.isUp, link.isOffloaded) = (flags.contains(.isUp), flags.contains(.isOffloaded))
        (link.disablesIPv6, link.ignoresLinkDown) = (flags.contains(.disablesIPv6), flags.contains(.ignoresLinkDown))
        link.acceptsRedirects = !flags.contains(.refusesRedirects)
        link.mtu = try bytes.varint(as: UInt32.self)
        if flags.contains(.hasGroup) { link.group = try bytes.varint(as: UInt32.self) }
        for _ in 0..<(try bytes.count()) {
            guard let address = try optionalAddress(), let entry = LinkAddress(address, length: try bytes.byte()) else {
                throw bytes.malformed("an address that no link can have")
            }
            link.addresses.append(entry)
        }
        return link
    }

    private mutating func qdisc() throws(Malformed) -> Qdisc {
        let device = try bytes.text()
        guard let kind = Qdisc.Kind(rawValue: try bytes.text()) else { throw bytes.malformed("an unknown qdisc") }
        let (ingress, egress) = (try bytes.varint(as: UInt32.self), try bytes.varint(as: UInt32.self))
        guard
            let qdisc = try? Qdisc(
                kind, on: device, ingressBlock: ingress == 0 ? nil : ingress, egressBlock: egress == 0 ? nil : egress)
        else { throw bytes.malformed("a qdisc that no link can have") }
        return qdisc
    }

    private mutating func neighbour() throws(Malformed) -> Neighbour {
        let device = try bytes.text()
        guard let address = try optionalAddress(), let state = NeighbourState(rawValue: try bytes.byte()) else {
            throw bytes.malformed("a neighbour that no link can have")
        }
        let linkAddress = try bytes.text()
        return Neighbour(
            device: device, address: address, state: state, linkAddress: linkAddress.isEmpty ? nil : linkAddress)
    }
}
