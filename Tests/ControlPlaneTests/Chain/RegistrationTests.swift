import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// Registration with replay (R2-30…R2-42), as the scenarios F-40…F-45 have it.
@Suite struct RegistrationTests {
    private func plane(logBytes: Int = 4 << 20, chainBacklog: Int = 1 << 20) throws -> ControlPlane {
        var limits = ControlPlane.Limits(logBytes: logBytes)
        limits.chainBacklog = chainBacklog
        let plane = ControlPlane(limits: limits)
        try add("10.0.0.0/8", metric: 5, to: plane)
        try add("10.0.0.0/8", metric: 6, to: plane)
        try add("2001:db8::/32", metric: 5, to: plane)
        try add("9.0.0.0/8", metric: 5, to: plane)
        return plane
    }

    private func add(_ text: String, metric: UInt32, to plane: ControlPlane, _ namespace: String = "default") throws {
        _ = try plane.write(.add, try routeWrite(plane, text, namespace, metric: metric, ["eth1"]))
    }

    private let everything = [
        "rule default inet 0 local", "rule default inet 32766 main", "rule default inet 32767 default",
        "R(/8 m5 eth1)", "R(/8 m5 eth1)", "rule default inet6 0 local", "rule default inet6 32766 main",
        "R(/32 m5 eth1)",
    ]

    @Test("F-40: with no writer one attempt tells rules, then routes, and there is no callback")
    func f40() throws {
        let plane = try plane()
        defer { plane.close() }
        let member = RecordingMember()
        #expect(try plane.register(member, scope: .all) == 1)
        #expect(member.now.replayed == everything && member.now.dumpsInconsistent == 0)
        try add("8.0.0.0/8", metric: 4, to: plane)
        settleChain(plane, member)
        #expect(member.heard.first == "R(/8 m4 eth1)" && member.heard.count == 3)
    }

    @Test("F-41: an announced change during the dump is one callback and a second, complete attempt")
    func f41() throws {
        let plane = try plane()
        defer { plane.close() }
        let attempts = Counter()
        let member = RecordingMember(whileReplaying: { (entry) throws(FIBError) in
            if entry == 4, attempts.next() == 1 { try? self.add("8.0.0.0/8", metric: 4, to: plane) }
        })
        #expect(try plane.register(member, scope: .all) == 2)
        #expect(member.now.dumpsInconsistent == 1 && member.now.replayed.count == everything.count + 1)
        #expect(member.now.replayed[3] == "R(/8 m4 eth1)" && member.heard.isEmpty)
    }

    @Test("F-42: a change that isn't announced doesn't disturb")
    func f42() throws {
        let plane = try plane()
        defer { plane.close() }
        let member = RecordingMember(whileReplaying: { (entry) throws(FIBError) in
            if entry == 4 { try? self.add("10.0.0.0/8", metric: 9, to: plane) }
        })
        #expect(try plane.register(member, scope: .all) == 1)
        #expect(member.now.replayed == everything && member.now.dumpsInconsistent == 0)
    }

    @Test("F-43: a change in every attempt ends after five, with EBUSY, and leaves no trace of the member")
    func f43() throws {
        let plane = try plane()
        defer { plane.close() }
        let metric = Counter()
        let member = RecordingMember(whileReplaying: { (entry) throws(FIBError) in
            if entry == 4 { try? self.add("8.0.0.0/8", metric: UInt32(100 - metric.next()), to: plane) }
        })
        let error = #expect(throws: FIBError.self) { try plane.register(member, scope: .all) }
        #expect(error?.errno == .ebusy && error?.rule == "R2-35" && metric.value == 5)
        #expect(member.now.dumpsInconsistent == 5 && member.now.replayed.isEmpty && plane.chain.backlog.isEmpty)
        try add("7.0.0.0/8", metric: 4, to: plane)
        #expect(member.heard.isEmpty && member.now.admitted.isEmpty)
    }

    @Test("F-45: an error of the dump ends it at once, without callback")
    func f45() throws {
        let plane = try plane()
        defer { plane.close() }
        let member = RecordingMember(whileReplaying: { (entry) throws(FIBError) in
            if entry == 3 { throw FIBError(.enospc, .notAdmitted, "no room for a third") }
        })
        let error = #expect(throws: FIBError.self) { try plane.register(member, scope: .all) }
        #expect(error?.errno == .enospc && member.now.replayed.count == 3 && member.now.dumpsInconsistent == 0)
        #expect(plane.chain.backlog.isEmpty)
    }

