import Addressing
import ChangeLog
import ControlPlane
import Routing
import ServiceSupport
import Storage
import TestSupport
import Testing
import Threads

@testable import API
@testable import HTTPServer

/// Listeners that program hardware, without sockets.
@Suite struct DriverTests {
    private static let limits = ControlPlane.Limits(logBytes: 1 << 20)

    private static func settings(_ name: String, leaseSeconds: Int? = nil) -> ListenerSettings {
        var filter = EventFilter()
        filter.kinds = [.route]
        filter.view = .best
        filter.hardware = .none
        return ListenerSettings(
            name: name, role: .driver, filter: filter, onOverflow: .reset, leaseSeconds: leaseSeconds)
    }

    @discardableResult
    private static func add(_ text: String, _ plane: ControlPlane) throws -> WriteResult? {
        var fields = RouteInfo.Fields()
        fields.nextHops = [NextHop(device: "eth0")]
        let route = try Route.validated(prefix: try Prefix(text), tos: 0, metric: nil, fields: fields)
        return try plane.write(.add, RouteWrite(try plane.table("default", .inet, .main), route, EntryWriter()))
    }

    private static func request(_ plane: ControlPlane, _ id: ChangeSequence, untilSync: Bool = false) -> EventRequest {
        var request = EventRequest()
        request.filter = plane.presentListeners.first { $0.id == id }?.settings.filter ?? EventFilter()
        request.endsAtSync = untilSync
        return request
    }

    @Test("Whoever has registered before a restart is known before anyone can ask")
    func restart() throws {
        let store = MemoryStore()
        let first = try ControlPlane(limits: Self.limits, store: store)
        let id = try first.addListener(Self.settings("asic")).listener.id
        #expect(eventually { first.log.durable == first.log.head })
        first.close()
        let second = try ControlPlane(limits: Self.limits, store: store.reopened())
        defer { second.close() }
        let hub = EventHub(plane: second, maximumFilters: 8)
        // Without it, a stream would be no one's: never connected, and with nothing to acknowledge.
        #expect(throws: Problem.self) { try hub.open(Self.request(second, id), for: id) }
        let keeper = ListenerKeeper(second, hub)
        let source = try hub.open(Self.request(second, id), for: id)
        #expect(hub.row(second.presentListeners[0]).isConnected)
        #expect(second.presentDevices.all.map(\.name) == ["asic"])
        withExtendedLifetime((keeper, source)) {}
    }

    @Test("What a stream up to its sync has brought can be acknowledged")
    func untilSync() throws {
        let plane = ControlPlane(limits: Self.limits)
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let id = try ListenerKeeper(plane, hub).add(Self.settings("asic")).listener.id
        try Self.add("10.0.0.0/8", plane)
        #expect(throws: Problem.self) { try hub.acknowledge(id, plane.log.head) }
        let source = try hub.open(Self.request(plane, id, untilSync: true), for: id)
        #expect(source.drained().contains("event: sync"))
        try hub.acknowledge(id, plane.log.head)
        #expect(hub.row(plane.presentListeners[0]).acknowledged == plane.log.head)
    }

    @Test("A stream that a device and its routes come to while it is sent its replay tells of both")
    func deviceDuringReplay() throws {
        let plane = ControlPlane(limits: Self.limits)
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let (quick, slow) = (try hub.open(EventRequest()), try hub.open(EventRequest()))
        #expect(quick.drained().contains("event: sync"))
        _ = plane.addDevice("asic", RouteSelection())
        try Self.add("10.0.0.0/8", plane)
        // Takes their class on, so that the other one has to catch up with it.
        #expect(quick.drained().contains("event: device"))
        let frames = slow.drained().split(separator: "\n").filter { $0.hasPrefix("data: ") }
        #expect(frames.contains { $0.contains(#""generation":"#) && $0.contains(#""name":"asic""#) })
        let route = try #require(frames.first { $0.contains(#""dst":"10.0.0.0/8""#) })
        #expect(route.contains(#""state":"pending""#), "\(route)")
    }

