internal import ChangeLog
public import ControlPlane
internal import Routing
internal import TestSupport
internal import TrafficControl

/// Filters of a few blocks, chains and priorities, so that they meet often.
extension RandomWriter {
    public mutating func writeFilters(_ plane: ControlPlane) {
        if chance(1, in: 6) {
            _ = try? plane.change(linkOperation())
        } else {
            _ = try? plane.change(trafficOperation())
        }
    }

    private mutating func chance(_ count: Int, in all: Int) -> Bool { Int.random(in: 0..<all, using: &random) < count }

    private mutating func one<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    private mutating func linkOperation() -> ObjectOperation {
        let (name, namespace) = (one(["dev1", "dev2"]), one(namespaces))
        if chance(1, in: 5) { return ObjectOperation(namespace, .removeLink(name), existence: .present) }
        return ObjectOperation(namespace, .putLink(LinkEdit(name: name)))
    }

    private mutating func place() -> BlockIdentity.Place {
        one([.ingress("dev1"), .ingress("dev1"), .egress("dev1"), .ingress("dev2"), .shared(1), .shared(2)])
    }

    public mutating func trafficOperation() -> TrafficOperation {
        TrafficOperation(one(namespaces), trafficAction())
    }

    private mutating func trafficAction() -> TrafficOperation.Action {
        switch Int.random(in: 0..<24, using: &random) {
        case 0..<4: return qdisc()
        case 4: return .addChain(place(), .random(in: 0..<4, using: &random), nil)
        case 5: return .addChain(place(), .random(in: 0..<4, using: &random), try? template())
        case 6: return .removeChain(place(), .random(in: 0..<4, using: &random))
        case 7..<11: return .removeFilters(place(), selector())
        case 11: return .writeAction(action(), replaces: Bool.random(using: &random))
        case 12: return .removeAction(kind: one(ActionContent.kinds), .random(in: 1..<5, using: &random))
        case 13: return .flushActions(kind: one(ActionContent.kinds))
        default: return .writeFilter(place(), filter())
        }
    }

    private mutating func qdisc() -> TrafficOperation.Action {
        let device = one(["dev1", "dev2"])
        if chance(1, in: 4) { return .removeQdisc(device: device, nil) }
        let kind: Qdisc.Kind = one([.ingress, .clsact])
        let egress: UInt32? = kind == .clsact ? one([nil, 1, 2]) : nil
        guard let qdisc = try? Qdisc(kind, on: device, ingressBlock: one([nil, 1, 2]), egressBlock: egress) else {
            preconditionFailure("a qdisc that no link can have")
        }
        return .addQdisc(qdisc, replaces: Bool.random(using: &random))
    }

    private func template() throws -> ChainTemplate {
        try ClassifierKinds().template("flower", keys(["ip_proto": .text("tcp"), "dst_port": .number(1)]), .ip)
    }

    private func keys(_ keys: FlowMembers) -> FlowMembers { ["keys": .object(keys)] }

    private mutating func selector() -> FilterSelector {
        var selector = FilterSelector()
        selector.chain = .random(in: 0..<4, using: &random)
        selector.priority = one([nil, 1, 2, 3])
        if selector.priority != nil { selector.handle = one([nil, 1, 2, 3]) }
        return selector
    }

    private mutating func filter() -> FilterWrite {
        var write = FilterWrite()
        write.verb = one([.add, .add, .replace, .change])
        write.chain = .random(in: 0..<4, using: &random)
        write.priority = one([nil, 1, 2, 3])
        write.handle = one([nil, 1, 2, 3])
        write.protocol = .ip
        write.kind = chance(1, in: 8) ? "matchall" : "flower"
        if write.kind == "flower" {
            var values: FlowMembers = [
                "ip_proto": .text("tcp"), "dst_port": .number(.random(in: 1..<5, using: &random)),
            ]
            if chance(1, in: 3) { values["ip_ttl"] = .number(64) }
            write.options = keys(values)
        } else {
            write.options = [:]
        }
        write.flags = one([[], [], .skipHW])
        write.actions = (0..<Int.random(in: 0..<3, using: &random)).map { _ in action(isOfFilter: true) }
        return write
    }

    private mutating func action(isOfFilter: Bool = false) -> ActionDraft {
        var draft = plainAction(isOfFilter: isOfFilter)
        if chance(1, in: 4) { try? draft.marks.set(cookie: [.random(in: 0...255, using: &random), 7]) }
        draft.marks.hasOneCounter = chance(1, in: 4)
        return draft
    }

    private mutating func plainAction(isOfFilter: Bool) -> ActionDraft {
        let index: UInt32? = one([nil, nil, 1, 2, 3])
        if isOfFilter, let index, chance(1, in: 3) { return ActionDraft("gact", index: index) }
        if isOfFilter, chance(1, in: 3) {
            return ActionDraft(.gact(Gact(.goto(chain: .random(in: 0..<4, using: &random)))), index: index)
        }
        if chance(1, in: 3) { return ActionDraft(.mirred(Mirred(.redirect, .egress, to: "dev2")), index: index) }
        return ActionDraft(.gact(Gact(one([.drop, .pass, .pipe]))), index: index)
    }
}
