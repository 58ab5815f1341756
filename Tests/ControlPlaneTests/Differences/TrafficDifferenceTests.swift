import Addressing
import ChangeLog
import Routing
import ServiceSupport
import TestSupport
import Testing
import TrafficControl

@testable import ControlPlane

@Suite struct TrafficDifferenceTests {
    @Test(
        "Of actions, chains and filters that is told which a look at all of both finds, in list order",
        arguments: UInt64(1)...6, [ObjectKind.ofTraffic, [.chain], [.filter, .route]])
    func agreesWithTheModel(seed: UInt64, kinds: [ObjectKind]) {
        let plane = ControlPlane(limits: ControlPlane.Limits(logBytes: 64 << 20))
        var writer = RandomWriter(seed: seed)
        var (filter, count) = (EventFilter(), 0)
        filter.kinds = Set(kinds)
        if seed % 4 == 0 { filter.selection.namespaces = ["blue"] }
        _ = try? plane.putNamespace("blue") { _ in NamespaceSettings() }
        fill(plane)
        var snapshots = [plane.snapshot()]
        for _ in 0..<15 {
            for _ in 0..<Int.random(in: 0..<25, using: &writer.random) { writer.writeFilters(plane) }
            if Int.random(in: 0..<4, using: &writer.random) == 0 { writer.step(plane) }
            let new = plane.snapshot()
            for old in [snapshots[snapshots.count - 1], snapshots[snapshots.count / 2]] {
                let lines = read(old, new, filter)
                #expect(lines == model(old, new, filter))
                count += lines.count
            }
            snapshots.append(new)
        }
        #expect(count > 0)
    }

    /// Several leaves' worth of actions and of filters of one priority.
    private func fill(_ plane: ControlPlane) {
        for number in 10..<200 as Range<UInt32> {
            let action = ActionDraft(.gact(Gact(.drop)), index: number)
            _ = try? plane.change(TrafficOperation("default", .writeAction(action, replaces: false)))
        }
        _ = try? plane.change(ObjectOperation("default", .putLink(LinkEdit(name: "dev1"))))
        if let qdisc = try? Qdisc(.clsact, on: "dev1", ingressBlock: nil, egressBlock: nil) {
            _ = try? plane.change(TrafficOperation("default", .addQdisc(qdisc, replaces: false)))
        }
        for number in 10..<200 as Range<UInt32> {
            var write = FilterWrite()
            (write.kind, write.protocol, write.priority, write.handle) = ("flower", .ip, 1, number)
            write.options = ["keys": .object(["ip_proto": .text("tcp"), "dst_port": .number(UInt64(number))])]
            _ = try? plane.change(TrafficOperation("default", .writeFilter(.ingress("dev1"), write)))
        }
    }

    private func read(_ old: Snapshot, _ new: Snapshot, _ filter: EventFilter) -> [String] {
        var (walk, lines) = (SnapshotDifference(from: old, to: new, filter), [String]())
        while true {
            let (change, isAtEnd) = walk.next(limit: 3)
            if let change, case .traffic(let object) = change.new ?? change.old {
                lines.append(line(change.operation, object, change.old?.version, change.new?.version))
            }
            if isAtEnd { return lines }
        }
    }

    private func line(
        _ operation: ChangeOperation, _ object: TrafficObject, _ old: ChangeSequence?, _ new: ChangeSequence?
    ) -> String {
        "\(operation) \(object.kind) of \(object.namespace): \(old?.rawValue ?? 0) → \(new?.rawValue ?? 0)"
    }

    private func model(_ old: Snapshot, _ new: Snapshot, _ filter: EventFilter) -> [String] {
        let (former, latter) = (objects(old, filter), objects(new, filter))
        let keys = (former.map(\.key) + latter.map(\.key)).sorted()
        return zip(keys, [nil] + keys.map(Optional.some)).filter { $0 != $1 }.compactMap { key, _ in
            let was = former.first { $0.key == key }?.object
            let present = latter.first { $0.key == key }?.object
            guard let object = present ?? was, was?.version != present?.version else { return nil }
            let operation: ChangeOperation = was == nil ? .add : present == nil ? .delete : .replace
            return line(operation, object, was?.version, present?.version)
        }
    }

    private func objects(_ snapshot: Snapshot, _ filter: EventFilter) -> [(key: TrafficKey, object: TrafficObject)] {
        var (walk, objects) = (filter.traffic(of: snapshot), [(key: TrafficKey, object: TrafficObject)]())
        while let object = walk.next() { objects.append((TrafficKey(object, chain: walk.chain), object)) }
        return objects
    }
}
