import Addressing
import Routing
import Testing

/// Section 1.6 of the rules: what each verb does to an IPv4 table.
@Suite struct WritingIPv4Tests {
    private let net = "192.0.2.0/24"

    @Test(
        "R1-60: a verb that creates adds a route whose key is absent",
        arguments: [RouteVerb.add, .replace, .append, .prepend])
    func createsAbsent(verb: RouteVerb) {
        var lab = RouteLab(.inet)
        #expect(lab.run(verb, net, dev: "d1") == .did(.add))
        #expect(lab.routes(net) == ["m0 %d1"])
    }

    @Test("R1-61: change and test of an absent key are ENOENT", arguments: [RouteVerb.change, .test])
    func absentIsNotFound(verb: RouteVerb) {
        var lab = RouteLab(.inet)
        #expect(lab.run(verb, net, dev: "d1") == .refused(.enoent, rule: "R1-61"))
    }

    @Test(
        "R1-62: add and test of a present key are EEXIST, even with another nexthop", arguments: [RouteVerb.add, .test])
    func presentExists(verb: RouteVerb) {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "d1")
        #expect(lab.run(verb, net, dev: "d2") == .refused(.eexist, rule: "R1-62"))
        #expect(lab.routes(net) == ["m0 %d1"])
    }

    @Test("R1-63: replacing the first of a key by its equal changes nothing")
    func equalFirstIsUnchanged() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "d1")
        _ = lab.run(.append, net, dev: "d2")
        #expect(lab.run(.replace, net, dev: "d1") == .unchanged)
        #expect(lab.run(.change, net, dev: "d1") == .unchanged)
    }

    @Test("R1-64: replacing by the equal of a later route is EEXIST")
    func equalLaterExists() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "d1")
        _ = lab.run(.append, net, dev: "d2")
        #expect(lab.run(.replace, net, dev: "d2") == .refused(.eexist, rule: "R1-64"))
    }

    @Test("R1-65: replace puts the new route in the place of the first; the others stay")
    func replacesTheFirst() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "d1")
        _ = lab.run(.append, net, dev: "d2")
        #expect(lab.run(.replace, net, dev: "d3") == .did(.replace))
        #expect(lab.routes(net) == ["m0 %d3", "m0 %d2"])
    }

    @Test("R1-66: appending or prepending an equal route is EEXIST", arguments: [RouteVerb.append, .prepend])
    func equalExists(verb: RouteVerb) {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "d1")
        _ = lab.run(.append, net, dev: "d2")
        #expect(lab.run(verb, net, dev: "d2") == .refused(.eexist, rule: "R1-66"))
    }

    @Test("R1-67, R1-68: append goes behind the last, prepend before the first")
    func ordersTheList() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "d1")
        #expect(lab.run(.append, net, dev: "d2") == .did(.append))
        #expect(lab.run(.prepend, net, dev: "d3") == .did(.prepend))
        #expect(lab.run(.append, net, dev: "d4") == .did(.append))
        #expect(lab.routes(net) == ["m0 %d3", "m0 %d1", "m0 %d2", "m0 %d4"])
    }

    @Test("R1-69: another metric is another key: change is ENOENT, replace creates")
    func otherMetricIsAnotherKey() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, metric: 10, dev: "d1")
        #expect(lab.run(.change, net, metric: 20, dev: "d2") == .refused(.enoent, rule: "R1-61"))
        #expect(lab.run(.replace, net, metric: 20, dev: "d2") == .did(.add))
        #expect(lab.routes(net) == ["m10 %d1", "m20 %d2"])
    }

    @Test("R1-41, R1-42: higher tos first, then lower metric")
    func ordersByTosThenMetric() {
        var lab = RouteLab(.inet)
        for (tos, metric) in [(0, 5), (8, 7), (4, 1), (8, 2), (0, 1)] as [(UInt8, UInt32)] {
            #expect(lab.run(.add, net, metric: metric, tos: tos, dev: "d1") == .did(.add))
        }
        #expect(lab.routes(net) == ["tos 8 m2 %d1", "tos 8 m7 %d1", "tos 4 m1 %d1", "m1 %d1", "m5 %d1"])
    }

    @Test("R1-84: deleting what isn't there is ESRCH")
    func deletesNothing() {
        var lab = RouteLab(.inet)
        #expect(lab.delete(net) == .refused(.esrch, rule: "R1-84"))
    }

    @Test("R1-85: a deletion compares tos exactly and the rest where it is given")
    func comparesWhatIsGiven() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, metric: 10, tos: 8, dev: "d1")
        #expect(lab.delete(net) == .refused(.esrch, rule: "R1-84"))
        #expect(lab.delete(net, metric: 11, tos: 8) == .refused(.esrch, rule: "R1-84"))
        #expect(lab.delete(net, tos: 8, type: .blackhole) == .refused(.esrch, rule: "R1-84"))
        #expect(lab.delete(net, tos: 8, dev: "d2") == .refused(.esrch, rule: "R1-84"))
        #expect(lab.delete(net, tos: 8, dev: "d1", type: .unicast) == .did(.delete))
    }

    @Test("R1-86: one deletion removes the first that agrees, and only that")
    func deletesTheFirst() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, metric: 10, dev: "d1")
        _ = lab.run(.append, net, metric: 10, dev: "d2")
        _ = lab.run(.add, net, metric: 20, dev: "d2")
        #expect(lab.delete(net, dev: "d2") == .did(.delete))
        #expect(lab.routes(net) == ["m10 %d1", "m20 %d2"])
        #expect(lab.delete(net) == .did(.delete))
        #expect(lab.routes(net) == ["m20 %d2"])
    }

    @Test("R1-56, R1-87: one gateway is compared with the first hop, a list hop by hop in order")
    func comparesNextHops() {
        var lab = RouteLab(.inet)
        let hops = ["198.51.100.1", "198.51.100.2"]
        _ = lab.run(.add, net, via: hops)
        #expect(lab.delete(net, via: ["198.51.100.2"]) == .refused(.esrch, rule: "R1-84"))
        #expect(lab.delete(net, via: hops.reversed()) == .refused(.esrch, rule: "R1-84"))
        #expect(lab.delete(net, via: ["198.51.100.1"]) == .did(.delete))
        _ = lab.run(.add, net, via: hops)
        #expect(lab.delete(net, via: hops) == .did(.delete))
    }

    @Test("Routes of protocol kernel stand beside others of their key, as the kernel itself inserts them")
    func kernelRoutesAreNotExclusive() {
        var lab = RouteLab(.inet)
        #expect(lab.run(.add, net, dev: "d1", protocol: .kernel) == .did(.add))
        #expect(lab.run(.add, net, dev: "d2", protocol: .kernel) == .did(.append))
        #expect(lab.run(.add, net, dev: "d2", protocol: .kernel) == .refused(.eexist, rule: "R1-66"))
    }

    @Test("A list that is pushed at one end for ever keeps its order")
    func positionsDoNotRunOut() {
        var lab = RouteLab(.inet)
        _ = lab.run(.add, net, dev: "a0")
        // From the middle, 32,767 appends use up the positions above, and 65,535 prepends those below.
        for step in 1...100_000 {
            let verb: RouteVerb = step < 33_000 ? .append : .prepend
            guard lab.run(verb, net, dev: "a\(step)") == .did(verb == .append ? .append : .prepend),
                lab.delete(net, dev: "a\(step - 1)") == .did(.delete)
            else {
                Issue.record("step \(step) failed")
                return
            }
        }
        #expect(lab.routes(net) == ["m0 %a100000"])
    }
}
