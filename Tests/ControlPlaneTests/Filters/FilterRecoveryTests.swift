import ChangeLog
import Routing
import ServiceSupport
import Storage
import TestSupport
import Testing
import Threads
import TrafficControl

@testable import ControlPlane

/// Filters over a restart: what several have changed at once, and what a crash has cut.
@Suite(.serialized) struct FilterRecoveryTests {
    private let store = MemoryStore()
    private let all = {
        var filter = EventFilter()
        filter.kinds = Set(ObjectKind.allCases)
        return filter
    }()

    private func plane(_ store: MemoryStore, checkpointBytes: Int = 64 << 20) throws -> ControlPlane {
        var limits = ControlPlane.Limits(logBytes: 64 << 20)
        limits.checkpointBytes = checkpointBytes
        return try ControlPlane(limits: limits, store: store)
    }

    /// One with a qdisc on `eth0` that gives packets to block 1.
    private func planeWithBlock() throws -> ControlPlane {
        let plane = try plane(store)
        try addQdisc(plane, "eth0", block: 1)
        return plane
    }

    private func addQdisc(_ plane: ControlPlane, _ device: String, block: UInt32) throws {
        _ = try plane.change(ObjectOperation("default", .putLink(LinkEdit(name: device))))
        let qdisc = try Qdisc(.ingress, on: device, ingressBlock: block)
        _ = try plane.change(TrafficOperation("default", .addQdisc(qdisc)))
    }

    /// Hardware that has whoever removes its filters wait in the middle.
    private final class Brake: FilterDevice {
        let name = "brake"
        let reached = Signal()
        let release = Signal()
        private let left: Locked<Int>

        init(after count: Int) { left = Locked(count, rank: .leaf) }

        func admit(_ filter: OfferedFilter) {}

        func remove(_ filter: OfferedFilter) {
            let count = left.withLock { left in
                left -= 1
                return left
            }
            guard count == 0 else { return }
            reached.raise()
            release.wait()
        }
    }

    private func settle(_ plane: ControlPlane) {
        let head = plane.log.head
        #expect(eventually { plane.log.durable >= head })
    }

    /// Starts anew from what is in the store, and has what there was, to the last count.
    @discardableResult
    private func restarted(_ first: ControlPlane) throws -> ControlPlane {
        first.close()
        let expected = all.summaries(of: first.snapshot())
        let second = try plane(store.reopened())
        second._checkTraffic()
        #expect(all.summaries(of: second.snapshot()) == expected)
        return second
    }

    private func together(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let threads = (0..<count).map { place in Thread(name: "writer-\(place)") { body(place) } }
        for thread in threads { thread.join() }
    }

    private func filter(_ port: UInt64, _ fill: (inout FilterWrite) -> Void = { _ in }) -> TrafficOperation {
        var write = FilterWrite()
        (write.kind, write.protocol, write.priority) = ("flower", .ip, 1)
        write.options = ["keys": .object(["ip_proto": .text("tcp"), "dst_port": .number(port)])]
        fill(&write)
        return TrafficOperation("default", .writeFilter(.shared(1), write))
    }

    private func removal(_ fill: (inout FilterSelector) -> Void) -> TrafficOperation {
        var selector = FilterSelector()
        fill(&selector)
        return TrafficOperation("default", .removeFilters(.shared(1), selector))
    }

    @Test("What several have changed at once is there after a restart", arguments: UInt64(1)...6)
    func everythingAtOnce(seed: UInt64) throws {
        var store = store
        let checkpointBytes = seed.isMultiple(of: 2) ? 20_000 : 64 << 20
        var plane = try plane(store, checkpointBytes: checkpointBytes)
        for round in UInt64(0)..<3 {
            let current = plane
            together(4) { place in
                var writer = RandomWriter(seed: seed * 100 + round * 10 + UInt64(place))
                for step in 0..<200 {
                    if step % 50 == 0 { _ = try? current.putNamespace("blue") { _ in NamespaceSettings() } }
                    if step == 150, place == 0 { _ = try? current.deleteNamespace("blue") }
                    writer.writeFilters(current)
                }
            }
            current.close()
            let expected = all.summaries(of: current.snapshot())
            store = store.reopened()
            plane = try self.plane(store, checkpointBytes: checkpointBytes)
            plane._checkTraffic()
            #expect(all.summaries(of: plane.snapshot()) == expected)
        }
        plane.close()
    }

    @Test("A chain that never went, since the next filter came while the last one was going, is there after a restart")
    func chainThatStayed() throws {
        let plane = try planeWithBlock()
        _ = try plane.change(filter(1))
        let removal = removal { ($0.priority, $0.handle) = (1, 1) }
        _ = try plane.change(
            filter(2) { write in
                write.priority = 2
                // The chain is held for this one by now.
                write.check = { _ in Thread(name: "remover") { _ = try? plane.change(removal) }.join() }
            })
        try restarted(plane).close()
    }

    @Test("A priority whose filters are going takes none of another protocol before they are gone")
    func otherProtocol() throws {
        let plane = try planeWithBlock()
        for port in UInt64(1)...5_000 { _ = try plane.change(filter(port)) }
        let removal = removal
        let flush = Thread(name: "flush") { _ = try? plane.change(removal { $0.priority = 1 }) }
        var isRefused = true
        while isRefused {
            let write = filter(1) { ($0.protocol, $0.options) = (.ipv6, ["keys": .object(["ip_proto": .text("tcp")])]) }
            isRefused = (try? plane.change(write)) == nil
        }
        flush.join()
        try restarted(plane).close()
    }

