import ChangeLog
import Routing
import Testing

@testable import TrafficControl

/// Actions by themselves.
@Suite struct ActionRuleTests {
    private let lab = TrafficLab()

    private func write(_ verdict: Verdict, _ index: UInt32? = nil, replaces: Bool = false) -> String {
        TrafficLab.outcome { () throws(FIBError) in
            "\(try lab.traffic.write(ActionDraft(.gact(Gact(verdict)), index: index), replaces: replaces).new.index)"
        }
    }

    private func delete(_ index: UInt32, _ kind: String = "gact") -> String {
        TrafficLab.outcome { () throws(FIBError) in
            try lab.traffic.deleteAction(kind, index)
            return "gone"
        }
    }

    private func flush() -> String {
        TrafficLab.outcome { () throws(FIBError) in
            let (count, inUse) = try lab.traffic.flushActions("gact")
            return "\(count) \(inUse.map { "stopped at \($0)" } ?? "")"
        }
    }

    private func use(_ index: UInt32, at priority: UInt16) {
        let outcome = lab.write(
            TrafficLab.flower(80) {
                ($0.priority, $0.actions) = (priority, [ActionDraft(.gact(Gact(.pass)), index: index)])
            })
        #expect(outcome == "0/\(priority)/1")
    }

    @Test(
        "R4-95: the lowest index that is free, or the one that is said; one that is there is replaced only if asked for"
    )
    func indices() {
        #expect(write(.drop) == "1" && write(.drop, 3) == "3" && write(.drop) == "2" && write(.drop) == "4")
        #expect(write(.trap, 3) == "EEXIST R4-95")
        #expect(write(.trap, 3, replaces: true) == "3")
        #expect(write(.trap, 9, replaces: true) == "9")
        #expect(lab.news() == ["+gact 1", "+gact 3", "+gact 2", "+gact 4", "~gact 3", "+gact 9"])
        #expect(lab.traffic.actions["gact"]?.image[3]?.content == .gact(Gact(.trap)))
        lab.check()
    }

    @Test("R4-95: replacing an action changes what all its filters do")
    func replacing() {
        #expect(write(.drop, 7) == "7")
        use(7, at: 1)
        var bits = FlowBits()
        (bits[.etherType], bits[.ipProtocol], bits[.dstPort]) = (0x800, 6, 80)
        #expect(lab.block.classify(Packet(.ip, bits)).verdict == .drop)
        #expect(write(.trap, 7, replaces: true) == "7")
        #expect(lab.block.classify(Packet(.ip, bits)).verdict == .trap)
        #expect(lab.traffic.actions["gact"]?.holders(7).map { [$0.references, $0.bindings] } == [2, 1])
        lab.check()
        #expect(lab.delete { ($0.priority, $0.handle) = (1, 1) } == "1")
        // It was made by itself, and stays.
        #expect(lab.traffic.actions["gact"]?.holders(7).map { [$0.references, $0.bindings] } == [1, 0])
        lab.check()
    }

    @Test("R4-95: a filter may have an action that is there by its index alone; one that isn't is not found")
    func sharing() {
        func use(_ index: UInt32, _ kind: String = "gact") -> String {
            lab.write(
                TrafficLab.flower(80) { ($0.priority, $0.actions) = (1, [ActionDraft(kind, index: index)]) })
        }
        #expect(write(.drop, 7) == "7")
        _ = lab.news()
        #expect(use(8) == "ENOENT R4-95")
        #expect(use(7, "mirred") == "ENOENT R4-95")
        #expect(use(7, "nosuch") == "ENOENT R4-97")
        #expect(lab.news().filter { !$0.contains("chain") } == [])
        // The index that wasn't there is no one's.
        #expect(write(.trap, 8) == "8")
        #expect(use(7) == "0/1/1")
        #expect(lab.traffic.actions["gact"]?.holders(7).map { [$0.references, $0.bindings] } == [2, 1])
        lab.check()
    }

