import Addressing
import ChangeLog
import Platform
import Routing
import TestSupport
import Testing

@testable import ControlPlane
@testable import Hardware

/// A control plane with a simulated switch, and steps as `ip route` makes them.
final class SwitchLab {
    let plane: ControlPlane
    let asic: SimulatedSwitch
    /// Of the routes by which one waits: not the one that a test counts.
    private let marks: AddressFamily
    private var markCount = 0

    init(
        _ settings: SwitchSettings = SwitchSettings(), _ plane: ControlPlane? = nil, isStarted: Bool = true,
        marks: AddressFamily = .inet6,
        clock: @escaping @Sendable () -> UInt64 = { MonotonicClock.nanoseconds }
    ) throws {
        self.plane = plane ?? ControlPlane(limits: ControlPlane.Limits(logBytes: 16 << 20))
        self.marks = marks
        asic = SimulatedSwitch("asic0", settings, self.plane, clock: clock)
        if isStarted { try start() }
    }

    convenience init(marks: AddressFamily = .inet6, _ change: (inout SwitchSettings) -> Void) throws {
        var settings = SwitchSettings()
        change(&settings)
        try self.init(settings, marks: marks)
    }

    deinit { asic.stop() }

    func start() throws {
        asic.start()
        try settle()
    }

    func change(_ change: (inout SwitchSettings) -> Void) throws {
        var settings = asic.status.settings
        change(&settings)
        try asic.change(settings)
    }

    // MARK: Steps

    @discardableResult
    func write(
        _ verb: RouteVerb, _ text: String, metric: UInt32 = 1_024, tos: UInt8 = 0, _ hops: String...
    ) throws -> WriteResult {
        let prefix = try Prefix(text)
        var fields = RouteInfo.Fields()
        fields.nextHops = hops.map { hop in
            (try? IPAddress(hop)).map { NextHop(gateway: $0) } ?? NextHop(device: hop)
        }
        let route = try Route.validated(prefix: prefix, tos: tos, metric: metric, fields: fields)
        let write = RouteWrite(try plane.table("default", prefix.family, .main), route, EntryWriter())
        return try #require(try plane.write(verb, write))
    }

    func add(_ text: String, metric: UInt32 = 1_024, tos: UInt8 = 0) throws {
        try write(.add, text, metric: metric, tos: tos, "eth1")
    }

    @discardableResult
    func delete(_ text: String, metric: UInt32? = nil, tos: UInt8 = 0, _ hops: String...) throws -> ChangeSequence {
        var selector = RouteSelector(prefix: try Prefix(text))
        selector.metric = metric
        selector.tos = tos
        selector.nextHops = hops.map { hop in
            (try? IPAddress(hop)).map { NextHop(gateway: $0) } ?? NextHop(device: hop)
        }
        return try #require(try plane.delete("default", .main, selector)).sequence
    }

    /// Waits until the switch has answered all that was changed: by one more change, in a family that is not counted.
    func settle() throws {
        markCount += 1
        let mark = try write(.replace, marks == .inet ? "203.0.113.255/32" : "2001:db8:ffff::/128", "mark\(markCount)")
        #expect(eventually { asic.processed >= mark.sequence })
    }

    // MARK: What came of them

    /// All routes but marks, in list order: prefix, metric and tos, and the state if it isn't `none`.
    func states() -> [String] {
        let snapshot = plane.snapshot()
        snapshot._checkInvariants()
        var walk = RouteWalk(snapshot, RouteSelection())
        var states: [String] = []
        while let (table, route) = walk.next() {
            let prefix = route.key.prefix(table.family)
            if route.value.info.nextHops.contains(where: { $0.device.hasPrefix("mark") }) { continue }
            let state = snapshot.devices.state(of: route.value.hardware)
            let rest =
                (route.key.metric == 1_024 ? "" : " \(route.key.metric)")
                + (route.key.tos == 0 ? "" : " tos \(route.key.tos)") + (state == .none ? "" : " \(state.name)")
            states.append("\(prefix)" + rest)
        }
        return states
    }

    func settledStates() throws -> [String] {
        try settle()
        return states()
    }

    /// The state of the first route of the prefix, and why.
    func answer(_ text: String) throws -> String {
        let found = try plane.routes("default", .main, try Prefix(text), limit: 1)
        let answers = plane.presentDevices.answers(in: found.routes.first?.value.hardware)
        return answers.map { $0.answer.state.name + ($0.answer.reason.map { ": \($0)" } ?? "") }.joined(separator: ", ")
    }
}
