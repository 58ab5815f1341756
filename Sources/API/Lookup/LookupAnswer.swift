internal import Addressing
internal import Bytes
internal import ControlPlane
internal import JSON
internal import PathAttributes
internal import Routing

/// A lookup and what it came to, as JSON: what `ip -json route get` prints, with no key left out, sorted.
///
/// Thousands are asked for at once, so that it is written as it comes.
struct LookupAnswer {
    let view: Forwarding
    let query: LookupQuery
    let result: LookupResult
    let trace: LookupTrace?
    /// What is known of the path and counts; nil if nothing is.
    let path: KnownPath?

    /// Asks the view.
    init(_ view: Forwarding, _ query: LookupQuery, explains: Bool = false) {
        var trace = explains ? LookupTrace() : nil
        result = view.lookup(query, &trace)
        self.trace = trace
        path = KnownPath(view, query, result)
        self.view = view
        self.query = query
    }

    func append(to bytes: inout [UInt8]) {
        var gaps = Gaps()
        append(to: &bytes, &gaps)
    }

    /// Where in the text the destination and the prefix of its route are.
    struct Gaps {
        var destination = 0..<0
        var route = 0..<0
    }

    func append(to bytes: inout [UInt8], _ gaps: inout Gaps) {
        let found = result.found
        var way = found.flatMap { result.refusal == nil ? Way(by: $0, query, view) : nil }
        if let gateway = path?.gateway { way?.redirect(to: gateway, query.destination) }
        var members = SortedMembers()
        // The errno is the one that the kernel gives (R1-09, R1-30, section 1.3).
        if let refusal = result.refusal { members.add("code", plain: refusal.errno.rawValue, to: &bytes) }
        if let way, !way.device.isEmpty { members.add("dev", text: way.device, to: &bytes) }
        members.add("dst", query.destination, to: &bytes, &gaps.destination)
        if let path { path.appendMTUExpiry(&members, to: &bytes) }
        if let trace {
            members.add("explain", to: &bytes)
            append(trace, to: &bytes)
        }
        members.add("family", plain: query.destination.family.name, to: &bytes)
        if let way {
            members.add("flags", to: &bytes)
            way.appendFlags(to: &bytes)
        }
        if let source = query.source { members.add("from", source, to: &bytes) }
        if let gateway = way?.gateway { members.add("gateway", gateway, to: &bytes) }
        if let path { path.appendGatewayExpiry(&members, to: &bytes) }
        if let input = query.input { members.add("iif", text: input, to: &bytes) }
        if path?.mtu?.isLocked ?? false { members.add("locked", true, to: &bytes) }
        if query.mark != 0 { members.add("mark", number: UInt64(query.mark), to: &bytes) }
        if let found { members.add("metric", number: UInt64(found.info.fields.metric), to: &bytes) }
        if let mtu = path?.mtu { members.add("mtu", number: UInt64(mtu.value), to: &bytes) }
        members.add("namespace", text: view.namespace, to: &bytes)
        if let id = found?.info.fields.nextHopID, id != 0 { members.add("nhid", number: UInt64(id), to: &bytes) }
        appendRest(found, way, &members, to: &bytes, &gaps)
        members.end(&bytes)
    }

    /// From `pref` on.
    private func appendRest(
        _ found: FoundRoute?, _ way: Way?, _ members: inout SortedMembers, to bytes: inout [UInt8], _ gaps: inout Gaps
    ) {
        if let found, way != nil, query.destination.family == .inet6 {
            members.add("pref", plain: found.info.fields.preference.name, to: &bytes)
        }
        if let source = way?.source { members.add("prefsrc", source, to: &bytes) }
        if case .refusedByRule(let rule) = result {
            members.add("priority", number: UInt64(rule.priority), to: &bytes)
        }
        if let found { members.add("protocol", plain: found.info.protocol.name, to: &bytes) }
        if path?.gateway != nil { members.add("redirected", true, to: &bytes) }
        if let refusal = result.refusal { members.add("result", plain: refusal.name, to: &bytes) }
        if let found {
            members.add("route", to: &bytes)
            bytes.append(UInt8(ascii: "\""))
            let start = bytes.count
            prefix(found.length).append(to: &bytes)
            gaps.route = start..<bytes.count
            bytes.append(UInt8(ascii: "\""))
            if let source = path?.source { members.add("source", source, to: &bytes) }
            members.add("table", plain: found.table.name, to: &bytes)
        }
        if query.tos != 0 { members.add("tos", number: UInt64(query.tos), to: &bytes) }
        if let found { members.add("type", plain: found.type.name, to: &bytes) }
        if let via = way?.via {
            members.add("via", to: &bytes)
            bytes.appendASCII("{\"family\":\"\(via.family.name)\",\"host\":\"\(via)\"}")
        }
    }

