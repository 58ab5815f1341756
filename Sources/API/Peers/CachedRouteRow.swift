internal import Addressing
internal import ControlPlane
internal import JSON
internal import PathAttributes
internal import Routing

/// Those that are listed.
struct CachedRouteRows: ListRows {
    private var rows: ArraySlice<CachedRouteResult>
    private let now: UInt64
    private var last: UInt64?

    init(_ rows: ArraySlice<CachedRouteResult>, now: UInt64) {
        self.rows = rows
        self.now = now
    }

    mutating func appendNext(to bytes: inout [UInt8]) -> Bool {
        guard let row = rows.popFirst() else { return false }
        last = row.id
        bytes.append(row, now: now)
        return true
    }

    var cursor: String? { last.map { "\($0)" } }
}

extension [UInt8] {
    mutating func append(_ result: CachedRouteResult, now: UInt64) {
        let (content, query) = (result.route.content, result.route.query)
        let way = content.way
        var members = JSONMembers()
        members.add("id", number: result.id)
        members.add("namespace", text: result.namespace)
        members.add("family", text: query.destination.family.name)
        members.add("dst", text: "\(query.destination)")
        if let source = query.source { members.add("from", text: "\(source)") }
        members.add("route", text: "\(way.prefix)")
        members.add("table", text: way.table.name)
        members.add("type", text: way.info.type.name)
        if !way.device.isEmpty { members.add("dev", text: way.device) }
        if let gateway = content.gateway, gateway != query.destination || gateway.family == .inet {
            if gateway.family == query.destination.family {
                members.add("gateway", text: "\(gateway)")
            } else {
                members.add("via") { $0.appendASCII("{\"family\":\"\(gateway.family.name)\",\"host\":\"\(gateway)\"}") }
            }
        }
        if let source = way.source { members.add("prefsrc", text: "\(source)") }
        if let mtu = content.mtu { members.add("mtu", number: UInt64(mtu)) }
        members.add(content.information, now: now)
        members.add("generation", number: result.generation)
        members.add(result.check)
        members.append(to: &self)
    }
}

extension JSONMembers {
    fileprivate mutating func add(_ check: CachedRoute.Check?) {
        switch check {
        case nil: break
        case .valid: add("check", text: "valid")
        case .revalidated(let names):
            add("check", text: "revalidated")
            add("changed") { bytes in
                bytes.appendASCII("[\(names.map { "\"\($0)\"" }.joined(separator: ","))]")
            }
        case .obsolete(let reason):
            add("check", text: "obsolete")
            add("reason", text: reason)
        }
    }

    /// What is known of the path and counts.
    fileprivate mutating func add(_ information: PathInformation, now: UInt64) {
        if let mtu = information.mtu {
            if mtu.isLocked { add("locked", true) }
            add("expires", number: PeerEntry.seconds(until: mtu.expires, now))
        }
        if let redirect = information.redirect {
            add("redirected", true)
            add("gateway_expires", number: PeerEntry.seconds(until: redirect.expires, now))
        }
    }
}