    @Test("Filters that share an action and go at once, and one who removes it, leave what a restart can follow")
    func sharedActions() throws {
        let plane = try planeWithBlock()
        let (filter, removal) = (filter, removal)
        together(4) { place in
            let priority = UInt16(place) + 1
            for step in 0..<300 {
                if place == 3 {
                    _ = try? plane.change(TrafficOperation("default", .removeAction(kind: "gact", 5)))
                    continue
                }
                let write = filter(UInt64(step % 7) + 1) { write in
                    (write.priority, write.handle, write.verb) = (priority, 1, .replace)
                    write.actions = [ActionDraft(.gact(Gact(.drop)), index: 5)]
                }
                _ = try? plane.change(write)
                if step % 3 == 0 { _ = try? plane.change(removal { ($0.priority, $0.handle) = (priority, 1) }) }
            }
        }
        try restarted(plane).close()
    }

    @Test("A link's filters and routes go to the last when a crash has cut their going", arguments: [true, false])
    func cutRemoval(ofLink: Bool) throws {
        let first = try plane(store)
        let brake = Brake(after: 1_500)
        _ = first.addDevice("brake", RouteSelection(), filters: brake)
        let name = ofLink ? "default" : "blue"
        _ = try first.putNamespace(name) { _ in NamespaceSettings() }
        _ = try first.change(ObjectOperation(name, .putLink(LinkEdit(name: "eth0"))))
        _ = try first.change(TrafficOperation(name, .addQdisc(try Qdisc(.ingress, on: "eth0"))))
        var write = FilterWrite()
        (write.kind, write.protocol, write.priority) = ("flower", .ip, 1)
        for port in UInt64(1)...5_000 {
            write.options = ["keys": .object(["ip_proto": .text("tcp"), "dst_port": .number(port)])]
            _ = try first.change(TrafficOperation(name, .writeFilter(.ingress("eth0"), write)))
        }
        settle(first)
        let before = first.log.head
        let remover = Thread(name: "remover") {
            if ofLink {
                _ = try? first.change(ObjectOperation(name, .removeLink("eth0")))
            } else {
                _ = try? first.deleteNamespace(name)
            }
        }
        brake.reached.wait()
        // While it can't go on, the first of what it has done becomes durable.
        #expect(eventually { first.log.durable >= before.advanced(by: 1_000) })
        let cut = store.reopened()
        brake.release.raise()
        remover.join()
        first.close()
        let last = try #require(cut.batches.last?.last)
        #expect(last >= before.rawValue + 1_000 && last < first.log.head.rawValue - 1_000)
        let second = try plane(cut)
        second._checkTraffic()
        let summaries = all.summaries(of: second.snapshot())
        for kind in [ObjectKind.link, .qdisc, .block, .chain, .filter] {
            #expect(summaries[kind].count == 0, "\(kind)")
        }
        if !ofLink {
            #expect(second.snapshot().namespaces.map(\.name) == ["default"])
            _ = try second.putNamespace(name) { _ in NamespaceSettings() }
        }
        second.close()
    }

    /// What becomes of a packet that comes into block 2.
    private func verdict(_ plane: ControlPlane) throws -> Verdict? {
        let packet = Packet(.ip, FlowBits())
        let found: Classification = try plane.classify(packet, in: .shared(2), of: "default", counts: false)
        return found.verdict
    }

    @Test(
        "An action that led into a block which is gone doesn't lead into the next one of its name, before and after restarts",
        arguments: [64 << 20, 3_000])
    func actionOfAFormerBlock(checkpointBytes: Int) throws {
        let first = try plane(store, checkpointBytes: checkpointBytes)
        try addQdisc(first, "eth0", block: 1)
        try addQdisc(first, "eth1", block: 2)
        func add(_ block: UInt32, chain: UInt32, _ action: ActionDraft, to plane: ControlPlane) throws {
            var write = FilterWrite()
            (write.kind, write.protocol, write.priority, write.options) = ("matchall", .all, 1, [:])
            (write.chain, write.actions) = (chain, [action])
            _ = try plane.change(TrafficOperation("default", .writeFilter(.shared(block), write)))
        }
        try add(1, chain: 0, ActionDraft(.gact(Gact(.goto(chain: 2))), index: 3), to: first)
        try add(2, chain: 0, ActionDraft("gact", index: 3), to: first)
        try add(1, chain: 2, ActionDraft(.gact(Gact(.drop))), to: first)
        #expect(try verdict(first) == .drop)
        _ = try first.change(TrafficOperation("default", .removeQdisc(device: "eth0", nil)))
        try addQdisc(first, "eth0", block: 1)
        try add(1, chain: 2, ActionDraft(.gact(Gact(.drop))), to: first)
        #expect(try verdict(first) == nil)
        // Enough for a checkpoint, if there is to be one.
        for port in UInt64(1)...100 { _ = try first.change(filter(port) { $0.priority = 9 }) }
        settle(first)
        let second = try restarted(first)
        #expect(try verdict(second) == nil)
        second.close()
    }
}