    /// Whether to all destinations that have the same first find this says the same, but for the destination and the prefix. It
    /// has come to that find's info by nothing else that a destination decides: neither by the hash of a flow, nor has it passed
    /// over a route of the prefix.
    func isCommon(to find: PlainTables.Find) -> Bool {
        guard trace == nil, path == nil, case .route(let found) = result else { return false }
        guard find == PlainTables.Find(found), found.key == nil, found.hops.count == 1 else { return false }
        let tellsSource = query.source == nil && query.input == nil
        return !tellsSource || !view.sourceDepends(onDestinationBy: found, query.destination.family)
    }

    func prefix(_ length: UInt8) -> Prefix {
        Prefix(unchecked: query.destination.masked(to: length), length)
    }
}

/// The way that packets take by a route.
private struct Way {
    let device: String
    var gateway: IPAddress?
    /// A gateway of the other family.
    var via: IPAddress?
    /// Where packets that are made here come from.
    var source: IPAddress?
    let status: LegStatus
    let flags: NextHop.Flags

    init(by found: FoundRoute, _ query: LookupQuery, _ view: Forwarding) {
        let hop = found.hop
        // What goes to oneself doesn't leave, whichever link has the address.
        device = found.info.type == .local ? "lo" : hop?.device ?? ""
        if hop?.gateway?.family == query.destination.family { gateway = hop?.gateway } else { via = hop?.gateway }
        if query.source == nil, query.input == nil { source = view.source(to: query.destination, by: found) }
        let legs = found.info.legStatus(query.destination.family, view.impairments, of: found.hops)
        status = found.leg.flatMap { legs?[$0] } ?? []
        flags = hop?.flags ?? []
    }

    /// - Parameter gateway: of IPv6 the destination itself if that is reached directly.
    mutating func redirect(to gateway: IPAddress, _ destination: IPAddress) {
        self.gateway = gateway == destination && gateway.family == .inet6 ? nil : gateway
        via = nil
    }

    func appendFlags(to bytes: inout [UInt8]) {
        guard !status.isEmpty || !flags.isEmpty else { return bytes.append(literal: "[]") }
        let all = [
            ("dead", status.contains(.dead)), ("onlink", flags.contains(.onlink)),
            ("pervasive", flags.contains(.pervasive)), ("linkdown", status.contains(.linkDown)),
        ]
        bytes.appendASCII("[\(all.filter(\.1).map { "\"\($0.0)\"" }.joined(separator: ","))]")
    }
}

extension LookupResult {
    /// The route that decided, if one did.
    fileprivate var found: FoundRoute? {
        switch self {
        case .route(let found), .refused(let found): found
        case .refusedByRule, .nothing: nil
        }
    }

    /// Why packets go nowhere; nil if they go somewhere.
    fileprivate var refusal: (name: String, errno: FIBError.Errno)? {
        switch self {
        case .route: nil
        case .refused(let found): (found.type.name, found.type.lookupErrno)
        case .refusedByRule(let rule): ("\(rule.action)", rule.action.lookupErrno)
        case .nothing: ("no-route", .enetunreach)
        }
    }
}

extension SortedMembers {
    mutating func add(_ name: StaticString, _ address: IPAddress, to bytes: inout [UInt8]) {
        var place = 0..<0
        add(name, address, to: &bytes, &place)
    }

    /// - Parameter place: gets where the address is.
    fileprivate mutating func add(
        _ name: StaticString, _ address: IPAddress, to bytes: inout [UInt8], _ place: inout Range<Int>
    ) {
        add(name, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        let start = bytes.count
        address.append(to: &bytes)
        place = start..<bytes.count
        bytes.append(UInt8(ascii: "\""))
    }
}
