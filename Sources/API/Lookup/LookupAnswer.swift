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
        var members: [(name: String, text: [UInt8])] = []
        func add(_ name: String, _ append: (inout [UInt8]) -> Void) {
            var text: [UInt8] = []
            append(&text)
            members.append((name, text))
        }
        func add(_ name: String, text value: String?) { if let value { add(name) { $0.appendJSON(string: value) } } }

        add("dst", text: "\(query.destination)")
        add("family", text: query.destination.family.name)
        add("namespace", text: view.namespace)
        add("from", text: query.source.map { "\($0)" })
        if query.tos != 0 { add("tos") { $0.appendDecimal(UInt64(query.tos)) } }
        switch result {
        case .nothing: add("result", text: "no-route")
        case .refused(let type, let found):
            add("result", text: type.name)
            if let found { describe(found, add) }
        case .route(let found):
            describe(found, add)
            leave(by: found, add)
        }
        if let trace { add("explain") { append(trace, to: &$0) } }
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in members.sorted(by: { $0.name < $1.name }).enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.appendJSON(string: member.name)
            bytes.append(UInt8(ascii: ":"))
            bytes.append(contentsOf: member.text)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private typealias Add = (String, (inout [UInt8]) -> Void) -> Void

    /// The route.
    private func describe(_ found: FoundRoute, _ add: Add) {
        add("type") { $0.appendJSON(string: found.info.type.name) }
        add("table") { $0.appendJSON(string: found.table.name) }
        add("protocol") { $0.appendJSON(string: found.info.protocol.name) }
        add("route") { $0.appendJSON(string: "\(prefix(found.length))") }
        guard let key = view.route(of: found, to: query.destination)?.route.key else { return }
        add("metric") { $0.appendDecimal(UInt64(key.metric)) }
    }

    /// The way that packets take by it.
    private func leave(by found: FoundRoute, _ add: Add) {
        if let source = view.source(to: query.destination, by: found), query.source == nil {
            add("prefsrc") { $0.appendJSON(string: "\(source)") }
        }
        if query.destination.family == .inet6 {
            add("pref") { $0.appendJSON(string: found.info.fields.preference.name) }
        }
        guard let hop = found.hop, let leg = found.leg else { return }
        // What goes to oneself doesn't leave, whichever link has the address.
        let device = found.info.type == .local ? "lo" : hop.device
        if !device.isEmpty { add("dev") { $0.appendJSON(string: device) } }
        if let gateway = hop.gateway {
            if gateway.family == query.destination.family {
                add("gateway") { $0.appendJSON(string: "\(gateway)") }
            } else {
                add("via") { $0.appendASCII("{\"family\":\"\(gateway.family.name)\",\"host\":\"\(gateway)\"}") }
            }
        }
        let status = found.info.legStatus(query.destination.family, view.impairments)?[leg] ?? []
        let flags = [
            ("dead", status.contains(.dead)), ("onlink", hop.flags.contains(.onlink)),
            ("pervasive", hop.flags.contains(.pervasive)), ("linkdown", status.contains(.linkDown)),
        ]
        add("flags") { bytes in
            let set = flags.filter(\.1).map { "\"\($0.0)\"" }
            bytes.appendASCII("[\(set.joined(separator: ","))]")
        }
    }

    private func prefix(_ length: UInt8) -> Prefix {
        Prefix(unchecked: query.destination.masked(to: length), length)
    }

    private func append(_ trace: LookupTrace, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, step) in trace.steps.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.appendASCII("{\"found\":")
            if let found = step.found {
                bytes.appendASCII("{\"dst\":\"\(prefix(found.length))\",\"type\":\"\(found.info.type.name)\"}")
            } else {
                bytes.appendASCII("null")
            }
            bytes.appendASCII(",\"passed_over\":[")
            for (index, passed) in step.passedOver.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendASCII("{\"dst\":\"\(passed.prefix)\",\"metric\":\(passed.metric),")
                bytes.appendASCII("\"reason\":\"\(passed.reason.rawValue)\"}")
            }
            bytes.appendASCII("],\"priority\":\(step.rule.priority),\"table\":")
            bytes.appendJSON(string: step.rule.table.name)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
