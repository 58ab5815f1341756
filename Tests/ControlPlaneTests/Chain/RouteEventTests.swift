import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// Which changes the chain announces, and how (R2-01…R2-11, R2-53…R2-56), as the scenarios F-01…F-25 have it.
@Suite struct RouteEventTests {
    private let v4 = "192.0.2.0/24"
    private let v6 = "2001:db8::/32"
    private let a = "2001:db8::a"
    private let b = "2001:db8::b"
    private let c = "2001:db8::c"
    private let d = "2001:db8::d"

    @Test("F-01: of several metrics only the lowest is announced, and the next when it goes")
    func f01() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, metric: 1_024, "eth1")
        try scenario.add(v4, metric: 1_022, "eth1")
        try scenario.add(v4, metric: 1_023, "eth1")
        for metric in [1_022, 1_024, 1_023] as [UInt32] { try scenario.delete(v4, metric: metric) }
        #expect(
            try scenario.heard() == [
                "R(/24 m1024 eth1)", "R(/24 m1022 eth1)", "–", "R(/24 m1023 eth1)", "–", "D(/24 m1023 eth1)",
            ])
    }

    @Test("F-02: of one key the first of its list is announced")
    func f02() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, "eth1")
        try scenario.append(v4, "eth2")
        try scenario.prepend(v4, "eth3")
        for device in ["eth3", "eth1", "eth2"] { try scenario.delete(v4, device) }
        #expect(
            try scenario.heard() == [
                "R(/24 m1024 eth1)", "–", "R(/24 m1024 eth3)", "R(/24 m1024 eth1)", "R(/24 m1024 eth2)",
                "D(/24 m1024 eth2)",
            ])
    }

    @Test("F-03: the highest tos is announced")
    func f03() throws {
        var scenario = try ChainScenario()
        for tos in [0, 8, 4] as [UInt8] { try scenario.add(v4, tos: tos, "eth1") }
        try scenario.delete(v4, tos: 8)
        #expect(
            try scenario.heard() == [
                "R(/24 m1024 eth1)", "R(/24 m1024 tos 8 eth1)", "–", "R(/24 m1024 tos 4 eth1)",
            ])
    }

    @Test("F-04: replacing the first is announced, replacing another one isn't")
    func f04() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, "eth1")
        try scenario.replace(v4, "eth2")
        try scenario.add(v4, metric: 1_025, "eth1")
        try scenario.replace(v4, metric: 1_025, "eth2")
        #expect(try scenario.heard() == ["R(/24 m1024 eth1)", "R(/24 m1024 eth2)", "–", "–"])
    }

    @Test("F-05: prefixes of one address and several lengths are announced each for itself")
    func f05() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, "eth1")
        try scenario.add("192.0.2.0/25", "eth1")
        try scenario.delete(v4)
        #expect(try scenario.heard() == ["R(/24 m1024 eth1)", "R(/25 m1024 eth1)", "D(/24 m1024 eth1)"])
    }

    @Test("F-06, R1-70: what a member refuses is not done, the member's text is the reason, and the counter moves")
    func f06() throws {
        var scenario = try ChainScenario(RecordingMember(veto: { _ in "the table is full" }))
        let (plane, calls) = (scenario.plane, scenario.calls)
        let error = #expect(throws: FIBError.self) { try scenario.add(v4, "eth1") }
        #expect(error?.errno == .enospc && error?.reason == .notAdmitted && error?.message.contains("full") == true)
        #expect(scenario.routes == 0 && scenario.calls == calls + 1 && plane.log.head == plane.snapshot().sequence)
        #expect(scenario.member.heard.isEmpty)
    }

    @Test("F-07: a deletion can't be refused, nor that another route moves up because of it")
    func f07() throws {
        let refuses = Switch()
        var scenario = try ChainScenario(RecordingMember(veto: { _ in refuses.isOn ? "no" : nil }))
        try scenario.add(v4, "eth1")
        try scenario.add(v4, metric: 1_025, "eth2")
        refuses.isOn = true
        try scenario.delete(v4)
        try scenario.delete(v4)
        refuses.isOn = false
        #expect(try scenario.heard() == ["R(/24 m1024 eth1)", "–", "R(/24 m1025 eth2)", "D(/24 m1025 eth2)"])
    }

    @Test("F-08: routes that go with their device are announced like deletions")
    func f08() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, metric: 10, "eth1")
        try scenario.add(v4, metric: 20, "eth2")
        for device in ["eth1", "eth2"] { try scenario.set(device, isUp: true) }
        try scenario.lose("eth1")
        try scenario.lose("eth2")
        #expect(try scenario.heard() == ["R(/24 m10 eth1)", "–", "R(/24 m20 eth2)", "D(/24 m20 eth2)"])
    }

    @Test("R2-12: members hear which legs of the first route die with their link, and which live again")
    func nextHops() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, metric: 10, "eth1", "eth2")
        try scenario.add(v4, metric: 20, "eth1", "eth2")
        try scenario.add(v6, "2001:db8::1", "2001:db8::2")
        for device in ["eth1", "eth2"] { try scenario.set(device, isUp: true) }
        for isUp in [false, true] { try scenario.set("eth1", isUp: isUp) }
        scenario.settle()
        let heard = scenario.member.now.heard.map(\.text).filter { $0.hasPrefix("legs") }
        #expect(heard == ["legs(/24 m10 -[\"eth1\"] +[])", "legs(/24 m10 -[] +[\"eth1\"])"])
    }

    @Test("R2-12: without carrier a leg dies for members only where its link is set so, and lives again with either")
    func ignoredNextHops() throws {
        var scenario = try ChainScenario()
        try scenario.add(v4, metric: 10, "eth1", "eth2")
        let lab = LinkLab(scenario.plane)
        try lab.put("eth1")
        try lab.setCarrier("eth1", false)
        try lab.put("eth1", ignoresLinkDown: true)
        try lab.put("eth1", ignoresLinkDown: false)
        try lab.put("eth1", ignoresLinkDown: true)
        try lab.setCarrier("eth1", true)
        scenario.settle()
        let (died, lives) = ("legs(/24 m10 -[\"eth1\"] +[])", "legs(/24 m10 -[] +[\"eth1\"])")
        #expect(scenario.member.now.heard.map(\.text).filter { $0.hasPrefix("legs") } == [died, lives, died, lives])
    }

    @Test("F-20: a nexthop that joins is an append, one that leaves a deletion of itself")
    func f20() throws {
        var scenario = try ChainScenario()
        try scenario.add(v6, a)
        try scenario.append(v6, b)
        try scenario.delete(v6, a)
        try scenario.delete(v6, b)
        #expect(
            try scenario.heard() == [
                "R(/32 m1024 \(a))", "A(/32 m1024 \(b))", "D(/32 m1024 \(a))", "D(/32 m1024 \(b))",
            ])
    }

    @Test("F-21: lists of nexthops join and leave as a whole")
    func f21() throws {
        var scenario = try ChainScenario()
        try scenario.add(v6, a, b)
        try scenario.append(v6, c, d)
        try scenario.delete(v6)
        #expect(
            try scenario.heard() == [
                "R(/32 m1024 \(a),\(b))", "A(/32 m1024 \(c),\(d))", "D(/32 m1024 \(a),\(b),\(c),\(d))",
            ])
    }

    @Test("F-22: a group of a higher metric is announced when the first group goes")
    func f22() throws {
        var scenario = try ChainScenario()
        try scenario.add(v6, a, b)
        try scenario.add(v6, metric: 1_025, a, b)
        try scenario.append(v6, metric: 1_025, c)
        try scenario.delete(v6, metric: 1_024)
        #expect(try scenario.heard() == ["R(/32 m1024 \(a),\(b))", "–", "–", "R(/32 m1025 \(a),\(b),\(c))"])
    }

    @Test("F-23: what is appended behind a route that can't take it in is not announced")
    func f23() throws {
        var scenario = try ChainScenario()
        try scenario.add(v6, "eth1")
        try scenario.append(v6, b)
        #expect(try scenario.heard() == ["R(/32 m1024 eth1)", "–"])
    }

    @Test("F-24: another list in the place of the first is a replacement")
    func f24() throws {
        var scenario = try ChainScenario()
        try scenario.add(v6, a, b)
        try scenario.replace(v6, a, c)
        #expect(try scenario.heard() == ["R(/32 m1024 \(a),\(b))", "R(/32 m1024 \(a),\(c))"])
    }

    /// The kernel links the members first and removes them again, with messages for both; here nothing happens before
    /// everyone has agreed (docs/decisions/0009).
    @Test("F-25, R1-99: a list that is refused was never there, and no one hears of it")
    func f25() throws {
        var scenario = try ChainScenario(RecordingMember(veto: { $0.table.family == .inet6 ? "no" : nil }))
        let head = scenario.plane.log.head
        #expect(throws: FIBError.self) { try scenario.add(v6, a, b) }
        #expect(scenario.plane.log.head == head && scenario.routes == 0)
        scenario.settle()
        #expect(!scenario.member.heard.contains { $0.contains("/32 m1024") })
    }

    @Test("A member that refuses stops the question, and those who had agreed hear that it came to nothing")
    func withdrawal() throws {
        var scenario = try ChainScenario(RecordingMember("first"))
        let strict = RecordingMember("strict", veto: { $0.key.metric == 9 ? "no nines" : nil })
        let last = RecordingMember("last")
        try scenario.plane.register(strict, scope: .namespace("default"))
        try scenario.plane.register(last, scope: .all)
        try scenario.add(v4, metric: 8, "eth1")
        #expect(throws: FIBError.self) { try scenario.replace("10.0.0.0/8", metric: 9, "eth1") }
        for member in [scenario.member, strict, last] { #expect(member.now.admitted == ["R(/24 m8 eth1)"]) }
    }

    @Test("What members agreed to is withdrawn when a transaction fails later, and after a dry run")
    func transaction() throws {
        let scenario = try ChainScenario(RecordingMember(veto: { $0.key.metric == 9 ? "no nines" : nil }))
        let (plane, calls) = (scenario.plane, scenario.calls)
        let writes = try [1, 2, 9].map { metric in
            RouteOperation.write(.add, try routeWrite(plane, "10.\(metric).0.0/16", metric: metric, ["eth1"]))
        }
        let error = #expect(throws: TransactionError.self) { try plane.transact(writes) }
        #expect(error?.index == 2 && error?.error.reason == .notAdmitted)
        #expect(scenario.member.now.admitted == [] && scenario.calls == calls + 3 && scenario.routes == 0)

        var draft: RouteDraft? = plane.draft()
        _ = try draft?.apply(Array(writes.prefix(2)))
        #expect(scenario.member.now.admitted.count == 2)
        draft = nil
        #expect(scenario.member.now.admitted == [])
        _ = try plane.transact(Array(writes.prefix(2)))
        #expect(scenario.member.now.admitted.count == 2)
    }
}

/// Turned on and off by a test while others look at it.
private final class Switch: Sendable {
    private let state = Locked(false, rank: .leaf)
    var isOn: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
