import Addressing
import ChangeLog
import Routing
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct RouteDifferenceTests {
    private typealias Line = RouteDifferenceModel.Line

    /// All changes of routes that are told, and how many steps it took.
    private func read(
        _ old: Snapshot, _ new: Snapshot, _ filter: EventFilter, limit: Int = 1
    ) -> (lines: [Line], steps: Int) {
        var (walk, lines, steps) = (SnapshotDifference(from: old, to: new, filter), [Line](), 0)
        while true {
            let (change, isAtEnd) = walk.next(limit: limit)
            steps += limit
            if let line = change.flatMap({ Line($0) }) { lines.append(line) }
            if isAtEnd { return (lines, steps) }
        }
    }

    private func filter(_ fill: (inout EventFilter) -> Void = { _ in }) -> EventFilter {
        var filter = EventFilter()
        filter.kinds = [.route]
        fill(&filter)
        return filter
    }

    @Test(
        "What is told is what a look at all routes of both finds, in the same order, for any filter",
        arguments: UInt64(1)...6)
    func agreesWithTheModel(seed: UInt64) {
        var world = DifferenceWorld(seed: seed)
        let empty = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20)).snapshot()
        var (snapshots, told) = ([empty, world.plane.snapshot()], Set<ChangeOperation>())
        for round in 0..<12 {
            for _ in 0..<Int.random(in: 0..<6, using: &world.random) { world.step() }
            world.step(.allCases[round % DifferenceWorld.Event.allCases.count])
            let (last, former, new) = (snapshots[snapshots.count - 1], world.one(snapshots), world.plane.snapshot())
            for (old, filter) in [(last, filter()), (last, world.filter()), (former, world.filter())] {
                let limit = Int.random(in: 1..<100, using: &world.random)
                let lines = read(old, new, filter, limit: limit).lines
                #expect(lines == RouteDifferenceModel(from: old, to: new, filter).lines, "\(filter)")
                told.formUnion(lines.map(\.operation))
            }
            snapshots.append(new)
        }
        #expect(told.count >= 5)
    }

    @Test("Of 20,000 routes those are looked at that have changed, and their neighbours")
    func takesFewSteps() throws {
        let lab = LinkLab()
        let prefixes = (0..<20_000).map { "10.\($0 >> 8).\($0 & 255).0/24" }
        for prefix in prefixes { try lab.add(prefix, "eth0") }
        let old = lab.plane.snapshot()
        for number in stride(from: 1_000, to: 20_000, by: 2_000) {
            try lab.add(prefixes[number], "eth1", verb: .replace)
        }
        try lab.add("10.9.9.0/24", "eth2", metric: 7)
        let new = lab.plane.snapshot()
        for view in [EventFilter.View.routes, .best] {
            let (lines, steps) = read(old, new, filter { $0.view = view })
            #expect(lines.filter { $0.operation == .replace }.count == 10)
            #expect(lines.count == (view == .best ? 10 : 11) && steps < 1_500, "\(steps) steps")
        }
        // Changes that the filter doesn't ask for are passed over, however many of its prefixes lie between.
        let within = try stride(from: 0, to: 5_000, by: 2).map { try Prefix(prefixes[$0]) }
        let (lines, steps) = read(old, new, filter { $0.selection.within = within })
        #expect(lines.count == 2 && steps < 6_000, "\(steps) steps")
        #expect(read(new, lab.plane.snapshot(), filter()).steps == 1)
    }

    @Test("A list that is partly in a leaf that no one has written to is told whole")
    func listOverSharedLeaves() throws {
        let lab = LinkLab()
        for number in 0..<100 { try lab.add("10.0.\(number).0/24", "eth0") }
        for number in 0..<100 { try lab.add("10.0.50.0/24", "eth\(number)", metric: 3, verb: .append) }
        let old = lab.plane.snapshot()
        try lab.add("10.0.50.0/24", "eth100", metric: 3, verb: .append)
        let new = lab.plane.snapshot()
        #expect(try (1..<50).contains(sharesNot(old, new)))
        let lines = read(old, new, filter()).lines
        let (gone, come) = (lines.filter { $0.operation == .delete }, lines.filter { $0.operation == .append })
        #expect(gone.count == 100 && come.count == 100 && lines.count == 201)
        #expect(lines == RouteDifferenceModel(from: old, to: new, filter()).lines)
        // The first of the prefix is in another leaf as well, and is what it was.
        #expect(read(old, new, filter { $0.view = .best }).lines == [])
    }

    /// Of how many routes the nodes are not in both.
    private func sharesNot(_ old: Snapshot, _ new: Snapshot) throws -> Int {
        let images = try [old, new].map { snapshot in
            try #require(snapshot.tables(of: RouteSelection()).first { $0.identity.id == .main }).table.image
        }
        var (walk, steps, count) = (ImageDifference(from: images[0], to: images[1]), 10_000, 0)
        while walk.next(steps: &steps) != nil { count += 1 }
        return count
    }

    @Test("When the first route of a prefix goes, the next one is told in its place, though no one has written to it")
    func nextOfAPrefix() throws {
        let lab = LinkLab()
        for metric in 1...100 as ClosedRange<UInt32> { try lab.add("10.0.0.0/8", "eth\(metric)", metric: metric) }
        let old = lab.plane.snapshot()
        for metric in 1...40 as ClosedRange<UInt32> {
            var selector = RouteSelector(prefix: try Prefix("10.0.0.0/8"))
            selector.metric = metric
            _ = try lab.plane.delete("default", .main, selector)
        }
        let new = lab.plane.snapshot()
        let best = filter { $0.view = .best }
        let lines = read(old, new, best).lines
        #expect(lines.map(\.operation) == [.replace])
        #expect(lines == RouteDifferenceModel(from: old, to: new, best).lines)
        #expect(read(old, new, filter()).lines.map(\.operation) == Array(repeating: .delete, count: 40))
    }

    @Test("Links that are impaired otherwise have the routes of their namespace looked at, and no others")
    func statusesOfOneNamespace() throws {
        let lab = LinkLab()
        for number in 0..<5_000 { try lab.add("10.\(number >> 8).\(number & 255).0/24", "eth0") }
        _ = try lab.plane.putNamespace("blue") { _ in NamespaceSettings() }
        var edit = LinkEdit(name: "eth0")
        edit.isUp = true
        _ = try lab.plane.change(ObjectOperation("blue", .putLink(edit)))
        for number in 0..<50 {
            var fields = RouteInfo.Fields()
            fields.nextHops = [NextHop(device: number < 20 ? "eth0" : "eth1")]
            let prefix = Prefix(unchecked: IPAddress(inet: 10 << 24 | UInt32(number) << 8), 24)
            let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
            _ = try lab.plane.write(.add, RouteWrite(try lab.plane.table("blue", .inet, .main), route, EntryWriter()))
        }
        let old = lab.plane.snapshot()
        _ = try lab.plane.change(ObjectOperation("blue", .setCarrier("eth0", false)))
        let new = lab.plane.snapshot()
        let (lines, steps) = read(old, new, filter())
        #expect(lines.map(\.operation) == Array(repeating: .status, count: 20) && steps < 500, "\(steps) steps")
        #expect(lines == RouteDifferenceModel(from: old, to: new, filter()).lines)
    }

    @Test("A namespace that went and came back has other routes, also where they say the same")
    func namespaceMadeAgain() throws {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 1 << 20))
        func make(_ count: UInt32) throws {
            _ = try plane.putNamespace("blue") { _ in NamespaceSettings() }
            for number in 0..<count {
                var fields = RouteInfo.Fields()
                fields.nextHops = [NextHop(device: "eth0")]
                let prefix = Prefix(unchecked: IPAddress(inet: 10 << 24 | number << 8), 24)
                let route = try Route.validated(prefix: prefix, tos: 0, metric: nil, fields: fields)
                _ = try plane.write(.add, RouteWrite(try plane.table("blue", .inet, .main), route, EntryWriter()))
            }
        }
        let none = plane.snapshot()
        try make(100)
        let old = plane.snapshot()
        _ = try plane.deleteNamespace("blue")
        try make(101)
        let new = plane.snapshot()
        #expect(read(none, old, filter()).lines.map(\.operation) == Array(repeating: .add, count: 100))
        #expect(read(old, none, filter()).lines.map(\.operation) == Array(repeating: .delete, count: 100))
        #expect(read(old, new, filter()).lines.map(\.operation) == Array(repeating: .replace, count: 100) + [.add])
    }

    @Test("What hardware has said meanwhile is nothing to who isn't told of it")
    func statesOnly() throws {
        let lab = LinkLab()
        for number in 0..<100 { try lab.add("10.0.\(number).0/24", "eth0") }
        let device = lab.plane.addDevice("asic", RouteSelection())
        let old = lab.plane.snapshot()
        var (walk, reports) = (RouteWalk(old, RouteSelection()), [HardwareReport]())
        while let (table, route) = walk.next() {
            reports.append(HardwareReport(table, route.key, version: route.value.version, state: .offload))
        }
        _ = try lab.plane.report(reports, by: device.line)
        let new = lab.plane.snapshot()
        #expect(read(old, new, filter()).lines.map(\.operation) == Array(repeating: .flags, count: 100))
        #expect(read(old, new, filter { $0.hardware = .none }).lines == [])
    }
}