    @Test("A member of one namespace hears of no other, nor is disturbed by it")
    func scope() throws {
        let plane = try plane()
        defer { plane.close() }
        _ = try plane.putNamespace("blue") { _ in NamespaceSettings() }
        try add("10.0.0.0/8", metric: 7, to: plane, "blue")
        let member = RecordingMember(whileReplaying: { (entry) throws(FIBError) in
            if entry == 4 { try? self.add("8.0.0.0/8", metric: 4, to: plane) }
        })
        #expect(try plane.register(member, scope: .namespace("blue")) == 1)
        #expect(member.now.replayed.count == 6 && member.now.replayed.contains("R(/8 m7 eth1)"))
        try add("10.0.0.0/8", metric: 4, to: plane)
        try add("10.0.0.0/8", metric: 6, to: plane, "blue")
        #expect(eventually { member.heard == ["R(/8 m6 eth1)"] })
        #expect(throws: FIBError.self) { try plane.register(RecordingMember(), scope: .namespace("red")) }
    }

    @Test(
        "A namespace that comes into being or goes during the dump of all counts as a change", arguments: [true, false])
    func namespaces(comes: Bool) throws {
        let plane = try plane()
        defer { plane.close() }
        if !comes { _ = try plane.putNamespace("blue") { _ in NamespaceSettings() } }
        let attempts = Counter()
        let member = RecordingMember(whileReplaying: { (entry) throws(FIBError) in
            guard entry == 4, attempts.next() == 1 else { return }
            if comes { _ = try plane.putNamespace("blue") { _ in NamespaceSettings() } }
            if !comes { _ = try plane.deleteNamespace("blue") }
        })
        #expect(try plane.register(member, scope: .all) == 2)
        #expect(member.now.replayed.contains("rule blue inet 0 local") == comes)
    }

    @Test("A member of all namespaces hears of one that comes later, and has a say in it")
    func laterNamespace() throws {
        let plane = try plane()
        defer { plane.close() }
        let member = RecordingMember(veto: { $0.key.metric == 9 ? "no nines" : nil })
        try plane.register(member, scope: .all)
        _ = try plane.putNamespace("blue") { _ in NamespaceSettings() }
        try add("10.0.0.0/8", metric: 8, to: plane, "blue")
        #expect(throws: FIBError.self) { try add("11.0.0.0/8", metric: 9, to: plane, "blue") }
        _ = try plane.deleteNamespace("blue")
        settleChain(plane, member)
        let rules = ["inet 0 local", "inet 32766 main", "inet 32767 default", "inet6 0 local", "inet6 32766 main"]
            .map { "rule blue \($0)" }
        let gone = rules.map { "\($0) now gone" }
        let told: [String] = rules + ["R(/8 m8 eth1)"] + gone + ["D(/8 m8 eth1)"]
        #expect(Array(member.heard.prefix(12)) == told)
    }

