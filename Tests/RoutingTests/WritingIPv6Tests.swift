import Addressing
import Routing
import Testing

/// Section 1.7 of the rules: what each verb does to an IPv6 table.
@Suite struct WritingIPv6Tests {
    private let net = "2001:db8:200::/64"

    @Test("R1-23: metric 0 from a user is 1024")
    func metricZero() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, metric: 0, dev: "d1")
        #expect(lab.routes(net) == ["m1024 %d1"])
    }

    @Test("R1-90: add of a prefix and metric that exist is EEXIST")
    func presentExists() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: ["fe80::1"])
        _ = lab.run(.add, net, dev: "d1", via: ["fe80::1"])
        #expect(lab.run(.add, net, dev: "d1", via: ["fe80::2"]) == .refused(.eexist, rule: "R1-90"))
    }

    @Test("R1-91: an equal nexthop is EEXIST")
    func equalNextHopExists() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: ["2001:db8::1", "2001:db8::2"])
        #expect(lab.run(.append, net, via: ["2001:db8::2"]) == .refused(.eexist, rule: "R1-91"))
    }

    @Test("R1-24, R1-92: gateway routes of one metric are one multipath route")
    func gatewaysJoin() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: ["2001:db8::1"])
        #expect(lab.run(.append, net, via: ["2001:db8::2"]) == .did(.replace))
        #expect(lab.run(.append, net, metric: 7, via: ["2001:db8::3"]) == .did(.add))
        #expect(lab.routes(net) == ["m7 2001:db8::3", "m1024 2001:db8::1+2001:db8::2"])
    }

    @Test("R1-93: a route without gateway stands behind the others of its metric, prepended or appended")
    func deviceRoutesStandApart() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: ["2001:db8::1"])
        #expect(lab.run(.append, net, dev: "d1") == .did(.append))
        #expect(lab.run(.prepend, net, dev: "d2") == .did(.append))
        #expect(lab.routes(net) == ["m1024 2001:db8::1", "m1024 %d1", "m1024 %d2"])
    }

    @Test("R1-94: replace takes the first of its own kind; of a multipath route all legs go")
    func replacesItsKind() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, dev: "d1")
        _ = lab.run(.append, net, via: ["2001:db8::1", "2001:db8::2"])
        #expect(lab.run(.replace, net, via: ["2001:db8::3"]) == .did(.replace))
        #expect(lab.routes(net) == ["m1024 %d1", "m1024 2001:db8::3"])
        #expect(lab.run(.replace, net, dev: "d9") == .did(.replace))
        #expect(lab.routes(net) == ["m1024 %d9", "m1024 2001:db8::3"])
    }

    @Test("R1-95: with only the other kind there, replace takes the first of that metric")
    func replacesTheOtherKind() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, dev: "d1")
        _ = lab.run(.append, net, dev: "d2")
        #expect(lab.run(.replace, net, via: ["2001:db8::1"]) == .did(.replace))
        #expect(lab.routes(net) == ["m1024 2001:db8::1", "m1024 %d2"])
    }

    @Test("R1-96, R1-97: a metric that isn't there: replace creates, change is ENOENT")
    func otherMetric() {
        var lab = RouteLab(.inet6)
        #expect(lab.run(.change, net, dev: "d1") == .refused(.enoent, rule: "R1-97"))
        _ = lab.run(.add, net, metric: 5, dev: "d1")
        #expect(lab.run(.change, net, metric: 6, dev: "d1") == .refused(.enoent, rule: "R1-97"))
        #expect(lab.run(.replace, net, metric: 6, dev: "d1") == .did(.add))
    }

    @Test("R1-98, B-08: test never creates, unlike the kernel's")
    func testCreatesNothing() {
        var lab = RouteLab(.inet6)
        #expect(lab.run(.test, net, via: ["2001:db8::1"]) == .refused(.enoent, rule: "R1-97"))
        #expect(lab.routes(net).isEmpty)
    }

    @Test("R1-101: deleting what isn't there is ESRCH")
    func deletesNothing() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: ["2001:db8::1"])
        #expect(lab.delete(net, metric: 9) == .refused(.esrch, rule: "R1-101"))
        #expect(lab.delete(net, via: ["2001:db8::9"]) == .refused(.esrch, rule: "R1-101"))
    }

    @Test("R1-56, R1-102: without a gateway the whole multipath route goes, with one that leg, with a list those")
    func deletesLegs() {
        let hops = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"]
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: hops)
        #expect(lab.delete(net, via: [hops[1]]) == .did(.replace))
        #expect(lab.delete(net, via: [hops[3], hops[0]]) == .did(.replace))
        #expect(lab.routes(net) == ["m1024 2001:db8::3"])
        #expect(lab.delete(net, via: [hops[2]]) == .did(.delete))
        _ = lab.run(.add, net, via: hops)
        #expect(lab.delete(net) == .did(.delete))
        #expect(lab.routes(net).isEmpty)
    }

    @Test("B-09: a list of legs of which one isn't there removes none")
    func deletionOfLegsIsAtomic() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, via: ["2001:db8::1", "2001:db8::2"])
        #expect(lab.delete(net, via: ["2001:db8::1", "2001:db8::9"]) == .refused(.esrch, rule: "R1-101"))
        #expect(lab.routes(net) == ["m1024 2001:db8::1+2001:db8::2"])
    }

    @Test("R1-25, R1-32: of routes that refuse, one is as good as another: they all lead over the loopback")
    func refusals() {
        var lab = RouteLab(.inet6)
        #expect(lab.run(.add, net, type: .unreachable) == .did(.add))
        #expect(lab.run(.append, net, type: .prohibit) == .refused(.eexist, rule: "R1-91"))
        #expect(lab.run(.append, net, dev: "d1") == .did(.append))
        #expect(lab.run(.replace, net, type: .prohibit) == .did(.replace))
    }

    @Test("A replacement may share a nexthop with another route of its key, but not be the same as one")
    func twins() {
        var lab = RouteLab(.inet6)
        _ = lab.run(.add, net, type: .unreachable)
        _ = lab.run(.append, net, dev: "d1")
        #expect(lab.run(.replace, net, dev: "d1", protocol: .static) == .did(.replace))
        #expect(lab.routes(net) == ["m1024 %d1", "m1024 %d1"])
        #expect(lab.run(.replace, net, dev: "d1") == .refused(.eexist, rule: "R1-64"))
    }

    @Test(
        "Deleting ::/0 by nothing but its name is ENOENT where it isn't, as measured: an entry of the kernel's is found"
    )
    func root() {
        var lab = RouteLab(.inet6)
        #expect(lab.delete("::/0") == .refused(.enoent, rule: "R1-101"))
        #expect(lab.delete("::/0", metric: 1) == .refused(.esrch, rule: "R1-101"))
        #expect(lab.delete("::/0", via: ["2001:db8::1"]) == .refused(.esrch, rule: "R1-101"))
        _ = lab.run(.add, "::/0", metric: 1, via: ["2001:db8::1"])
        #expect(lab.delete("::/0") == .did(.delete))
    }

    @Test("Two links may each bring the same prefix, as the kernel's own routes do")
    func kernelRoutesAreNotExclusive() {
        var lab = RouteLab(.inet6)
        #expect(lab.run(.add, "fe80::/64", metric: 256, dev: "d1", protocol: .kernel) == .did(.add))
        #expect(lab.run(.add, "fe80::/64", metric: 256, dev: "d2", protocol: .kernel) == .did(.append))
        #expect(
            lab.run(.add, "fe80::/64", metric: 256, dev: "d2", protocol: .kernel) == .refused(.eexist, rule: "R1-91"))
    }
}
