internal import Addressing
internal import ControlPlane
internal import JSON
internal import Routing

/// A lookup and what it came to, as JSON: what `ip -json route get` prints, with no key left out, sorted.
struct LookupAnswer {
    let view: Forwarding
    let query: LookupQuery
    let result: LookupResult
    let trace: LookupTrace?

    func append(to bytes: inout [UInt8]) {
        var members = JSONMembers()
        members.add("dst", text: "\(query.destination)")
        members.add("family", text: query.destination.family.name)
        members.add("namespace", text: view.namespace)
        if let source = query.source { members.add("from", text: "\(source)") }
        if query.tos != 0 { members.add("tos", number: UInt64(query.tos)) }
        if let input = query.input { members.add("iif", text: input) }
        if query.mark != 0 { members.add("mark", number: UInt64(query.mark)) }
        switch result {
        case .nothing: refuse("no-route", .enetunreach, &members)
        case .refused(let found):
            refuse(found.info.type.name, found.info.type.lookupErrno, &members)
            describe(found, &members)
        case .refusedByRule(let rule):
            refuse("\(rule.action)", rule.action.lookupErrno, &members)
            members.add("priority", number: UInt64(rule.priority))
        case .route(let found):
            describe(found, &members)
            leave(by: found, &members)
        }
        if let trace { members.add("explain") { append(trace, to: &$0) } }
        members.append(to: &bytes)
    }

    /// The errno is the one that the kernel gives (R1-09, R1-30, section 1.3).
    private func refuse(_ result: String, _ code: FIBError.Errno, _ members: inout JSONMembers) {
        members.add("result", text: result)
        members.add("code", text: code.rawValue)
    }

    /// The route.
    private func describe(_ found: FoundRoute, _ members: inout JSONMembers) {
        members.add("type", text: found.info.type.name)
        members.add("table", text: found.table.name)
        members.add("protocol", text: found.info.protocol.name)
        members.add("route", text: "\(prefix(found.length))")
        guard let key = view.route(of: found, to: query.destination)?.route.key else { return }
        members.add("metric", number: UInt64(key.metric))
    }

    /// The way that packets take by it.
    private func leave(by found: FoundRoute, _ members: inout JSONMembers) {
        if query.source == nil, query.input == nil, let source = view.source(to: query.destination, by: found) {
            members.add("prefsrc", text: "\(source)")
        }
        if query.destination.family == .inet6 {
            members.add("pref", text: found.info.fields.preference.name)
        }
        guard let hop = found.hop, let leg = found.leg else { return }
        // What goes to oneself doesn't leave, whichever link has the address.
        let device = found.info.type == .local ? "lo" : hop.device
        if !device.isEmpty { members.add("dev", text: device) }
        if let gateway = hop.gateway {
            if gateway.family == query.destination.family {
                members.add("gateway", text: "\(gateway)")
            } else {
                members.add("via") { $0.appendASCII("{\"family\":\"\(gateway.family.name)\",\"host\":\"\(gateway)\"}") }
            }
        }
        let status = found.info.legStatus(query.destination.family, view.impairments)?[leg] ?? []
        let flags = [
            ("dead", status.contains(.dead)), ("onlink", hop.flags.contains(.onlink)),
            ("pervasive", hop.flags.contains(.pervasive)), ("linkdown", status.contains(.linkDown)),
        ]
        members.add("flags") { bytes in
            let set = flags.filter(\.1).map { "\"\($0.0)\"" }
            bytes.appendASCII("[\(set.joined(separator: ","))]")
        }
    }

    func prefix(_ length: UInt8) -> Prefix {
        Prefix(unchecked: query.destination.masked(to: length), length)
    }
}
