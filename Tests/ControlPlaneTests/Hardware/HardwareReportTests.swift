import Addressing
import ChangeLog
import Routing
import Storage
import TestSupport
import Testing

@testable import ControlPlane

/// What devices say of routes, and what becomes of it when routes, devices and the server come and go.
@Suite struct HardwareReportTests {
    private let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20))

    private func add(_ text: String, metric: UInt32 = 5, _ plane: ControlPlane? = nil) throws -> WriteResult {
        let plane = plane ?? self.plane
        return try #require(try plane.write(.add, try routeWrite(plane, text, metric: metric, ["eth1"])))
    }

    private func report(
        _ route: WriteResult, _ state: HardwareState, _ device: Device, reason: String? = nil,
        _ plane: ControlPlane? = nil
    ) throws -> ReportOutcome {
        let report = HardwareReport(
            route.table, route.key, version: route.stored.version, state: state, reason: reason)
        return try (plane ?? self.plane).report([report], by: device.line).outcomes[0]
    }

    /// The states of all routes, in list order.
    private func states(_ plane: ControlPlane? = nil) -> [String] {
        let snapshot = (plane ?? self.plane).snapshot()
        snapshot._checkInvariants()
        var walk = RouteWalk(snapshot, RouteSelection())
        var states: [String] = []
        while let (_, route) = walk.next() { states.append(snapshot.devices.state(of: route.value.hardware).name) }
        return states
    }

    @Test(
        "The first of a prefix is pending until its device answers; others, and those from before the device, are none")
    func pending() throws {
        _ = try add("9.0.0.0/8")
        let device = plane.addDevice("asic", RouteSelection())
        let first = try add("10.0.0.0/8")
        _ = try add("10.0.0.0/8", metric: 6)
        #expect(states() == ["none", "pending", "none"])
        guard case .changed = try report(first, .offload, device) else { Issue.record("not changed"); return }
        #expect(states() == ["none", "offload", "none"])
    }

    @Test("A device is asked about what it selects")
    func selection() throws {
        var selection = RouteSelection()
        selection.within = [try Prefix("10.0.0.0/8")]
        selection.families = [.inet]
        _ = plane.addDevice("asic", selection)
        for text in ["10.1.0.0/16", "11.0.0.0/8", "2001:db8::/32"] { _ = try add(text) }
        #expect(states() == ["pending", "none", "none"])
    }

    @Test("An answer for an entry that is another one by now, or gone, is stale and changes nothing")
    func stale() throws {
        let device = plane.addDevice("asic", RouteSelection())
        let old = try add("10.0.0.0/8")
        let new = try #require(
            try plane.write(.replace, try routeWrite(plane, "10.0.0.0/8", metric: 5, ["eth2"])))
        let head = plane.log.head
        #expect(try report(old, .offload, device) == .stale(present: new.stored.version))
        var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
        selector.metric = 5
        _ = try plane.delete("default", .main, selector)
        #expect(try report(new, .offload, device) == .stale(present: nil))
        #expect(plane.log.head == head.next && states() == [])
        let nowhere = HardwareReport(
            TableIdentity(namespace: "gone", family: .inet, id: .main), new.key, version: new.stored.version,
            state: .offload)
        #expect(try plane.report([nowhere], by: device.line).outcomes == [.stale(present: nil)])
    }

    @Test("Of the routes of one key a report is for the one with its version, the first or another")
    func sameKey() throws {
        let device = plane.addDevice("asic", RouteSelection())
        let first = try add("10.0.0.0/8")
        let second = try #require(
            try plane.write(.append, try routeWrite(plane, "10.0.0.0/8", metric: 5, ["eth2"])))
        guard case .changed = try report(second, .trap, device) else { Issue.record("not changed"); return }
        #expect(states() == ["pending", "trap"])
        _ = try report(first, .offload, device)
        #expect(states() == ["offload", "none"])
        let other = HardwareReport(
            first.table, first.key, version: plane.log.head.next, state: .offload)
        #expect(try plane.report([other], by: device.line).outcomes == [.stale(present: first.stored.version)])
    }

    @Test("Routes that come together share what they begin with, and what becomes of it")
    func shared() throws {
        let device = plane.addDevice("asic", RouteSelection())
        let writes = try (0..<250).map { try routeWrite(plane, "10.0.\($0).0/24", metric: 5, ["eth1"]) }
        plane.write(.add, rows: writes) { _, _ in true }
        func statuses() -> (count: Int, routes: [(TableIdentity, PlacedRoute)]) {
            var walk = RouteWalk(plane.snapshot(), RouteSelection())
            var routes: [(TableIdentity, PlacedRoute)] = []
            while let next = walk.next() { routes.append(next) }
            return (Set(routes.compactMap { $0.1.value.hardware.map(ObjectIdentifier.init) }).count, routes)
        }
        // One a millisecond.
        let (count, routes) = statuses()
        #expect(count > 0 && count < 200)
        let reports = routes.map { HardwareReport($0, $1.key, version: $1.value.version, state: .offload) }
        _ = try plane.report(reports, by: device.line)
        #expect(statuses().count <= count)
        #expect(states() == Array(repeating: "offload", count: 250))
    }

    @Test("A route that is displaced keeps its state until its successor is in hardware, and for good if that fails")
    func displaced() throws {
        let device = plane.addDevice("asic", RouteSelection())
        let old = try add("10.0.0.0/8", metric: 6)
        _ = try report(old, .offload, device)
        let new = try add("10.0.0.0/8", metric: 5)
        #expect(states() == ["pending", "offload"])
        _ = try report(new, .failed, device, reason: "no room")
        #expect(states() == ["failed", "offload"])
        _ = try report(new, .offload, device)
        #expect(states() == ["offload", "none"])
    }

    @Test("A route that is displaced before anyone has programmed it is none, and pending again when it moves up")
    func displacedPending() throws {
        _ = plane.addDevice("asic", RouteSelection())
        _ = try add("10.0.0.0/8", metric: 6)
        _ = try add("10.0.0.0/8", metric: 5)
        #expect(states() == ["pending", "none"])
        var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
        selector.metric = 5
        _ = try plane.delete("default", .main, selector)
        #expect(states() == ["pending"])
    }

    @Test("What moves up is pending from that change on: who went may have come into hardware unheard")
    func displacedUnheard() throws {
        let device = plane.addDevice("asic", RouteSelection())
        let old = try add("10.0.0.0/8", metric: 6)
        _ = try report(old, .offload, device)
        let new = try add("10.0.0.0/8", metric: 5)
        let position = plane.log.head
        var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
        selector.metric = 5
        _ = try plane.delete("default", .main, selector)
        #expect(states() == ["pending"])
        var filter = EventFilter()
        filter.view = .best
        let told = try #require(plane.log.read(after: position)).compactMap { filter.select($0)?.new }.map { entry in
            guard case .route(_, _, let route) = entry else { return HardwareState.none }
            return plane.presentDevices.state(of: route.hardware)
        }
        // Those who see only firsts never saw the other one with an answer of before.
        #expect(told == [.pending])
        _ = try report(new, .offload, device)
        #expect(states() == ["pending"])
        _ = try report(old, .offload, device)
        #expect(states() == ["offload"])
    }

    @Test("What a flush or a transaction moves up is pending too")
    func movesUp() throws {
        _ = plane.addDevice("asic", RouteSelection())
        for metric in [5, 6, 7] as [UInt32] { _ = try add("10.0.0.0/8", metric: metric) }
        var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
        selector.metric = 5
        _ = try plane.transact([
            .delete(namespace: "default", .main, selector),
            .write(.add, try routeWrite(plane, "11.0.0.0/8", metric: 5, ["eth1"])),
            .write(.add, try routeWrite(plane, "11.0.0.0/8", metric: 4, ["eth1"])),
        ])
        #expect(states() == ["pending", "none", "pending", "none"])
        _ = try plane.write(.replace, try routeWrite(plane, "10.0.0.0/8", metric: 6, ["eth9"]))
        var selection = RouteSelection()
        selection.devices = ["eth9"]
        _ = try plane.flush(selection)
        #expect(states() == ["pending", "pending", "none"])
        selection.devices = ["eth1"]
        _ = try plane.flush(selection)
        #expect(states() == [])
    }

    @Test("After a restart of a device all that it said counts as pending, and as nothing when it is gone")
    func generations() throws {
        let device = plane.addDevice("asic", RouteSelection())
        let route = try add("10.0.0.0/8")
        _ = try report(route, .offload, device)
        let before = plane.snapshot()
        let head = plane.log.head
        let renewed = try #require(plane.restartDevice(device.line))
        #expect(renewed.generation > device.generation && renewed.line == device.line)
        // One event, and none for a route.
        #expect(plane.log.head == head.next && states() == ["pending"])
        #expect(try report(route, .offload, renewed) != .unchanged && states() == ["offload"])
        plane.removeDevice(device.line)
        #expect(states() == ["none"])
        #expect(throws: FIBError.self) { try report(route, .offload, renewed) }
        // One of the same name is another one.
        _ = plane.addDevice("asic", RouteSelection())
        #expect(states() == ["none"] && plane.restartDevice(device.line) == nil)
        // A snapshot says what held then.
        var walk = RouteWalk(before, RouteSelection())
        #expect(walk.next().map { before.devices.state(of: $0.1.value.hardware) } == .offload)
    }

    @Test("A device that takes the name of another takes its place, and followers are told of both")
    func sameName() throws {
        let former = plane.addDevice("asic", RouteSelection())
        _ = try report(try add("10.0.0.0/8"), .offload, former)
        let head = plane.log.head
        let device = plane.addDevice("asic", RouteSelection())
        #expect(plane.presentDevices.all == [device] && states() == ["none"])
        let told = try #require(plane.log.read(after: head)).compactMap { change -> Bool? in
            guard case .device(let device) = change.object else { return nil }
            return device.isGone
        }
        #expect(told == [true, false])
        plane.removeDevice(former.line)
        #expect(plane.presentDevices.all == [device])
    }

    @Test("A difference tells what each device says, also where the worst of it is the same")
    func difference() throws {
        let devices = ["a", "b"].map { plane.addDevice($0, RouteSelection()) }
        let route = try add("10.0.0.0/8")
        for device in devices { _ = try report(route, .trap, device) }
        let old = plane.snapshot()
        _ = try report(route, .offload, devices[0])
        var difference = SnapshotDifference(from: old, to: plane.snapshot(), EventFilter())
        let change = try #require(difference.next(limit: 8).change)
        #expect(change.operation == .flags)
        // Without that, a follower that knows of traps alone would be wrong about what is left.
        plane.removeDevice(devices[1].line)
        #expect(states() == ["offload"])
    }

    @Test("Of several devices the one that is worst off decides, and the row says what each has said")
    func several() throws {
        let devices = ["a", "b"].map { plane.addDevice($0, RouteSelection()) }
        let route = try add("10.0.0.0/8")
        _ = try report(route, .offload, devices[0])
        #expect(states() == ["pending"])
        _ = try report(route, .failed, devices[1], reason: "no room")
        #expect(states() == ["failed"])
        var row: [UInt8] = []
        let found = try plane.routes("default", .main, try Prefix("10.0.0.0/8"), limit: 1)
        RouteEntry.appendRow(route.table, found.routes[0], plane.presentContext, to: &row)
        let text = String(decoding: row, as: UTF8.self)
        #expect(text.contains(#","flags":["rt_offload_failed"],"h":""#), "\(text)")
        #expect(
            text.contains(
                #""hw":{"device":"b","devices":{"a":{"state":"offload"},"b":{"reason":"no room","state":"failed"}},"#
                    + #""reason":"no room","since":""#), "\(text)")
        #expect(text.contains(#"","state":"failed","version":\#(route.stored.version.rawValue)},"metric""#), "\(text)")
        _ = try report(route, .trap, devices[1])
        #expect(states() == ["trap"])
        plane.removeDevice(devices[1].line)
        #expect(states() == ["offload"])
    }

    @Test("Nothing of it is stored: after a restart there are the same entries, later numbers, and no state")
    func volatile() throws {
        let store = MemoryStore()
        let first = try ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20), store: store)
        let device = first.addDevice("asic", RouteSelection())
        let routes = try (0..<10).map { try add("10.\($0).0.0/16", first) }
        let digest = first.snapshot().summary(of: RouteSelection())
        for route in routes { _ = try report(route, .offload, device, first) }
        let head = first.log.head
        #expect(eventually { first.log.durable == head })
        let crashed = store.reopened()
        first.close()
        for again in [store.reopened(), crashed] {
            let second = try ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20), store: again)
            #expect(second.snapshot().summary(of: RouteSelection()) == digest)
            #expect(second.log.head < head && second.log.upcoming > head, "numbers of flags are given twice")
            #expect(states(second) == Array(repeating: "none", count: 10) && second.presentDevices.isEmpty)
            second.close()
        }
    }

    @Test("Changes of flags alone pass the journal without a commit, and a full disk doesn't refuse them")
    func withoutDisk() throws {
        let store = MemoryStore()
        let plane = try ControlPlane(limits: ControlPlane.Limits(logBytes: 4 << 20), store: store)
        defer { plane.close() }
        let device = plane.addDevice("asic", RouteSelection())
        let route = try add("10.0.0.0/8", plane)
        #expect(eventually { plane.log.durable == plane.log.head })
        let commits = store.commits
        _ = try report(route, .offload, device, plane)
        #expect(eventually { plane.log.durable == plane.log.head } && store.commits == commits)
        store.refuse(.full("no room"))
        _ = try? plane.write(.add, try routeWrite(plane, "11.0.0.0/8", metric: 5, ["eth1"]))
        #expect(eventually { plane.storeStatus == .blocked("no room") })
        _ = try report(route, .trap, device, plane)
        #expect(states(plane).first == "trap" && plane.log.durable < plane.log.head)
        store.refuse(nil)
        #expect(eventually { plane.log.durable == plane.log.head })
    }
}
