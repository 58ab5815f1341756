import Routing
import Testing

@testable import TrafficControl

/// Chains that someone makes, and what their templates allow.
@Suite struct ChainRuleTests {
    private let lab = TrafficLab()

    private func add(_ index: UInt32, _ keys: FlowMembers? = nil) -> String {
        TrafficLab.outcome { () throws(FIBError) in
            let template = try keys.map { (keys) throws(FIBError) in
                try lab.traffic.template("flower", ["keys": .object(keys)], .ip)
            }
            return "chain \(try lab.traffic.addChain(index, template: template, in: lab.block).identity.index)"
        }
    }

    private func get(_ index: UInt32) -> String {
        TrafficLab.outcome { () throws(FIBError) in
            "chain \(try lab.traffic.chain(index, in: lab.block).identity.index)"
        }
    }

    private func delete(_ index: UInt32) -> String {
        TrafficLab.outcome { () throws(FIBError) in "\(try lab.traffic.deleteChain(index, in: lab.block))" }
    }

    private func flower(_ port: Int, _ fill: (inout FilterWrite) -> Void) -> String {
        lab.write(TrafficLab.flower(port, fill))
    }

    @Test("R4-11: a chain that someone makes is there without filters; one that is seen can't be made")
    func explicitChains() {
        #expect(add(5) == "chain 5")
        #expect(add(5) == "EEXIST R4-11")
        #expect(lab.news() == ["+chain 5"])
        #expect(flower(80) { ($0.chain, $0.priority) = (5, 1) } == "5/1/1")
        #expect(lab.delete { ($0.chain, $0.priority) = (5, 1) } == "1")
        #expect(lab.news() == ["+filter 5/1/1", "-filter 5/1/1"])
        #expect(get(5) == "chain 5")
        #expect(flower(80) { ($0.chain, $0.priority) = (6, 1) } == "6/1/1")
        #expect(add(6) == "EEXIST R4-11")
        #expect(add(1 << 28) == "EINVAL R4-07")
        lab.check()
    }

    @Test("R4-12, R4-14: what isn't there, or only actions hold, can't be asked for or removed")
    func hiddenChains() {
        let goto = ActionDraft(.gact(Gact(.goto(chain: 5))))
        #expect(flower(80) { ($0.priority, $0.actions) = (1, [goto]) } == "0/1/1")
        #expect(get(5) == "EINVAL R4-14" && get(9) == "EINVAL R4-14")
        #expect(delete(5) == "EINVAL R4-13" && delete(9) == "EINVAL R4-13")
        _ = lab.news()
        #expect(add(5) == "chain 5")
        #expect(lab.news() == ["+chain 5"])
        #expect(get(5) == "chain 5")
        lab.check()
    }

    @Test("R4-13: with a chain its filters go, told one by one; it is hidden as long as actions lead to it")
    func deletion() {
        #expect(add(5) == "chain 5")
        for priority in [2, 1] as [UInt16] { _ = flower(80) { ($0.chain, $0.priority) = (5, priority) } }
        let goto = ActionDraft(.gact(Gact(.goto(chain: 5))))
        #expect(flower(80) { ($0.priority, $0.actions) = (1, [goto]) } == "0/1/1")
        _ = lab.news()
        #expect(delete(5) == "2")
        #expect(lab.news() == ["-filter 5/1/1", "-filter 5/2/1", "-chain 5"])
        #expect(get(5) == "EINVAL R4-14")
        lab.check()
        // Works on one that came with its filters, too.
        #expect(delete(0) == "1")
        #expect(lab.news() == ["-filter 0/1/1", "-gact 1", "-chain 0"])
        lab.check()
    }

    @Test("R4-16: templates are of kinds that have them, and nothing is told of a chain that isn't made")
    func templateKinds() throws {
        #expect(
            TrafficLab.outcome { () throws(FIBError) in "\(try lab.traffic.template("matchall", [:], .all).kind)" }
                == "EOPNOTSUPP R4-16")
        #expect(
            TrafficLab.outcome { () throws(FIBError) in "\(try lab.traffic.template("nosuch", [:], .all).kind)" }
                == "ENOENT R4-24"
        )
        #expect(add(5, ["color": .text("red")]).hasPrefix("EINVAL"))
        #expect(lab.news().isEmpty)
        #expect(add(5, ["ip_proto": .text("tcp")]) == "chain 5")
        #expect(try lab.traffic.chain(5, in: lab.block).template?.kind == "flower")
        #expect(delete(5) == "0")
        // It goes with the chain.
        #expect(add(5) == "chain 5")
        #expect(try lab.traffic.chain(5, in: lab.block).template == nil)
        lab.check()
    }

    @Test("R4-17: filters of a chain with a template are of its kind, and compare no more than it does")
    func templates() {
        let keys: FlowMembers = [
            "ip_proto": .text("tcp"), "dst_ip": .text("0.0.0.0/16"), "dst_port": .number(0),
        ]
        #expect(add(5, keys) == "chain 5")
        func write(_ port: FlowValue, _ address: String, _ more: FlowMembers = [:]) -> String {
            flower(80) {
                ($0.chain, $0.priority) = (5, 1)
                let keys: FlowMembers = ["ip_proto": .text("tcp"), "dst_ip": .text(address), "dst_port": port]
                $0.options = ["keys": .object(keys.adding(more))]
            }
        }
        #expect(write(.number(80), "10.0.0.0/16") == "5/1/1")
        #expect(write(.number(80), "10.0.0.0/8") == "5/1/2")
        #expect(write(.number(80), "10.0.0.0/24") == "EINVAL R4-17")
        #expect(write(.number(81), "10.0.0.0/16", ["ip_ttl": .number(1)]) == "EINVAL R4-17")
        #expect(write(.object(["start": .number(1), "end": .number(9)]), "10.0.0.0/16") == "EINVAL R4-17")
        #expect(lab.write(TrafficLab.matchall { ($0.chain, $0.priority) = (5, 2) }) == "EINVAL R4-17")
        lab.check()
    }
}
