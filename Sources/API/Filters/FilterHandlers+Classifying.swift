internal import ChangeLog
internal import ControlPlane
internal import HTTPServer
internal import JSON
internal import Routing
internal import TrafficControl

extension FilterHandlers {
    func classify(_ call: Call) throws(Problem) -> HTTPPlan {
        var query = Query(call.target)
        let namespace = try query.namespace() ?? ControlPlane.defaultNamespace
        let isDryRun = try query.flag("dry_run")
        try query.finish()
        let place = try call.block()
        _ = try call.request.bodyKind()
        return .collect(limit: 64 << 10) { body in
            .work {
                .of { () throws(Problem) in
                    let packet = try FilterAnswers.reading(body) { try PacketInput(&$0, in: place).packet }
                    let result = try Problem.of { () throws(FIBError) in
                        try answers.plane.classify(packet, in: place, of: namespace, counts: !isDryRun)
                    }
                    var bytes: [UInt8] = []
                    bytes.append(result)
                    bytes.append(UInt8(ascii: "\n"))
                    return .response(.json(200, bytes, sequence: answers.plane.log.head))
                }
            }
        }
    }
}

extension [UInt8] {
    /// The verdict, and how it came to that.
    fileprivate mutating func append(_ result: Classification) {
        var members = JSONMembers()
        // Where nothing decides, the packet goes on its way (R4-50).
        members.add("verdict") { $0.append(result.verdict ?? .pass) }
        if result.isLooped { members.add("looped", true) }
        if result.verdict == nil { members.add("no_match", true) }
        if result.omitted > 0 { members.add("omitted", number: UInt64(result.omitted)) }
        members.add("trace") { bytes in
            bytes.append(UInt8(ascii: "["))
            for (place, step) in result.steps.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.append(step)
            }
            bytes.append(UInt8(ascii: "]"))
        }
        members.append(to: &self)
    }

    private mutating func append(_ step: Classification.Step) {
        var members = JSONMembers()
        members.add("chain", number: UInt64(step.chain))
        if let proto = step.proto {
            members.add("pref", number: UInt64(proto.priority))
            members.add("protocol", text: proto.protocol.name)
            members.add("kind", text: proto.kind)
            members.add("matched", step.filter != nil)
            if let filter = step.filter { members.add("handle", number: UInt64(filter.handle)) }
            if !step.isOfProtocol { members.add("reason", text: "protocol") }
            if step.isOfProtocol, step.filter == nil { members.add("tried") { $0.append(step.misses) } }
            if step.omitted > 0 { members.add("omitted", number: UInt64(step.omitted)) }
        }
        if let verdict = step.verdict {
            members.add("verdict") { $0.append(verdict) }
            members.add("actions") { $0.append(step.actions) }
        }
        members.append(to: &self)
    }

    /// Each filter, with the keys in which the packet is otherwise.
    private mutating func append(_ misses: [Classification.Miss]) {
        append(UInt8(ascii: "["))
        for (place, miss) in misses.enumerated() {
            appendASCII(place == 0 ? "{" : ",{")
            if miss.differences.isEmpty {
                // It would agree, were it not for hardware alone.
                appendASCII("\"handle\":\(miss.filter.handle),\"reason\":\"skip_sw\"}")
                continue
            }
            let names = miss.differences.map { "\"\($0)\"" }.joined(separator: ",")
            appendASCII("\"differs\":[\(names)],\"handle\":\(miss.filter.handle)}")
        }
        append(UInt8(ascii: "]"))
    }

    private mutating func append(_ actions: [(action: Action, verdict: Verdict)]) {
        append(UInt8(ascii: "["))
        for (place, (action, verdict)) in actions.enumerated() {
            appendASCII(place == 0 ? "{" : ",{")
            appendASCII("\"index\":\(action.index),\"kind\":\"\(action.kind)\",\"verdict\":")
            append(verdict)
            append(UInt8(ascii: "}"))
        }
        append(UInt8(ascii: "]"))
    }
}