    @Test("An action by itself can't be nothing but an index")
    func nothingSaid() {
        let outcome = TrafficLab.outcome { () throws(FIBError) in
            "\(try lab.traffic.write(ActionDraft("gact", index: 7)).new.index)"
        }
        #expect(outcome == "EINVAL ")
        lab.check()
    }

    @Test("R4-96: what a filter has can't be removed; what isn't there is not found")
    func deleting() {
        #expect(write(.drop, 7) == "7")
        use(7, at: 1)
        #expect(delete(7) == "EPERM R4-96")
        #expect(delete(8) == "ENOENT R4-96")
        #expect(delete(7, "nosuch") == "ENOENT R4-97")
        #expect(lab.delete { $0.priority = 1 } == "1")
        _ = lab.news()
        #expect(delete(7) == "gone")
        #expect(lab.news() == ["-gact 7"])
        #expect(write(.drop) == "1")
        lab.check()
    }

    @Test("R4-96: a flush goes by ascending index, up to the first that a filter has")
    func flushing() {
        #expect(flush() == "0 ")
        for index in [1, 2, 5, 6] as [UInt32] { #expect(write(.drop, index) == "\(index)") }
        use(5, at: 1)
        _ = lab.news()
        #expect(flush() == "2 stopped at 5")
        #expect(lab.news() == ["-gact 1", "-gact 2"])
        #expect(flush() == "EPERM R4-96")
        #expect(lab.delete { $0.priority = 1 } == "1")
        #expect(flush() == "2 ")
        lab.check()
    }

    @Test("R4-97: an action by itself can't go to a chain")
    func gotoAlone() {
        #expect(write(.goto(chain: 5)) == "EINVAL R4-97")
        lab.check()
    }

    @Test("R4-95: a filter doesn't make one action twice")
    func twiceInOneFilter() {
        let outcome = lab.write(
            TrafficLab.flower(80) {
                $0.actions = [ActionDraft(.gact(Gact(.pipe)), index: 7), ActionDraft(.gact(Gact(.drop)), index: 7)]
            })
        #expect(outcome == "EEXIST R4-95")
        lab.check()
    }

    @Test(
        "R4-98: when its link goes, a mirred that sends packets on to a chain still does, and lets go of that with its filter"
    )
    func mirredToAChain() throws {
        lab.traffic.setLink("eth1", isOffloaded: true)
        let outcome = lab.write(
            TrafficLab.flower(80) {
                $0.priority = 1
                let mirred = Mirred(.mirror, .egress, to: "eth1", .goto(chain: 5))
                $0.actions = [ActionDraft(.mirred(mirred))]
            })
        #expect(outcome == "0/1/1")
        lab.traffic.setLink("eth1", isOffloaded: nil)
        let step = try lab.traffic.forgetTarget("eth1", before: ChangeSequence(rawValue: 1_000), from: 0)
        #expect(step.count == 1 && step.next == nil)
        #expect(lab.traffic.actions["mirred"]?.image[1]?.content.control == .goto(chain: 5))
        lab.check()
        #expect(lab.delete { $0.priority = 1 } == "1")
        lab.check()
        // The chain is there for no one any more.
        #expect(lab.block.contents.chains.isEmpty)
        #expect(lab.block.hold(5) == nil)
    }

    @Test("R4-98: mirred gives packets to a link, by default as tc does")
    func mirred() {
        #expect(Mirred(.mirror, .egress, to: "eth1").control == .pipe)
        #expect(Mirred(.redirect, .egress, to: "eth1").control == .stolen)
        lab.traffic.setLink("eth1", isOffloaded: true)
        let outcome = lab.write(
            TrafficLab.flower(80) {
                $0.priority = 1
                $0.actions = [
                    ActionDraft(.mirred(Mirred(.mirror, .egress, to: "eth1"))), ActionDraft(.gact(Gact(.drop))),
                ]
            })
        #expect(outcome == "0/1/1")
        #expect(lab.news() == ["+chain 0", "+mirred 1", "+gact 1", "+filter 0/1/1"])
        lab.check()
    }
}