    @Test("A registration whose end can't be written down goes on until it can")
    func expiryWithoutDisk() throws {
        let store = MemoryStore()
        let plane = try ControlPlane(limits: Self.limits, store: store)
        defer { plane.close() }
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let keeper = ListenerKeeper(plane, hub)
        let listener = try keeper.add(Self.settings("asic", leaseSeconds: 1)).listener
        #expect(eventually { plane.log.durable == plane.log.head })
        store.refuse(.full("no room"))
        try Self.add("10.0.0.0/8", plane)
        #expect(eventually { plane.storeStatus == .blocked("no room") })
        keeper.endLeases(.max)
        #expect(plane.presentListeners == [listener])
        #expect(try hub.device(of: listener.id).name == "asic")
        store.refuse(nil)
        #expect(eventually { plane.storeStatus == .writing })
        keeper.endLeases(.max)
        #expect(plane.presentListeners.isEmpty && plane.presentDevices.isEmpty)
        #expect(throws: Problem.self) { try hub.device(of: listener.id) }
    }

    @Test("A report on a route whose namespace has gone is stale, like one on a route that has")
    func reportWithoutNamespace() {
        let service = LocalService()
        #expect(service.call("POST", "/v1/listeners", #"{"name":"asic","role":"driver"}"#).status == 201)
        let reports = ["a", "default"].map {
            #"{"route":{"dst":"10.0.0.0/8","namespace":"\#($0)"},"version":7,"state":"offload"}"#
        }
        let answer = service.call("POST", "/v1/listeners/asic/hardware", "[\(reports.joined(separator: ","))]")
        #expect(answer.body.contains(#""stale":2,"rejected_count":2"#), "\(answer.body)")
        #expect(!answer.body.contains("ENOENT"))
    }

    @Test("A driver that wants everything anew programs anew: what was said before is void")
    func fullReplay() {
        let service = LocalService()
        #expect(service.call("POST", "/v1/listeners", #"{"name":"asic","role":"driver"}"#).status == 201)
        let version = service.call("POST", "/v1/routes", #"{"dst":"10.0.0.0/8","dev":"eth0"}"#).field("Fibd-Seq") ?? ""
        let report = #"{"route":{"dst":"10.0.0.0/8"},"version":\#(version),"state":"offload"}"#
        #expect(service.call("POST", "/v1/listeners/asic/hardware", report).status == 200)
        for (query, state) in [("", "offload"), ("?replay=full", "pending")] {
            #expect(service.call("GET", "/v1/listeners/asic/events\(query)").status == 200)
            let row = service.call("GET", "/v1/routes/10.0.0.0/8").body
            #expect(row.contains(#""state":"\#(state)""#), "\(query): \(row)")
        }
        // A device that has begun anew answers for the same version again.
        #expect(service.call("POST", "/v1/listeners/asic/hardware", report).body.contains(#""accepted":1"#))
    }

    @Test("A driver that is changed while it is removed leaves no device behind")
    func changedWhileRemoved() throws {
        let plane = ControlPlane(limits: Self.limits)
        let keeper = ListenerKeeper(plane, EventHub(plane: plane, maximumFilters: 8))
        for _ in 0..<500 {
            let id = try keeper.add(Self.settings("asic")).listener.id
            let edits: [@Sendable (inout ListenerSettings) -> Void] = [
                { $0.filter.selection.families = [.inet] }, { $0.filter.selection.families = [.inet6] },
            ]
            let threads = edits.map { edit in
                Thread(name: "change") {
                    for _ in 0..<4 { _ = try? keeper.change(id, .none, edit) }
                }
            }
            keeper.restart(id)
            _ = try keeper.remove(id, .none)
            for thread in threads { thread.join() }
            try #require(plane.presentListeners.isEmpty && plane.presentDevices.isEmpty)
        }
    }
}
