internal import JSON
internal import Routing

extension LookupAnswer {
    /// Every rule that was asked, in order.
    func append(_ trace: LookupTrace, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, step) in trace.steps.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            members(of: step).append(to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private func members(of step: LookupTrace.Step) -> JSONMembers {
        var members = JSONMembers()
        members.add("priority", number: UInt64(step.rule.priority))
        members.add("outcome", text: step.course.name)
        if case .isForOthers(let selector) = step.course { members.add("selector", text: selector.rawValue) }
        switch step.rule.action {
        case .goto(let target): members.add("goto", number: UInt64(target))
        case .nop: members.add("action", text: "nop")
        case .unreachable, .prohibit, .blackhole: members.add("action", text: "\(step.rule.action)")
        case .table(let id):
            members.add("table", text: id.name)
            members.add("found") { appendFound(step, to: &$0) }
            members.add("passed_over") { appendPassedOver(step, to: &$0) }
        }
        return members
    }

    private func appendFound(_ step: LookupTrace.Step, to bytes: inout [UInt8]) {
        guard let found = step.found else { return bytes.appendASCII("null") }
        bytes.appendASCII("{\"dst\":\"\(prefix(found.length))\",\"type\":\"\(found.type.name)\"}")
    }

    private func appendPassedOver(_ step: LookupTrace.Step, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, passed) in step.passedOver.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.appendASCII("{\"dst\":\"\(passed.prefix)\",\"metric\":\(passed.metric),")
            bytes.appendASCII("\"reason\":\"\(passed.reason.rawValue)\"}")
        }
        bytes.append(UInt8(ascii: "]"))
    }
}

extension LookupTrace.Course {
    fileprivate var name: String {
        switch self {
        case .isForOthers: "not-selected"
        case .asks: "asked"
        case .lacksTable: "no-table"
        case .suppresses: "suppressed"
        case .passes: "passed"
        case .goes: "jumped"
        case .isUnresolved: "unresolved"
        case .refuses: "refused"
        }
    }
}