    /// What rocker, the first driver of the chain, relies on: it registers before it makes its ports.
    @Test("A driver that registers on an empty namespace has the complete state from one registration")
    func rocker() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))
        let driver = RecordingMember("rocker")
        #expect(try plane.register(driver, scope: .namespace("default")) == 1)
        #expect(driver.now.replayed.allSatisfy { $0.hasPrefix("rule ") })
        for number in 0..<500 { try add("10.\(number / 256).\(number % 256).0/24", metric: 5, to: plane) }
        settleChain(plane, driver)
        #expect(driver.heard.count { $0 == "R(/24 m5 eth1)" } == 500)
    }

    @Test("Who is registered already is refused, and may leave and come again")
    func twice() throws {
        let plane = try plane()
        defer { plane.close() }
        let member = RecordingMember()
        try plane.register(member, scope: .all)
        #expect(throws: FIBError.self) { try plane.register(member, scope: .all) }
        plane.unregister(member)
        try add("8.0.0.0/8", metric: 4, to: plane)
        #expect(member.heard.isEmpty && member.now.admitted.isEmpty)
        plane.unregister(member)
        #expect(try plane.register(member, scope: .all) == 1)
    }

    @Test("A member that is too far behind is taken off and told so, and the others aren't disturbed")
    func tooSlow() throws {
        let plane = try plane(chainBacklog: 10)
        defer { plane.close() }
        let slow = RecordingMember("slow", isSlow: true, veto: { $0.key.metric == 9 ? "no nines" : nil })
        let quick = RecordingMember("quick")
        try plane.register(slow, scope: .all)
        try plane.register(quick, scope: .all)
        for number in 0..<30 {
            try add("10.\(number).0.0/16", metric: 5, to: plane)
            #expect(eventually { quick.heard.count == number + 1 })
        }
        for _ in 0..<20 { _ = slow.door.put(()) }
        #expect(eventually { slow.now.isBehind })
        #expect(slow.heard.count <= 11 && plane.chain.backlog.map(\.name) == ["quick"])
        try add("11.0.0.0/8", metric: 9, to: plane)
        #expect(try plane.register(slow, scope: .all) == 1)
    }

    @Test("Members that were taken off leave nothing of their threads behind")
    func threadsOfSlowMembers() throws {
        let plane = try plane(chainBacklog: 1)
        defer { plane.close() }
        let before = mappedBytes()
        for round in 0..<200 {
            let member = RecordingMember()
            try plane.register(member, scope: .all)
            var number = 0
            while !member.now.isBehind {
                number += 1
                let writes = try (0..<64).map { row in
                    RouteOperation.write(
                        .replace, try routeWrite(plane, "11.\(round).\(row).0/24", metric: 5, ["eth\(number)"]))
                }
                _ = try plane.transact(writes)
            }
        }
        // Each would keep the 8 MiB of its stack.
        #expect(mappedBytes() - before < 800 << 20)
    }

    @Test("A log that goes on without the chain takes its members off")
    func logOverrun() throws {
        let plane = try plane(logBytes: 64 << 10)
        defer { plane.close() }
        let member = RecordingMember()
        try plane.register(member, scope: .all)
        // One transaction that the log can't hold: the chain comes to it when its beginning is gone.
        let writes = try (0..<2_000).map { number in
            RouteOperation.write(
                .add, try routeWrite(plane, "11.\(number / 256).\(number % 256).0/24", metric: 5, ["eth1"]))
        }
        _ = try plane.transact(writes)
        #expect(eventually { member.now.isBehind })
        #expect(plane.chain.backlog.isEmpty)
    }

    @Test("Who joins is not told again what its replay had, though others have yet to hear of it")
    func joinsLater() throws {
        let plane = try plane()
        defer { plane.close() }
        let chain = NotifierChain()
        let members = ["early", "late"].map { RecordingMember($0) }
        func join(_ member: RecordingMember) {
            let queue = MemberQueue(member, .all, knowing: plane.log.head, capacity: 100)
            chain.join(member, .all, queue, at: plane.log.head)
            queue.start()
        }
        join(members[0])
        try add("8.0.0.0/8", metric: 4, to: plane)
        join(members[1])
        try add("7.0.0.0/8", metric: 3, to: plane)
        #expect(chain.dispatch(plane.log).isEmpty)
        #expect(eventually { members.map(\.heard.count) == [2, 1] })
        #expect(members[1].heard == ["R(/8 m3 eth1)"])
        for member in members { chain.remove(member)?.close() }
    }

    @Test("Nothing is told, replayed or live, before it is durable")
    func durable() throws {
        let store = MemoryStore()
        let plane = try ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20), store: store)
        defer { plane.close() }
        let member = RecordingMember()
        store.hold()
        try add("10.0.0.0/8", metric: 5, to: plane)
        let isRegistered = Counter()
        let registration = Thread(name: "registration") {
            if (try? plane.register(member, scope: .all)) != nil { _ = isRegistered.next() }
        }
        #expect(eventually { store.waiting > 0 })
        #expect(member.now.replayed.isEmpty && isRegistered.value == 0)
        store.release()
        registration.join()
        #expect(isRegistered.value == 1 && member.now.replayed.contains("R(/8 m5 eth1)"))
        store.hold()
        try add("11.0.0.0/8", metric: 6, to: plane)
        #expect(eventually { store.waiting > 0 })
        #expect(member.heard.isEmpty)
        store.release()
        #expect(eventually { member.heard == ["R(/8 m6 eth1)"] })
    }
}

/// 1, 2, 3 …
final class Counter: Sendable {
    private let state = Locked(0, rank: .leaf)
    func next() -> Int {
        state.withLock { count in
            count += 1
            return count
        }
    }
    var value: Int { state.withLock { $0 } }
}
