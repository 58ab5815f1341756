import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing
import Threads

@testable import ControlPlane

/// What devices inside the process have beyond drivers: taking back what they said, saying that a route is not for them, and being
/// asked to try again.
@Suite struct RetryTests {
    private let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))

    private func add(_ text: String, metric: UInt32 = 5) throws -> WriteResult {
        try #require(try plane.write(.add, try routeWrite(plane, text, metric: metric, ["eth1"])))
    }

    private func report(
        _ route: WriteResult, _ state: HardwareState, _ device: Device, reason: String? = nil
    ) throws -> ReportOutcome {
        let report = HardwareReport(
            route.table, route.key, version: route.stored.version, state: state, reason: reason)
        return try plane.report([report], by: device.line).outcomes[0]
    }

    /// What rows say of hardware, without times.
    private func hardware() -> [String] {
        let snapshot = plane.snapshot()
        snapshot._checkInvariants()
        var walk = RouteWalk(snapshot, RouteSelection())
        var texts: [String] = []
        while let (_, route) = walk.next() {
            let answers = snapshot.devices.answers(in: route.value.hardware)
            texts.append(
                answers.map { "\($0.device.name) \($0.answer.state.name)\($0.answer.reason.map { " (\($0))" } ?? "")" }
                    .joined(separator: ", "))
        }
        return texts
    }

    private func retry(_ text: String, metric: UInt32? = nil, dryRun: Bool = false) throws -> HardwareRetry {
        try plane.retryHardware("default", .main, try Prefix(text), metric: metric, dryRun: dryRun)
    }

    @Test("A device takes back what it has said, and saying so again changes nothing")
    func takenBack() throws {
        let (one, two) = (plane.addDevice("one", RouteSelection()), plane.addDevice("two", RouteSelection()))
        let route = try add("10.0.0.0/8")
        for device in [one, two] { _ = try report(route, .offload, device) }
        guard case .changed = try report(route, .none, one) else { Issue.record("not changed"); return }
        #expect(hardware() == ["two offload"])
        #expect(try report(route, .none, one) == .unchanged)
        guard case .changed = try report(route, .none, two) else { Issue.record("not changed"); return }
        #expect(hardware() == [""])
    }

    @Test("That a route is not for a device is said in its row, and is no state")
    func notForHardware() throws {
        let device = plane.addDevice("one", RouteSelection())
        let route = try add("10.0.0.0/8")
        _ = try report(route, .none, device, reason: "link-not-offloaded")
        #expect(hardware() == ["one none (link-not-offloaded)"])
        var row: [UInt8] = []
        var walk = RouteWalk(plane.snapshot(), RouteSelection())
        let next = walk.next()
        let (table, placed) = try #require(next)
        RouteEntry.appendRow(table, placed, plane.presentContext, to: &row)
        let text = String(decoding: row, as: UTF8.self)
        #expect(text.contains(#""hw":{"device":"one","reason":"link-not-offloaded","since":""#))
        #expect(text.contains(#"","state":"none","version":"#) && !text.contains("flags"))
    }

    @Test("A route that was not for a device is pending when it becomes the first again")
    func promoted() throws {
        let device = plane.addDevice("one", RouteSelection())
        let worse = try add("10.0.0.0/8", metric: 6)
        _ = try report(worse, .none, device, reason: "link-not-offloaded")
        _ = try add("10.0.0.0/8", metric: 5)
        #expect(hardware() == ["one pending", ""])
        var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
        selector.metric = 5
        _ = try plane.delete("default", .main, selector)
        #expect(hardware() == ["one pending"])
    }

    @Test("A retry makes the route pending with those that have failed it, and tells who is to try")
    func failed() throws {
        let devices = ["c", "a", "b"].map { [plane] in plane.addDevice($0, RouteSelection()) }
        let route = try add("10.0.0.0/8")
        _ = try report(route, .failed, devices[0], reason: "no room")
        _ = try report(route, .offload, devices[1])
        let head = plane.log.head
        #expect(try retry("10.0.0.0/8", dryRun: true).devices == ["b", "c"])
        #expect(plane.log.head == head)
        let result = try retry("10.0.0.0/8")
        #expect(result.devices == ["b", "c"] && result.sequence == head.next && plane.log.head == head.next)
        #expect(hardware() == ["c pending, a offload, b pending"])
        #expect(result.route.value.version == route.stored.version)
        // They are all pending by now, so nothing changes.
        #expect(try retry("10.0.0.0/8").sequence == plane.log.head && plane.log.head == head.next)
    }

    @Test("A retry is for the first route of a prefix, and for one with which something is left to do")
    func refused() throws {
        func reason(_ body: () throws -> HardwareRetry) -> FIBError.Reason? {
            do { _ = try body() } catch { return (error as? FIBError)?.reason }
            return nil
        }
        let device = plane.addDevice("one", RouteSelection())
        let route = try add("10.0.0.0/8")
        _ = try add("10.0.0.0/8", metric: 6)
        #expect(reason { try retry("11.0.0.0/8") } == .routeNotFound)
        #expect(reason { try retry("10.0.0.0/8", metric: 7) } == .routeNotFound)
        #expect(reason { try retry("10.0.0.0/8", metric: 6) } == .notFirst)
        _ = try report(route, .trap, device)
        #expect(reason { try retry("10.0.0.0/8", metric: 5) } == .nothingToRetry)
        #expect(reason { try plane.retryHardware("blue", .main, try Prefix("10.0.0.0/8")) } == .namespaceNotFound)
    }

    @Test("A member hears as of which number it is on the chain, and what is left of a route that loses a nexthop")
    func remainder() throws {
        final class Listener: ChainMember {
            let name = "listener"
            let heard = Locked<(joined: ChangeSequence?, events: [RouteEvent])>((nil, []), rank: .leaf)
            func replay(_ event: ChainEvent) {}
            func dumpInconsistent() {}
            func fellBehind() {}
            func joined(at sequence: ChangeSequence) { heard.withLock { $0.joined = sequence } }
            func deliver(_ event: ChainEvent, _ sequence: ChangeSequence) {
                if case .route(let event) = event { heard.withLock { $0.events.append(event) } }
            }
        }
        let listener = Listener()
        let head = plane.log.head
        try plane.register(listener, scope: .all)
        #expect(listener.heard.withLock { $0.joined } == head)
        let hops = ["2001:db8::1", "2001:db8::2"]
        _ = try plane.write(.add, try routeWrite(plane, "2001:db8:1::/48", metric: 1_024, hops))
        var selector = RouteSelector(prefix: try Prefix("2001:db8:1::/48"))
        selector.nextHops = [NextHop(gateway: try IPAddress(hops[0]))]
        let left = try #require(try plane.delete("default", .main, selector)).sequence
        selector.nextHops = []
        _ = try plane.delete("default", .main, selector)
        #expect(eventually { listener.heard.withLock { $0.events.count } == 3 })
        let events = listener.heard.withLock { $0.events }
        #expect(events[1].remainder?.version == left && events[1].remainder?.info.nextHops.count == 1)
        #expect(events[0].remainder == nil && events[2].remainder == nil)
        plane.unregister(listener)
    }
}
