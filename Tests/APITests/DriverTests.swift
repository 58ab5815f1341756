import Addressing
import ChangeLog
import ControlPlane
import Routing
import Storage
import TestSupport
import Testing

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

    /// What a stream says until it has nothing more to say at once.
    private static func read(_ source: any EventSource) -> String {
        var bytes: [UInt8] = []
        while true {
            var output = StreamOutput()
            let result = source.fill(&output, now: 0)
            for slice in [output.first] + output.others { bytes += slice }
            guard case .more = result else { return String(decoding: bytes, as: UTF8.self) }
        }
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
        let listener = try plane.addListener(Self.settings("asic")).listener
        hub.add(listener)
        try Self.add("10.0.0.0/8", plane)
        let source = try hub.open(Self.request(plane, listener.id, untilSync: true), for: listener.id)
        #expect(Self.read(source).contains("event: sync"))
        #expect(try hub.acknowledge(listener.id, plane.log.head))
    }

    @Test("A stream that a device and its routes come to while it is sent its replay tells of both")
    func deviceDuringReplay() throws {
        let plane = ControlPlane(limits: Self.limits)
        let hub = EventHub(plane: plane, maximumFilters: 8)
        let (quick, slow) = (try hub.open(EventRequest()), try hub.open(EventRequest()))
        #expect(Self.read(quick).contains("event: sync"))
        _ = plane.addDevice("asic", RouteSelection())
        try Self.add("10.0.0.0/8", plane)
        // Takes their class on, so that the other one has to catch up with it.
        #expect(Self.read(quick).contains("event: device"))
        let frames = Self.read(slow).split(separator: "\n").filter { $0.hasPrefix("data: ") }
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
        let listener = try plane.addListener(Self.settings("asic", leaseSeconds: 1)).listener
        hub.add(listener)
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
        let service = Service()
        #expect(service.call("POST", "/v1/listeners", #"{"name":"asic","role":"driver"}"#).status == 201)
        let reports = ["a", "default"].map {
            #"{"route":{"dst":"10.0.0.0/8","namespace":"\#($0)"},"version":7,"state":"offload"}"#
        }
        let answer = service.call("POST", "/v1/listeners/asic/hardware", "[\(reports.joined(separator: ","))]")
        #expect(answer.body.contains(#""stale":2,"rejected_count":2"#), "\(answer.body)")
        #expect(!answer.body.contains("ENOENT"))
    }
}
